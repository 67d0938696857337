//! How many requests of one key pass in a time.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, RateLimitConfig};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::RATE_LIMIT)?;
    Some(Middleware::RateLimit(RateLimitConfig::default()))
}
