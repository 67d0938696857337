//! An answer in place of the route's own, while something is being mended.

use ipnet::IpNet;
use std::path::PathBuf;
use std::time::Duration;

/// An answer in place of the route's own, while something is being mended.
#[derive(Clone, Debug, PartialEq)]
pub struct MaintenanceConfig {
    /// 200 to 599. Default 503: clients and search engines come again.
    pub status: u16,
    /// When clients shall come again, in whole seconds: `Retry-After`. Default none.
    pub retry_after: Option<Duration>,
    /// The body as text; this or `body_file`, or neither for the gateway's own words.
    pub body: Option<String>,
    /// A file that is read once, when the configuration is.
    pub body_file: Option<PathBuf>,
    /// `Content-Type` of `body` or `body_file`.
    pub content_type: String,
    /// Networks of clients that pass, to see whether it works again.
    pub allow: Vec<IpNet>,
}

impl Default for MaintenanceConfig {
    fn default() -> MaintenanceConfig {
        MaintenanceConfig {
            status: 503,
            retry_after: None,
            body: None,
            body_file: None,
            content_type: "text/plain; charset=utf-8".to_owned(),
            allow: Vec::new(),
        }
    }
}
