//! What becomes of ambiguous paths.

use super::super::keys::Section;
use super::super::node::Node;
use super::super::sections;
use super::super::{Ambiguous, PathPolicy};
use super::{Decoder, Fields, values};

pub(super) fn gateway(d: &mut Decoder, node: &Node) -> Option<PathPolicy> {
    path_policy(d, node, &sections::PATH_POLICY)
}

pub(super) fn of_route(d: &mut Decoder, node: &Node) -> Option<PathPolicy> {
    path_policy(d, node, &sections::ROUTE_PATH_POLICY)
}

fn path_policy(d: &mut Decoder, node: &Node, section: &'static Section) -> Option<PathPolicy> {
    let fields = Fields::of(d, node, section)?;
    let mut policy = PathPolicy::default();
    let reject = ("reject", Ambiguous::Reject);
    let keep = ("keep", Ambiguous::Keep);
    let slash = [reject, keep, ("decode", Ambiguous::Decode)];
    let byte = [reject, keep];
    let dots = [("resolve", Ambiguous::Resolve), reject];
    let slashes = [("merge", Ambiguous::Resolve), keep, reject];
    fields.set_some(d, "encoded_slash", &mut policy.encoded_slash, values::word(&slash));
    fields.set_some(d, "backslash", &mut policy.backslash, values::word(&slash));
    fields.set_some(d, "nul", &mut policy.nul, values::word(&byte));
    fields.set_some(d, "double_encoding", &mut policy.double_encoding, values::word(&byte));
    fields.set_some(d, "dot_parameter", &mut policy.dot_parameter, values::word(&byte));
    fields.set_some(d, "dot_segments", &mut policy.dot_segments, values::word(&dots));
    fields.set_some(d, "repeated_slashes", &mut policy.repeated_slashes, values::word(&slashes));
    Some(policy)
}
