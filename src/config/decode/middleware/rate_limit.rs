//! How many requests of one key pass in a time.

use super::super::super::keys;
use super::super::super::node::{Node, Value};
use super::super::super::sections;
use super::super::super::{LimitScope, Middleware, MissingKey, RateLimitConfig, RateLimitKey};
use super::super::values::{boolean, list, named, number, size, text, word};
use super::super::{Decoder, Fields};
use crate::limits;
use std::time::Duration;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::RATE_LIMIT)?;
    let mut limit = RateLimitConfig::default();
    let requests = &mut limit.requests_per_second;
    fields.set(d, "requests_per_second", requests, number(limits::LIMIT_REQUESTS));
    if let Some((requests, period)) = fields.read(d, "rate", rate) {
        (limit.requests_per_second, limit.period) = (requests, period);
    }
    if fields.present(&["requests_per_second", "rate"]).len() != 1 && fields.is_known() {
        let message = "a rate limit has `requests_per_second`, or `rate` such as `\"5/min\"`";
        d.fault(fields.place(), message);
        return None;
    }
    fields.set(d, "burst_size", &mut limit.burst_size, number(limits::LIMIT_BURST));
    fields.set(d, "key", &mut limit.key_strategy, key);
    fields.set(d, "scope", &mut limit.scope, word(SCOPES));
    fields.set(d, "cost", &mut limit.cost, number(limits::LIMIT_COST));
    let cost = |d: &mut Decoder, node: &Node| number(limits::LIMIT_COST)(d, node);
    fields.set(d, "costs", &mut limit.costs, named("a table of costs by route", cost));
    fields.set(d, "shadow", &mut limit.shadow, boolean);
    fields.set(d, "headers", &mut limit.headers, boolean);
    fields.set(d, "ipv6_prefix", &mut limit.ipv6_prefix, number(limits::LIMIT_IPV6_PREFIX));
    fields.set(d, "missing", &mut limit.missing, word(MISSING));
    fields.set(d, "memory", &mut limit.memory, size(limits::LIMIT_MEMORY));
    // A rate that could not be read was told, and would be told again as one of nothing.
    (limit.requests_per_second > 0).then_some(Middleware::RateLimit(limit))
}

/// `5/min`
fn rate(d: &mut Decoder, node: &Node) -> Option<(u64, Duration)> {
    let text = text(d, node)?;
    let read = || {
        let (count, unit) = text.split_once('/')?;
        let count = count.parse().ok().filter(|_| count.bytes().all(|byte| byte.is_ascii_digit()));
        let count: u64 = count?;
        let seconds = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3600,
            "day" => 24 * 3600,
            _ => return None,
        };
        limits::LIMIT_REQUESTS.contains(&count).then(|| (count, Duration::from_secs(seconds)))
    };
    let found = read();
    if found.is_none() {
        let expected = "a rate such as `\"100/s\"`, `\"5/min\"`, `\"1000/h\"` or `\"10000/day\"`";
        d.unexpected(node, expected);
    }
    found
}

/// One part of a key, or a list of them.
pub(super) fn key(d: &mut Decoder, node: &Node) -> Option<RateLimitKey> {
    match &node.value {
        Value::List(_) => list(part)(d, node).map(RateLimitKey::All),
        _ => part(d, node),
    }
}

fn part(d: &mut Decoder, node: &Node) -> Option<RateLimitKey> {
    let text = text(d, node)?;
    let (kind, name) = match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name.to_owned())),
        None => (text.as_str(), None),
    };
    match (kind, name) {
        ("ip", None) => Some(RateLimitKey::IP),
        ("route", None) => Some(RateLimitKey::Route),
        ("global", None) => Some(RateLimitKey::Global),
        ("header", Some(name)) => Some(RateLimitKey::Header(name)),
        ("cookie", Some(name)) => Some(RateLimitKey::Cookie(name)),
        ("path", Some(name)) => Some(RateLimitKey::PathParameter(name)),
        ("claim", Some(name)) => Some(RateLimitKey::Claim(name)),
        (_, name) => {
            let expected = "`ip`, `route`, `global`, `header:NAME`, `cookie:NAME`, `path:NAME` or \
                            `claim:NAME`";
            let message = format!("expected {expected}, found {}", node.found());
            let known: &[&str] = match name {
                Some(_) => &["header:NAME", "cookie:NAME", "path:NAME", "claim:NAME"],
                None => &["ip", "route", "global"],
            };
            d.fault_near(node.place, message, keys::nearest(kind, known.iter().copied()));
            None
        }
    }
}

pub(super) const SCOPES: &[(&str, LimitScope)] =
    &[("gateway", LimitScope::Gateway), ("worker", LimitScope::Worker)];

pub(super) const MISSING: &[(&str, MissingKey)] =
    &[("ip", MissingKey::Ip), ("pass", MissingKey::Pass), ("refuse", MissingKey::Refuse)];
