//! Filters that a route can have: what looks at a request before it is sent on, and at the answer.

mod ip_filter;
mod maintenance;
mod request_limits;
mod cors;
mod rate_limit;
mod auth;
mod credential;
mod api_key;
mod basic_auth;
mod forward_auth;
mod rbac;
mod concurrency_limit;
mod headers;
mod security_headers;
mod transform;
mod custom;
mod feature;

pub use api_key::{ApiKey, ApiKeyConfig, ApiKeyValue};
pub use auth::{AuthConfig, OIDCConfig, RequiredClaim, TokenAlgorithm};
pub use basic_auth::{BasicAuthConfig, BasicUser};
pub use concurrency_limit::ConcurrencyLimitConfig;
pub use cors::CorsConfig;
pub use credential::{CredentialSource, CredentialSourceInvalid, Identity};
pub use custom::CustomConfig;
pub use forward_auth::{ForwardAuthConfig, ForwardAuthError};
pub use headers::HeadersConfig;
pub use ip_filter::{AddressOf, IpFilterConfig};
pub use maintenance::MaintenanceConfig;
pub use rate_limit::{LimitScope, MissingKey, RateLimitConfig, RateLimitKey};
pub use rbac::{ClaimValue, RbacConfig, RbacEffect, RbacRule};
pub use request_limits::RequestLimitsConfig;
pub use security_headers::SecurityHeadersConfig;
pub use transform::{TransformConfig, TransformError, TransformStep};

use super::TextFile;
use std::path::PathBuf;

/// A filter of requests and responses, in the order of `Route::middlewares`.
// A box would stand in every program that makes one, and a configuration has few.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Middleware {
    /// Which client addresses may pass.
    IpFilter(IpFilterConfig),
    /// An answer in place of the route's own, while something is being mended.
    Maintenance(MaintenanceConfig),
    /// Bounds on a route's requests, tighter than the gateway's.
    RequestLimits(RequestLimitsConfig),
    /// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
    Cors(CorsConfig),
    /// How many requests of one key pass in a time.
    RateLimit(RateLimitConfig),
    /// Who may pass: bearers of a JSON Web Token (RFC 7519).
    Auth(AuthConfig),
    /// Who may pass: clients with a known key.
    ApiKey(ApiKeyConfig),
    /// Who may pass: users with a password (RFC 7617).
    BasicAuth(BasicAuthConfig),
    /// Who may pass: asked of another server for each request.
    ForwardAuth(ForwardAuthConfig),
    /// What those who are known may do.
    Rbac(RbacConfig),
    /// How many requests of one key may be under way at once.
    ConcurrencyLimit(ConcurrencyLimitConfig),
    /// Changes of fields, to be named by several routes.
    Headers(HeadersConfig),
    /// Fields that tell browsers to be careful.
    SecurityHeaders(SecurityHeadersConfig),
    /// Changes of bodies.
    Transform(TransformConfig),
    /// A filter of the embedding program.
    Custom(CustomConfig),
    /// One of `GatewayConfig::middlewares`, by its kind and its name: `rate_limit.tight`.
    Named(String),
}

/// What a filter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MiddlewareKind {
    /// `ip_filter`
    IpFilter,
    /// `maintenance`
    Maintenance,
    /// `request_limits`
    RequestLimits,
    /// `cors`
    Cors,
    /// `rate_limit`
    RateLimit,
    /// `auth`
    Auth,
    /// `api_key`
    ApiKey,
    /// `basic_auth`
    BasicAuth,
    /// `forward_auth`
    ForwardAuth,
    /// `rbac`
    Rbac,
    /// `concurrency_limit`
    ConcurrencyLimit,
    /// `headers`
    Headers,
    /// `security_headers`
    SecurityHeaders,
    /// `transform`
    Transform,
    /// `custom`
    Custom,
}

impl MiddlewareKind {
    /// All, in the order in which they see a request where the route does not say otherwise.
    pub const ALL: [MiddlewareKind; 15] = [
        MiddlewareKind::IpFilter,
        MiddlewareKind::Maintenance,
        MiddlewareKind::RequestLimits,
        MiddlewareKind::Cors,
        MiddlewareKind::RateLimit,
        MiddlewareKind::Auth,
        MiddlewareKind::ApiKey,
        MiddlewareKind::BasicAuth,
        MiddlewareKind::ForwardAuth,
        MiddlewareKind::Rbac,
        MiddlewareKind::ConcurrencyLimit,
        MiddlewareKind::Headers,
        MiddlewareKind::SecurityHeaders,
        MiddlewareKind::Transform,
        MiddlewareKind::Custom,
    ];

