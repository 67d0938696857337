//! Bounds on a route's requests, tighter than the gateway's.

use super::super::Faults;
use crate::config::{RequestLimitsConfig, path};
use crate::limits;

/// `path` is where the filter stands. That nothing is looser than the gateway's is seen where the
/// filter is compiled.
pub(super) fn check(base: &str, found: &RequestLimitsConfig, faults: &mut Faults) {
    if *found == RequestLimitsConfig::default() {
        faults.push(base, "nothing is bounded: write one of its keys");
    }
    let RequestLimitsConfig { fields, fields_size, url_size, query_size, body: _ } = found;
    for (key, number, range) in [
        ("fields", fields, limits::ROUTE_FIELDS_COUNT),
        ("fields_size", fields_size, limits::ROUTE_FIELDS_SIZE),
        ("url_size", url_size, limits::URL_SIZE),
        ("query_size", query_size, limits::QUERY_SIZE),
    ] {
        if let Some(number) = number {
            faults.range(&path::join(base, key), *number, range);
        }
    }
}
