//! How many requests of one key pass in a time.

use super::super::Faults;
use crate::config::RateLimitConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &RateLimitConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
