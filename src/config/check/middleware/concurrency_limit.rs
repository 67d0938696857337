//! How many requests of one key may be under way at once.

use super::super::super::path::join;
use super::super::Faults;
use super::rate_limit::{key, table};
use crate::config::ConcurrencyLimitConfig;
use crate::limits;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &ConcurrencyLimitConfig, faults: &mut Faults) {
    let range = 1..=limits::CONCURRENT_REQUESTS_MAX;
    faults.range(&join(path, "max_requests"), found.max_requests, range);
    key(path, &found.key_strategy, faults);
    table(path, found.ipv6_prefix, found.memory, faults);
}
