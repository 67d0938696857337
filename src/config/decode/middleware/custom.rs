//! A filter of the embedding program.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{CustomConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::CUSTOM)?;
    Some(Middleware::Custom(CustomConfig::default()))
}
