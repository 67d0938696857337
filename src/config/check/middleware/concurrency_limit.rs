//! How many requests of one key may be under way at once.

use super::super::Faults;
use crate::config::ConcurrencyLimitConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &ConcurrencyLimitConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
