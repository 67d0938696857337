//! Fields that tell browsers to be careful.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{Middleware, SecurityHeadersConfig};
use super::super::{Decoder, Fields, values};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::SECURITY_HEADERS)?;
    let mut found = SecurityHeadersConfig::default();
    for (key, place) in [
        ("hsts", &mut found.hsts),
        ("content_type_options", &mut found.content_type_options),
        ("frame_options", &mut found.frame_options),
        ("referrer_policy", &mut found.referrer_policy),
        ("permissions_policy", &mut found.permissions_policy),
        ("content_security_policy", &mut found.content_security_policy),
        ("cross_origin_opener_policy", &mut found.cross_origin_opener_policy),
        ("cross_origin_resource_policy", &mut found.cross_origin_resource_policy),
        ("cross_origin_embedder_policy", &mut found.cross_origin_embedder_policy),
    ] {
        fields.set(d, key, place, value);
    }
    Some(Middleware::SecurityHeaders(found))
}

/// A value, or that there is none.
fn value(d: &mut Decoder, node: &Node) -> Option<Option<String>> {
    let text = values::text(d, node)?;
    Some(Some(text).filter(|text| text != "off"))
}
