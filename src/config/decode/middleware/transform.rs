//! Changes of bodies.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, TransformConfig};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::TRANSFORM)?;
    Some(Middleware::Transform(TransformConfig::default()))
}
