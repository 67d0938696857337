//! Bounds on a route's requests, tighter than the gateway's.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, RequestLimitsConfig};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::REQUEST_LIMITS)?;
    Some(Middleware::RequestLimits(RequestLimitsConfig::default()))
}
