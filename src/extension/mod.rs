//! What an embedding program adds to a gateway: filters and load balancers of its own, by name.
//!
//! A program registers a [`FilterFactory`] or a [`LoadBalancerFactory`] under a name in
//! [`Extensions`], and the configuration asks for it by that name. A factory makes one filter for
//! each worker, so that a filter needs no lock and is not `Send`: its methods take `&self`, and
//! what it keeps stands in cells of its own. `docs/extending.md` tells how to write one.

mod registry;
mod settings;
mod filter;
mod context;
mod message;
mod reply;
mod question;
mod body;
mod balancer;
mod endpoint;
mod principal;

pub use balancer::{Attempt, AttemptEnd, BalancerContext, LoadBalancer, LoadBalancerFactory};
pub use body::{BodySink, Direction};
pub(crate) use context::FilterParts;
pub use context::{FilterContext, Outcome};
pub use endpoint::{Endpoint, EndpointId, EndpointSet, Endpoints, UpstreamId};
pub use filter::{BodyNeed, BuildContext, Filter, FilterFactory, Flow, Needs};
pub(crate) use message::ResponseSource;
pub use message::{FieldEdits, FieldInvalid, Request, Response};
pub use principal::Principal;
pub use question::{Answer, Question};
pub use registry::Extensions;
pub use reply::Reply;
pub use settings::Settings;
