//! How many requests of one key may be under way at once.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ConcurrencyLimitConfig, Middleware};
use super::super::values::{boolean, number, size, word};
use super::super::{Decoder, Fields};
use super::rate_limit::{MISSING, SCOPES, key};
use crate::limits;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::CONCURRENCY_LIMIT)?;
    let max_requests =
        fields.require(d, "max_requests", number(1..=limits::CONCURRENT_REQUESTS_MAX));
    let mut limit = ConcurrencyLimitConfig::default();
    fields.set(d, "key", &mut limit.key_strategy, key);
    fields.set(d, "scope", &mut limit.scope, word(SCOPES));
    fields.set(d, "shadow", &mut limit.shadow, boolean);
    fields.set(d, "ipv6_prefix", &mut limit.ipv6_prefix, number(limits::LIMIT_IPV6_PREFIX));
    fields.set(d, "missing", &mut limit.missing, word(MISSING));
    fields.set(d, "memory", &mut limit.memory, size(limits::LIMIT_MEMORY));
    limit.max_requests = max_requests?;
    Some(Middleware::ConcurrencyLimit(limit))
}
