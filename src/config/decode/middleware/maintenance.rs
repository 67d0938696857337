//! An answer in place of the route's own, while something is being mended.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{MaintenanceConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::MAINTENANCE)?;
    Some(Middleware::Maintenance(MaintenanceConfig::default()))
}
