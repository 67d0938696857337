//! Filters and balancers of a program's own, through the public interface alone: gateways inside
//! this process, with upstreams and clients on threads of their own.

#[path = "extensions/support.rs"]
mod support;
#[path = "extensions/balancers.rs"]
mod balancers;
#[path = "extensions/checks.rs"]
mod checks;
#[path = "extensions/example.rs"]
mod example;
#[path = "extensions/panics.rs"]
mod panics;
#[path = "extensions/reloads.rs"]
mod reloads;
#[path = "extensions/requests.rs"]
mod requests;
#[path = "extensions/responses.rs"]
mod responses;
