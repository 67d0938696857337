//! TLS, health checks, discovery and tracing. None is built in this version: a configuration with
//! one is refused. The types are here so that their names are settled.

use std::path::PathBuf;
use std::time::Duration;

/// TLS towards clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    pub cert_path: PathBuf,
    /// Its private key, PEM.
    pub key_path: PathBuf,
    /// Who signs the certificates that clients must show.
    pub client_ca_path: Option<PathBuf>,
}

/// Probes of a cluster's upstreams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCheckConfig {
    /// Between two probes.
    pub interval: Duration,
    /// For one probe.
    pub timeout: Duration,
    /// What is probed.
    pub checks: Vec<HealthCheck>,
}

/// One kind of probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthCheck {
    /// A request.
    Http {
        /// Its path.
        path: String,
        /// The status that means healthy.
        expected_status: u16,
    },
    /// A connection.
    Tcp {
        /// To this port.
        port: u16,
    },
}

/// When an upstream that fails is left alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CircuitBreakerConfig {
    /// Share of failed requests that opens it, 0.0 to 1.0.
    pub failure_ratio: f64,
    /// Requests before that share counts.
    pub min_requests: u32,
    /// How long it stays open.
    pub open_for: Duration,
}

/// When a request is tried again. The one safe retry of a dead pooled connection needs no
/// configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryConfig {
    /// What is retried: `connect`, `reset`, a status.
    pub on: Vec<String>,
    /// Attempts in all.
    pub tries: u32,
    /// Share of requests that may be retries, 0.0 to 1.0.
    pub budget: f64,
}

/// Copies of a route's requests for another cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MirrorConfig {
    /// Where they go.
    pub cluster: String,
    /// Share of requests, 0 to 100.
    pub percent: f64,
}

/// Upstreams from etcd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EtcdConfig {
    /// Its servers' URLs.
    pub endpoints: Vec<String>,
    /// Where the services lie.
    pub prefix: String,
    /// Lease of a registration.
    pub ttl: Duration,
}

/// Traces to Jaeger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JaegerConfig {
    /// The collector's URL.
    pub endpoint: String,
    /// The gateway's name there.
    pub service_name: String,
    /// Share of requests that are traced, 0.0 to 1.0.
    pub sampling_rate: f64,
}
