//! What operators write: one type tree for the file and for Rust.
//!
//! A file in TOML, YAML or JSON becomes a tree of nodes that know their places, then a
//! [`GatewayConfig`]; all faults are gathered on the way. A configuration that was built in Rust is
//! held to the same checks. Types of features that are not built yet exist, and are refused.

mod gateway;
mod listen;
mod limits;
mod timeouts;
mod observe;
mod route;
mod cluster;
mod url;
mod middleware;
mod condition;
mod secret;
mod steady;
mod text_file;
mod action;
mod version;
mod policy;
mod service;
mod reload;
mod path;
mod node;
mod lines;
mod document;
mod files;
mod read;
mod kind;
mod keys;
mod sections;
mod decode;
mod check;
mod load;
pub(crate) mod machine;
mod draft;
mod reference;
mod schema;
mod canonical;
pub mod difference;

pub use crate::error::{ConfigError, Fault, Location, Related};
#[doc(inline)]
pub use crate::http::method::{Method, MethodInvalid};
pub use action::{
    FileServing, HeaderEdits, HeaderValue, Redirect, RequestIdConfig, Rewrite, StaticResponse,
    WeightedCluster,
};
pub use canonical::formatted;
pub use check::check;
pub use cluster::{ClusterConfig, CustomBalancer, LoadBalancerType, Upstream};
pub use condition::{ConditionOperator, ConditionValue, RouteCondition};
pub(crate) use decode::units;
pub use document::Document;
pub(crate) use draft::{Draft, Literal, lines as draft_lines};
pub use files::{Inputs, Listing};
pub use gateway::{GatewayConfig, Workers};
pub(crate) use keys::nearest;
pub use limits::{ConnectionLimits, Limits, PoolConfig, RuntimeConfig};
pub use listen::{AddressInvalid, ListenAddr, ListenAddress, ListenerConfig};
pub(crate) use load::Check;
pub use load::Loaded;
pub use middleware::{
    AddressOf, ApiKey, ApiKeyConfig, ApiKeyValue, AuthConfig, BasicAuthConfig, BasicUser,
    ClaimValue, ConcurrencyLimitConfig, CorsConfig, CredentialSource, CredentialSourceInvalid,
    CustomConfig, ForwardAuthConfig, ForwardAuthError, HeadersConfig, Identity, IpFilterConfig,
    LimitScope, MaintenanceConfig, Middleware, MiddlewareKind, MissingKey, OIDCConfig,
    RateLimitConfig, RateLimitKey, RbacConfig, RbacEffect, RbacRule, RequestLimitsConfig,
    RequiredClaim, SecurityHeadersConfig, TokenAlgorithm, TransformConfig, TransformError,
    TransformStep,
};
pub use observe::{
    AccessLogConfig, AccessLogFormat, AccessLogOutput, AdminAddress, AdminConfig, MetricsConfig,
};
pub(crate) use path::join as key_path;
pub use policy::{Ambiguous, PathPolicy};
pub use reference::reference;
pub use reload::ReloadConfig;
pub use route::{Route, RouteBuilder};
pub use schema::schema;
pub use secret::{Secret, SecretInvalid, SecretSource};
pub use service::{
    CircuitBreakerConfig, EtcdConfig, HealthCheck, HealthCheckConfig, JaegerConfig, MirrorConfig,
    RetryConfig, TlsConfig,
};
pub(crate) use steady::read as read_file;
pub use text_file::{TextFile, TextFileInvalid};
pub use timeouts::Timeouts;
pub use url::{UpstreamUrl, UrlInvalid};
pub use version::{AfterSunset, RouteVersion, VersionGroup, VersionLife, VersionSource};

/// How a configuration file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.toml`
    Toml,
    /// `.yaml` or `.yml`
    Yaml,
    /// `.json`
    Json,
}
