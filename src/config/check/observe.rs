//! Metrics and access log.

use super::super::{AccessLogFormat, AccessLogOutput, GatewayConfig};
use super::Faults;
use crate::limits;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    let path = config.metrics.path.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    if !path.starts_with('/') || path.len() < 2 || !path.bytes().all(plain) {
        let message = "a path of letters, digits, `-`, `_` and `.`, as in `/metrics`";
        faults.push("metrics.path", message);
    } else if RESERVED_PATHS.contains(&path) {
        faults.push("metrics.path", format!("the admin answers `{path}` itself"));
    }
    let kept = 0..=limits::RECENT_COUNT_MAX;
    faults.range("admin.recent_requests", config.admin.recent_requests, kept);
    let Some(log) = &config.access_log else { return };
    if let AccessLogOutput::File(file) = &log.output
        && (!file.is_absolute() || file.file_name().is_none())
    {
        let message = "`\"stdout\"`, or the absolute path of a file";
        faults.push("access_log.output", message);
    }
    if let AccessLogFormat::Text(text) = &log.format {
        if text.trim().is_empty() {
            faults.push("access_log.format", "an empty format: `\"json\"`, or a text");
        }
        if text.contains(char::is_control) {
            let message = "control characters: each request is one line";
            faults.push("access_log.format", message);
        }
        if text.len() > limits::LOG_FIELD_BYTES_MAX {
            let bytes = limits::LOG_FIELD_BYTES_MAX;
            faults.push("access_log.format", format!("longer than {bytes} bytes"));
        }
    }
}

const RESERVED_PATHS: [&str; 5] = ["/health", "/ready", "/stats", "/requests", "/explain"];
