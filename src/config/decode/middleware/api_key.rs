//! Who may pass: clients with a known key.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ApiKeyConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::API_KEY)?;
    Some(Middleware::ApiKey(ApiKeyConfig::default()))
}
