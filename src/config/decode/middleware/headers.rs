//! Changes of fields, to be named by several routes.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{HeadersConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::HEADERS)?;
    Some(Middleware::Headers(HeadersConfig::default()))
}
