//! Changes of fields, to be named by several routes.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{HeadersConfig, Middleware};
use super::super::{Decoder, Fields, action};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::HEADERS)?;
    let mut headers = HeadersConfig::default();
    fields.set(d, "request", &mut headers.request, |d: &mut Decoder, node: &Node| {
        action::header_edits(d, node, &sections::REQUEST_HEADERS)
    });
    fields.set(d, "response", &mut headers.response, |d: &mut Decoder, node: &Node| {
        action::header_edits(d, node, &sections::RESPONSE_HEADERS)
    });
    Some(Middleware::Headers(headers))
}
