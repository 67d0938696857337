//! Bounds on a route's requests, tighter than the gateway's.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, RequestLimitsConfig};
use super::super::{Decoder, Fields, values};
use crate::limits as bounds;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::REQUEST_LIMITS)?;
    let mut limits = RequestLimitsConfig::default();
    fields.set_some(d, "fields", &mut limits.fields, values::number(bounds::ROUTE_FIELDS_COUNT));
    fields.set_some(
        d,
        "fields_size",
        &mut limits.fields_size,
        values::size(bounds::ROUTE_FIELDS_SIZE),
    );
    fields.set_some(d, "url_size", &mut limits.url_size, values::size(bounds::URL_SIZE));
    fields.set_some(d, "query_size", &mut limits.query_size, values::size(bounds::QUERY_SIZE));
    fields.set_some(d, "body", &mut limits.body, values::size(0..=u64::MAX));
    Some(Middleware::RequestLimits(limits))
}
