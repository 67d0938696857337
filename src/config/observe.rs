//! What the gateway tells about itself.

use super::listen::ListenAddress;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where the admin listens: a port or a Unix socket, written as a listener's address is.
pub type AdminAddress = ListenAddress;

/// The admin: `/health`, `/ready`, `/stats` and `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Default true.
    pub enabled: bool,
    /// Where it listens. Default `127.0.0.1:9901`: there is no login, so only this machine may.
    pub address: AdminAddress,
    /// Requests that ended last and can be asked for, split evenly over the workers; 0 for none.
    /// Default 1,024, at 2 KiB each: what `frys explain --id` and `frys capture` read.
    pub recent_requests: usize,
}

impl Default for AdminConfig {
    fn default() -> AdminConfig {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9901));
        AdminConfig {
            enabled: true,
            address: AdminAddress::Tcp(address),
            recent_requests: RECENT_COUNT,
        }
    }
}

const RECENT_COUNT: usize = 1_024;

/// Metrics in Prometheus' formats, served by the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// Whether they are served; off when `GatewayConfig::metrics_enabled` is off. Default true.
    pub enabled: bool,
    /// The path on the admin. Default `/metrics`.
    pub path: String,
    /// Whether that path answers in Prometheus' text format and OpenMetrics. Default true; they
    /// are the only formats so far.
    pub prometheus_enabled: bool,
}

impl Default for MetricsConfig {
    fn default() -> MetricsConfig {
        MetricsConfig { enabled: true, path: "/metrics".into(), prometheus_enabled: true }
    }
}

/// A line for each request. Lines are written by one thread beside the workers; when it cannot keep
/// up, lines are dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// Default standard output.
    pub output: AccessLogOutput,
    /// Default JSON.
    pub format: AccessLogFormat,
}

/// Where access-log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogOutput {
    /// Standard output: `"stdout"` in a file.
    Stdout,
    /// A file by its absolute path, appended to, opened anew on SIGUSR1.
    File(PathBuf),
}

/// What access-log lines look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object a line: `"json"` in a file.
    Json,
    /// A text with `$variables`.
    Text(String),
}

impl Default for AccessLogConfig {
    fn default() -> AccessLogConfig {
        AccessLogConfig { output: AccessLogOutput::Stdout, format: AccessLogFormat::Json }
    }
}
