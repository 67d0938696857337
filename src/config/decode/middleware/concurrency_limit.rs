//! How many requests of one key may be under way at once.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ConcurrencyLimitConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::CONCURRENCY_LIMIT)?;
    Some(Middleware::ConcurrencyLimit(ConcurrencyLimitConfig::default()))
}
