//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{AuthConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::AUTH)?;
    Some(Middleware::Auth(AuthConfig::default()))
}