    /// The key in a file.
    pub fn name(self) -> &'static str {
        match self {
            MiddlewareKind::IpFilter => "ip_filter",
            MiddlewareKind::Maintenance => "maintenance",
            MiddlewareKind::RequestLimits => "request_limits",
            MiddlewareKind::Cors => "cors",
            MiddlewareKind::RateLimit => "rate_limit",
            MiddlewareKind::Auth => "auth",
            MiddlewareKind::ApiKey => "api_key",
            MiddlewareKind::BasicAuth => "basic_auth",
            MiddlewareKind::ForwardAuth => "forward_auth",
            MiddlewareKind::Rbac => "rbac",
            MiddlewareKind::ConcurrencyLimit => "concurrency_limit",
            MiddlewareKind::Headers => "headers",
            MiddlewareKind::SecurityHeaders => "security_headers",
            MiddlewareKind::Transform => "transform",
            MiddlewareKind::Custom => "custom",
        }
    }

    /// The kind with this key.
    pub fn of(name: &str) -> Option<MiddlewareKind> {
        MiddlewareKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Middleware {
    /// What it does; none of one that is only named.
    pub fn kind(&self) -> Option<MiddlewareKind> {
        match self {
            Middleware::IpFilter(_) => Some(MiddlewareKind::IpFilter),
            Middleware::Maintenance(_) => Some(MiddlewareKind::Maintenance),
            Middleware::RequestLimits(_) => Some(MiddlewareKind::RequestLimits),
            Middleware::Cors(_) => Some(MiddlewareKind::Cors),
            Middleware::RateLimit(_) => Some(MiddlewareKind::RateLimit),
            Middleware::Auth(_) => Some(MiddlewareKind::Auth),
            Middleware::ApiKey(_) => Some(MiddlewareKind::ApiKey),
            Middleware::BasicAuth(_) => Some(MiddlewareKind::BasicAuth),
            Middleware::ForwardAuth(_) => Some(MiddlewareKind::ForwardAuth),
            Middleware::Rbac(_) => Some(MiddlewareKind::Rbac),
            Middleware::ConcurrencyLimit(_) => Some(MiddlewareKind::ConcurrencyLimit),
            Middleware::Headers(_) => Some(MiddlewareKind::Headers),
            Middleware::SecurityHeaders(_) => Some(MiddlewareKind::SecurityHeaders),
            Middleware::Transform(_) => Some(MiddlewareKind::Transform),
            Middleware::Custom(_) => Some(MiddlewareKind::Custom),
            Middleware::Named(_) => None,
        }
    }

    /// Its place in the fixed order: a rate limit that counts by a claim stands behind those who
    /// read the claims.
    pub fn position(&self) -> u8 {
        match self {
            Middleware::RateLimit(limit) if limit.key_strategy.needs_claims() => {
                MiddlewareKind::ForwardAuth as u8 * 2 + 1
            }
            Middleware::Named(_) => u8::MAX,
            other => other.kind().map_or(u8::MAX, |kind| kind as u8 * 2),
        }
    }

    /// The files that were read for it, but for those of secrets: a change of one changes what it
    /// does.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let path = |text: &TextFile| text.path().to_owned();
        match self {
            Middleware::ApiKey(config) => config.keys_file.iter().map(path).collect(),
            Middleware::BasicAuth(config) => config.users_file.iter().map(path).collect(),
            Middleware::ForwardAuth(config) => config.ca.iter().map(path).collect(),
            Middleware::IpFilter(config) => {
                config.allow_file.iter().chain(&config.deny_file).cloned().collect()
            }
            Middleware::Maintenance(config) => config.body_file.iter().cloned().collect(),
            Middleware::Auth(_)
            | Middleware::RequestLimits(_)
            | Middleware::Cors(_)
            | Middleware::RateLimit(_)
            | Middleware::Rbac(_)
            | Middleware::ConcurrencyLimit(_)
            | Middleware::Headers(_)
            | Middleware::SecurityHeaders(_)
            | Middleware::Transform(_)
            | Middleware::Custom(_)
            | Middleware::Named(_) => Vec::new(),
        }
    }
}
