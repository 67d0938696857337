//! Which client addresses may pass.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{AddressOf, IpFilterConfig, Middleware};
use super::super::{Decoder, Fields, action, values};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::IP_FILTER)?;
    let mut filter = IpFilterConfig::default();
    fields.set(d, "allow", &mut filter.allow, values::list(values::network));
    fields.set(d, "deny", &mut filter.deny, values::list(values::network));
    fields.set_some(d, "allow_file", &mut filter.allow_file, action::file);
    fields.set_some(d, "deny_file", &mut filter.deny_file, action::file);
    fields.set(d, "of", &mut filter.of, values::word(&ADDRESSES));
    Some(Middleware::IpFilter(filter))
}

const ADDRESSES: [(&str, AddressOf); 2] =
    [("client", AddressOf::Client), ("peer", AddressOf::Peer)];
