//! How many requests of one key pass in a time.

use super::super::super::path::{element, join};
use super::super::{Faults, is_token};
use crate::config::{RateLimitConfig, RateLimitKey};
use crate::limits;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &RateLimitConfig, faults: &mut Faults) {
    let at = |key: &str| join(path, key);
    faults.not_built(path, "distributed", found.distributed);
    faults.not_built(path, "redis_url", found.redis_url.is_some());
    let requests = &at("requests_per_second");
    faults.range(requests, found.requests_per_second, limits::LIMIT_REQUESTS);
    faults.range(&at("burst_size"), found.burst_size, limits::LIMIT_BURST);
    faults.duration(&at("period"), found.period, false);
    rate(path, found, faults);
    key(path, &found.key_strategy, faults);
    let costs = found.costs.iter().map(|(route, cost)| (join(&at("costs"), route), *cost));
    for (path, cost) in std::iter::once((at("cost"), found.cost)).chain(costs) {
        faults.range(&path, cost, limits::LIMIT_COST);
        if u64::from(cost) > found.burst() {
            let burst = found.burst();
            faults.push(&path, format!("no request would pass: a burst has {burst} tokens"));
        }
    }
    table(path, found.ipv6_prefix, found.memory, faults);
}

/// What comes back must do so in a time that can be told, and that somebody lives to see.
fn rate(path: &str, found: &RateLimitConfig, faults: &mut Faults) {
    let interval_ns = found.interval_ns();
    if found.requests_per_second > 0 && interval_ns < limits::LIMIT_INTERVAL_NS_MIN {
        let most = 1_000_000_000 / limits::LIMIT_INTERVAL_NS_MIN;
        let message = format!("more than {most} requests a second");
        faults.push(&join(path, "requests_per_second"), message);
    }
    let tolerance_ns = u128::from(interval_ns) * u128::from(found.burst());
    if tolerance_ns > u128::from(limits::LIMIT_TOLERANCE_SECONDS_MAX) * 1_000_000_000 {
        let message = "at this rate a burst takes more than 30 days to come back";
        faults.push(&join(path, "burst_size"), message);
    }
}

/// The key of a rate limit or a concurrency limit.
pub(super) fn key(path: &str, found: &RateLimitKey, faults: &mut Faults) {
    let path = &join(path, "key");
    let parts = found.parts();
    if parts.is_empty() {
        faults.push(path, "a combination of nothing: `\"global\"` counts all requests together");
    }
    if parts.len() > limits::LIMIT_KEY_PARTS_MAX {
        faults.push(path, format!("more than {} parts", limits::LIMIT_KEY_PARTS_MAX));
    }
    let is_list = matches!(found, RateLimitKey::All(_));
    for (index, part) in parts.iter().enumerate() {
        let path = &if is_list { element(path, index) } else { path.clone() };
        match part {
            RateLimitKey::Header(name) if !is_token(name) => {
                faults.push(path, format!("`{}` is no field name", name.escape_debug()));
            }
            RateLimitKey::Cookie(name) if !is_token(name) => {
                faults.push(path, format!("`{}` is no name of a cookie", name.escape_debug()));
            }
            RateLimitKey::PathParameter(name) | RateLimitKey::Claim(name) if name.is_empty() => {
                faults.push(path, "a name is missing behind the colon");
            }
            RateLimitKey::All(_) => {
                faults.push(path, "a combination does not hold another: name its parts here");
            }
            RateLimitKey::Global if parts.len() > 1 => {
                faults.push(path, "`global` adds nothing to other parts: leave it out");
            }
            RateLimitKey::IP
            | RateLimitKey::Header(_)
            | RateLimitKey::Cookie(_)
            | RateLimitKey::PathParameter(_)
            | RateLimitKey::Claim(_)
            | RateLimitKey::Route
            | RateLimitKey::Global => {}
        }
        if parts[..index].contains(part) {
            faults.push(path, "this part stands here twice");
        }
    }
}

pub(super) fn table(path: &str, ipv6_prefix: u8, memory: u64, faults: &mut Faults) {
    faults.range(&join(path, "ipv6_prefix"), ipv6_prefix, limits::LIMIT_IPV6_PREFIX);
    faults.range(&join(path, "memory"), memory, limits::LIMIT_MEMORY);
}
