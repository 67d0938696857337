//! Which client addresses may pass.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{IpFilterConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::IP_FILTER)?;
    Some(Middleware::IpFilter(IpFilterConfig::default()))
}
