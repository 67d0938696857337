//! A filter of the embedding program.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{CustomConfig, Middleware};
use super::super::{Decoder, Fields, values};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::CUSTOM)?;
    let mut custom = CustomConfig::default();
    let filter = fields.require(d, "filter", values::text);
    fields.set(d, "settings", &mut custom.settings, values::free);
    custom.filter = filter?;
    Some(Middleware::Custom(custom))
}
