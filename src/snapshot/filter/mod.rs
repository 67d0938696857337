//! Filters as workers read them: compiled once, shared by all generations in which they are the
//! same.

mod ip_filter;
mod maintenance;
mod request_limits;
mod cors;
mod limit_key;
mod rate_limit;
#[cfg(feature = "authentication")]
mod auth;
#[cfg(not(feature = "authentication"))]
#[path = "auth_absent.rs"]
mod auth;
#[cfg(feature = "authentication")]
mod api_key;
#[cfg(not(feature = "authentication"))]
#[path = "api_key_absent.rs"]
mod api_key;
#[cfg(feature = "authentication")]
pub mod basic_auth;
#[cfg(not(feature = "authentication"))]
#[path = "basic_auth_absent.rs"]
mod basic_auth;
#[cfg(feature = "authentication")]
mod forward_auth;
#[cfg(not(feature = "authentication"))]
#[path = "forward_auth_absent.rs"]
mod forward_auth;
pub mod rbac;
mod concurrency_limit;
mod headers;
mod security_headers;
mod transform;
mod custom;
mod asked;
#[cfg(feature = "authentication")]
pub mod owner;
#[cfg(feature = "authentication")]
pub mod source;
mod body;
mod challenge;

pub use api_key::ApiKey;
pub use asked::{ForwardTarget, PasswordHash};
pub use auth::Auth;
#[cfg(feature = "authentication")]
pub use auth::TokenPlace;
pub use basic_auth::BasicAuth;
pub use body::{BodyNeed, BodyNeeds, Buffers};
pub use concurrency_limit::ConcurrencyLimit;
pub use cors::{Asker, Cors, CorsCache};
pub use custom::Custom;
pub use forward_auth::ForwardAuth;
pub use headers::Headers;
pub use ip_filter::IpFilter;
pub use limit_key::{KeyPart, LimitKey, Missing};
pub use maintenance::{Maintenance, Text};
pub use rate_limit::RateLimit;
pub use rbac::{Rbac, RuleId};
pub use request_limits::RequestLimits;
pub use security_headers::SecurityHeaders;
pub use transform::{Scratch, Transform, Unchanged, Want};

use crate::config::{Fault, GatewayConfig, Middleware};
use crate::extension::Extensions;
use crate::jwt::KeySource;
use crate::meters::{FilterBlock, Series};
use std::sync::Arc;

/// An index into [`super::Snapshot::filters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterId(pub u32);

/// One filter: a named one of the gateway, or one of a route.
#[derive(Debug)]
pub struct Filter {
    /// `rate_limit.tight`, or `rate_limit@ROUTE` of one that stands in a route; in logs and
    /// metrics.
    pub name: Box<str>,
    /// A small number that no other filter of the same generation has, and that a name keeps from
    /// one generation to the next: where a worker keeps what it knows of the filter.
    pub slot: u32,
    /// What it does.
    pub step: Step,
    /// Where its decisions are counted.
    pub series: Arc<Series<FilterBlock>>,
    /// What it was compiled from: by it a filter that did not change is known.
    pub(super) source: Middleware,
}

impl Filter {
    /// Whether it is one of the embedding program.
    pub(super) fn is_custom(&self) -> bool {
        matches!(self.step, Step::Custom(_))
    }

    /// What it was compiled from.
    pub fn written(&self) -> &Middleware {
        &self.source
    }

    /// Whether both do the same: written alike, and with the same contents of the files they name.
    pub(super) fn is_same(&self, other: &Filter) -> bool {
        self.source == other.source && self.step.has_same_files(&other.step)
    }
}

/// What a filter does.
#[derive(Debug)]
pub enum Step {
    /// Which client addresses may pass.
    IpFilter(Box<IpFilter>),
    /// An answer in place of the route's own, while something is being mended.
    Maintenance(Box<Maintenance>),
    /// Bounds on a route's requests, tighter than the gateway's.
    RequestLimits(Box<RequestLimits>),
    /// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
    Cors(Box<Cors>),
    /// How many requests of one key pass in a time.
    RateLimit(Box<RateLimit>),
    /// Who may pass: bearers of a JSON Web Token (RFC 7519).
    Auth(Box<Auth>),
    /// Who may pass: clients with a known key.
    ApiKey(Box<ApiKey>),
    /// Who may pass: users with a password (RFC 7617).
    BasicAuth(Box<BasicAuth>),
    /// Who may pass: asked of another server for each request.
    ForwardAuth(Box<ForwardAuth>),
    /// What those who are known may do.
    Rbac(Box<Rbac>),
    /// How many requests of one key may be under way at once.
    ConcurrencyLimit(Box<ConcurrencyLimit>),
    /// Changes of fields, to be named by several routes.
    Headers(Box<Headers>),
    /// Fields that tell browsers to be careful.
    SecurityHeaders(Box<SecurityHeaders>),
    /// Changes of bodies.
    Transform(Box<Transform>),
    /// A filter of the embedding program.
    Custom(Box<Custom>),
}

impl Step {
    /// Whether it may look at answers.
    pub fn wants_response(&self) -> bool {
        matches!(self, Step::Custom(_))
    }

