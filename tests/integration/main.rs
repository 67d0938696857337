//! The real `frys` command against real clients and upstreams: what an operator would see.
//!
//! Each test starts its own gateway with its own configuration, ports and folder, and stops it by
//! SIGTERM; the exit status is part of every test.

mod support;

mod forwarding;
mod bodies;
mod transforms;
mod fields;
mod framing;
mod wire_cases;
mod routing;
mod actions;
mod edge;
mod origins;
mod pools;
mod limits;
mod quotas;
mod documents;
mod timeouts;
mod authorization;
mod admin;
mod stages;
mod log;
mod lifecycle;
mod command;
mod reload;
mod schema;
mod files;
mod programs;
mod judge;
mod page;
mod demo;
mod explain;
mod test_upstream;
mod bench;
#[cfg(feature = "authentication")]
mod api_keys;
#[cfg(feature = "authentication")]
mod basic_auth;
#[cfg(feature = "authentication")]
mod forward_auth;
#[cfg(feature = "authentication")]
mod tokens;
