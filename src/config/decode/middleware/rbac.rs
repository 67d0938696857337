//! What those who are known may do.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, RbacConfig};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::RBAC)?;
    Some(Middleware::Rbac(RbacConfig::default()))
}