    /// The names of the path parameters that it reads; [`Link::parameters`] has their places.
    pub fn parameters(&self) -> &[String] {
        match self {
            Step::Headers(headers) => &headers.parameters,
            Step::RateLimit(limit) => &limit.key.parameters,
            Step::ConcurrencyLimit(limit) => &limit.key.parameters,
            Step::IpFilter(_)
            | Step::Maintenance(_)
            | Step::RequestLimits(_)
            | Step::Cors(_)
            | Step::Auth(_)
            | Step::ApiKey(_)
            | Step::BasicAuth(_)
            | Step::ForwardAuth(_)
            | Step::Rbac(_)
            | Step::SecurityHeaders(_)
            | Step::Transform(_)
            | Step::Custom(_) => &[],
        }
    }

    /// Whether it asks who sends a request, or needs to know: a browser sends no credentials with
    /// a preflight (Fetch standard, CORS-preflight fetch), so of that it is not asked.
    pub fn asks_who(&self) -> bool {
        match self {
            Step::Auth(_)
            | Step::ApiKey(_)
            | Step::BasicAuth(_)
            | Step::ForwardAuth(_)
            | Step::Rbac(_) => true,
            Step::RateLimit(limit) => limit.key.needs_claims(),
            Step::ConcurrencyLimit(limit) => limit.key.needs_claims(),
            Step::IpFilter(_)
            | Step::Maintenance(_)
            | Step::RequestLimits(_)
            | Step::Cors(_)
            | Step::Headers(_)
            | Step::SecurityHeaders(_)
            | Step::Transform(_)
            | Step::Custom(_) => false,
        }
    }

    /// Whether both were made of files with the same contents, where their configuration is the
    /// same.
    fn has_same_files(&self, other: &Step) -> bool {
        match (self, other) {
            (Step::IpFilter(one), Step::IpFilter(other)) => one == other,
            (Step::Maintenance(one), Step::Maintenance(other)) => one == other,
            (_, _) => true,
        }
    }

    /// What a request of a route counts for, where requests are counted.
    pub(super) fn cost(&self, route: &str) -> u32 {
        if let Step::RateLimit(limit) = self { limit.cost(route) } else { 1 }
    }

    /// Where the keys are fetched that it needs, if it does.
    pub fn key_source(&self) -> Option<&Arc<KeySource>> {
        let Step::Auth(auth) = self else { return None };
        auth.key_source()
    }
}

/// The filters of a route, in the order in which they see a request.
#[derive(Debug, Default)]
pub struct Chain {
    /// One after the other.
    pub links: Box<[Link]>,
    /// The names of the route's path parameters, in their order.
    pub parameters: Box<[String]>,
    /// Whether one of them may look at answers.
    pub wants_response: bool,
    /// Whether one of them answers preflights.
    pub has_cors: bool,
    /// Whether some of them are passed over by preflights.
    pub lets_preflights_by: bool,
    /// What they may read of bodies, all together.
    pub bodies: BodyNeeds,
}

/// A filter as one route has it.
#[derive(Debug)]
pub struct Link {
    /// Which.
    pub filter: FilterId,
    /// By the order of [`Step::parameters`]: which of the route's parameters each is.
    pub parameters: Box<[usize]>,
    /// What a request of the route counts for, where requests are counted.
    pub cost: u32,
    /// What it may read of bodies: [`Step::bodies`].
    pub bodies: BodyNeeds,
    /// Whether it is not asked of preflights, which a filter behind it answers.
    pub lets_preflights_by: bool,
}

/// Where a filter stands, and what it may look at.
pub(in crate::snapshot) struct Place<'a> {
    /// Its key path.
    pub(in crate::snapshot) path: &'a str,
    /// The whole.
    pub(in crate::snapshot) config: &'a GatewayConfig,
    /// What the program has of its own.
    pub(in crate::snapshot) extensions: &'a Extensions,
}

/// Compiles one filter.
pub(super) fn compile(
    middleware: &Middleware,
    place: &Place<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Step> {
    macro_rules! compiled {
        ($($kind:ident),* $(,)?) => {
            match middleware {
                $(Middleware::$kind(config) => {
                    Some(Step::$kind(Box::new($kind::compile(config, place, faults)?)))
                })*
                // Whoever names a filter has looked it up.
                Middleware::Named(_) => None,
            }
        };
    }
    compiled!(
        IpFilter,
        Maintenance,
        RequestLimits,
        Cors,
        RateLimit,
        Auth,
        ApiKey,
        BasicAuth,
        ForwardAuth,
        Rbac,
        ConcurrencyLimit,
        Headers,
        SecurityHeaders,
        Transform,
        Custom,
    )
}

/// Hands on what a filter of the same name keeps for all workers, where both are of one kind.
pub(super) fn succeed(new: &mut Step, old: &Step) {
    match (new, old) {
        (Step::RateLimit(new), Step::RateLimit(old)) => new.succeed(old),
        (Step::ConcurrencyLimit(new), Step::ConcurrencyLimit(old)) => new.succeed(old),
        (_, _) => {}
    }
}
