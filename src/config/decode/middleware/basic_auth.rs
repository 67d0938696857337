//! Who may pass: users with a password (RFC 7617).

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{BasicAuthConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::BASIC_AUTH)?;
    Some(Middleware::BasicAuth(BasicAuthConfig::default()))
}
