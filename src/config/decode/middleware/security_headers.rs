//! Fields that tell browsers to be careful.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, SecurityHeadersConfig};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::SECURITY_HEADERS)?;
    Some(Middleware::SecurityHeaders(SecurityHeadersConfig::default()))
}
