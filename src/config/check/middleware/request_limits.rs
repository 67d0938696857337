//! Bounds on a route's requests, tighter than the gateway's.

use super::super::Faults;
use crate::config::RequestLimitsConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &RequestLimitsConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
