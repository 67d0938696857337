//! Who may pass: asked of another server for each request.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ForwardAuthConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::FORWARD_AUTH)?;
    Some(Middleware::ForwardAuth(ForwardAuthConfig::default()))
}
