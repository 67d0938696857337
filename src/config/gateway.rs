//! The root of a configuration.

use super::action::RequestIdConfig;
use super::cluster::ClusterConfig;
use super::limits::{ConnectionLimits, Limits, PoolConfig, RuntimeConfig};
use super::listen::{ListenAddr, ListenAddress, ListenerConfig};
use super::middleware::Middleware;
use super::observe::{AccessLogConfig, AdminConfig, MetricsConfig};
use super::policy::PathPolicy;
use super::reload::ReloadConfig;
use super::route::Route;
use super::service::{EtcdConfig, JaegerConfig, TlsConfig};
use super::timeouts::Timeouts;
use super::version::VersionGroup;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Everything that a gateway is told.
///
/// Read from a file with [`GatewayConfig::from_file`], or written as a literal that ends in
/// `..Default::default()`.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayConfig {
    /// The short way to write one listener.
    pub listen_addr: ListenAddr,
    /// Where the gateway listens, beside [`GatewayConfig::listen_addr`]; one of them is needed.
    pub listeners: Vec<ListenerConfig>,
    /// Threads that serve, each pinned to a core. Default [`Workers::Auto`].
    pub workers: Workers,
    /// How long requests in flight may take to finish after SIGTERM. Default 30 s: within systemd's
    /// 90 s and Kubernetes' usual 30 s of grace, most requests are long done.
    pub drain_timeout: Duration,
    /// Networks whose `Forwarded` and `X-Forwarded-*` fields are believed and added to; those of
    /// others are replaced. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Bounds of connections.
    pub connection_limits: ConnectionLimits,
    /// Bounds of requests.
    pub limits: Limits,
    /// What clusters and routes may override.
    pub timeouts: Timeouts,
    /// Idle connections to upstreams.
    pub pool: PoolConfig,
    /// Each worker's io_uring.
    pub runtime: RuntimeConfig,
    /// `/health`, `/ready`, `/stats` and `/metrics`.
    pub admin: AdminConfig,
    /// How metrics are served.
    pub metrics: MetricsConfig,
    /// Whether metrics are served at all. Default true: they cost a few stores a request.
    pub metrics_enabled: bool,
    /// Not built in this version. Default false.
    pub tracing_enabled: bool,
    /// A line for each request. Default none.
    pub access_log: Option<AccessLogConfig>,
    /// How a new configuration is come to while the gateway runs.
    pub reload: ReloadConfig,
    /// What becomes of ambiguous paths, where a route does not say otherwise.
    pub path_policy: PathPolicy,
    /// Gives every request an id. Default none: it costs a field on each request.
    pub request_id: Option<RequestIdConfig>,
    /// Versions of interfaces, by the name of their group.
    pub versions: BTreeMap<String, VersionGroup>,
    /// Filters that routes share, by kind and name: `rate_limit.tight`.
    pub middlewares: BTreeMap<String, Middleware>,
    /// Groups of upstreams by name.
    pub clusters: BTreeMap<String, ClusterConfig>,
    /// Which requests go where. A request that none matches is answered with 404.
    pub routes: Vec<Route>,
    /// Not built in this version.
    pub tls_config: Option<TlsConfig>,
    /// Discovery of upstreams. Not built in this version.
    pub etcd: Option<EtcdConfig>,
    /// Traces. Not built in this version.
    pub jaeger: Option<JaegerConfig>,
}

/// The threads that serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// One for each core that the process may run on: `"auto"` in a file.
    #[default]
    Auto,
    /// So many, on the first cores that the process may run on; 1 to 1,024.
    Count(usize),
    /// One on each core of the list, by the kernel's numbers.
    Cores(Vec<usize>),
}

impl Default for GatewayConfig {
    fn default() -> GatewayConfig {
        GatewayConfig {
            listen_addr: ListenAddr::default(),
            listeners: Vec::new(),
            workers: Workers::Auto,
            drain_timeout: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            connection_limits: ConnectionLimits::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            pool: PoolConfig::default(),
            runtime: RuntimeConfig::default(),
            admin: AdminConfig::default(),
            metrics: MetricsConfig::default(),
            metrics_enabled: true,
            tracing_enabled: false,
            access_log: None,
            reload: ReloadConfig::default(),
            path_policy: PathPolicy::default(),
            request_id: None,
            versions: BTreeMap::new(),
            middlewares: BTreeMap::new(),
            clusters: BTreeMap::new(),
            routes: Vec::new(),
            tls_config: None,
            etcd: None,
            jaeger: None,
        }
    }
}

impl GatewayConfig {
    /// The files that keys of tokens stand in, to be watched.
    pub(crate) fn key_files(&self) -> impl Iterator<Item = &Path> {
        let of_routes = self.routes.iter().flat_map(|route| &route.middlewares);
        self.middlewares.values().chain(of_routes).flat_map(|middleware| match middleware {
            Middleware::Auth(auth) => auth.files().collect(),
            _ => Vec::new(),
        })
    }

    /// Every address to listen on, the short form first.
    pub fn listen_addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        let listeners = self.listeners.iter().map(|listener| &listener.address);
        self.listen_addr.0.iter().chain(listeners)
    }

    /// The gateway's own timeouts with every default filled in: none of them is `None`.
    pub fn effective_timeouts(&self) -> Timeouts {
        let limits = &self.connection_limits;
        let limits = Timeouts {
            connect: Some(limits.connection_timeout),
            keep_alive: Some(limits.keep_alive_timeout),
            ..Timeouts::default()
        };
        self.timeouts.or(limits).or(Timeouts::DEFAULT)
    }

    /// Where the admin serves metrics; `None` when they are off.
    pub fn metrics_path(&self) -> Option<&str> {
        let metrics = &self.metrics;
        let is_on = self.metrics_enabled && metrics.enabled && metrics.prometheus_enabled;
        is_on.then_some(metrics.path.as_str())
    }
}
