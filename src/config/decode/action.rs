//! What a route does with a request, and with its head on the way.

use super::super::keys::Section;
use super::super::node::Node;
use super::super::sections;
use super::super::{
    FileServing, HeaderEdits, Redirect, RequestIdConfig, Rewrite, StaticResponse, WeightedCluster,
};
use super::{Decoder, Fields, secret, values};
use crate::limits;
use std::path::PathBuf;

/// One that is wrong keeps its place in the list.
pub(super) fn weighted(d: &mut Decoder, node: &Node) -> Option<WeightedCluster> {
    let mut cluster = WeightedCluster { name: String::new(), weight: 1 };
    let Some(fields) = Fields::of(d, node, &sections::WEIGHTED) else { return Some(cluster) };
    if let Some(name) = fields.require(d, "name", values::text) {
        cluster.name = name;
    }
    fields.set(d, "weight", &mut cluster.weight, values::number(0..=limits::WEIGHT_MAX));
    Some(cluster)
}

// What is wrong in an action leaves its defaults, so that the route is known to have one.

pub(super) fn redirect(d: &mut Decoder, node: &Node) -> Option<Redirect> {
    let mut redirect = Redirect::default();
    let Some(fields) = Fields::of(d, node, &sections::REDIRECT) else { return Some(redirect) };
    if let Some(to) = fields.require(d, "to", values::text) {
        redirect.to = to;
    }
    fields.set(d, "status", &mut redirect.status, values::number(limits::REDIRECT_STATUS));
    Some(redirect)
}

pub(super) fn respond(d: &mut Decoder, node: &Node) -> Option<StaticResponse> {
    let mut response = StaticResponse::default();
    let Some(fields) = Fields::of(d, node, &sections::RESPOND) else { return Some(response) };
    fields.set(d, "status", &mut response.status, values::number(limits::RESPOND_STATUS));
    fields.set_some(d, "body", &mut response.body, values::text);
    fields.set_some(d, "body_file", &mut response.body_file, file);
    fields.set(d, "content_type", &mut response.content_type, values::text);
    Some(response)
}

pub(super) fn files(d: &mut Decoder, node: &Node) -> Option<FileServing> {
    let mut files = FileServing::default();
    let Some(fields) = Fields::of(d, node, &sections::FILES) else { return Some(files) };
    if let Some(root) = fields.require(d, "root", file) {
        files.root = root;
    }
    fields.set(d, "index", &mut files.index, values::list(values::text));
    fields.set_some(d, "fallback", &mut files.fallback, values::text);
    fields.set_some(d, "cache_control", &mut files.cache_control, values::text);
    fields.set(d, "hidden", &mut files.hidden, values::boolean);
    Some(files)
}

pub(super) fn file(d: &mut Decoder, node: &Node) -> Option<PathBuf> {
    values::text(d, node).map(PathBuf::from)
}

pub(super) fn rewrite(d: &mut Decoder, node: &Node) -> Option<Rewrite> {
    let fields = Fields::of(d, node, &sections::REWRITE)?;
    let strip = fields.read(d, "strip_prefix", values::text);
    let add = fields.read(d, "add_prefix", values::text);
    let path = fields.read(d, "path", values::text);
    let regex = fields.read(d, "regex", values::text);
    let with = fields.read(d, "with", values::text);
    let given = fields.present(&["strip_prefix", "add_prefix", "path", "regex", "with"]);
    match *given.as_slice() {
        ["strip_prefix"] | ["add_prefix"] | ["strip_prefix", "add_prefix"] => {
            let (strip, add) = (strip.unwrap_or_default(), add.unwrap_or_default());
            Some(Rewrite::Prefix { strip, add })
        }
        ["path"] => path.map(Rewrite::Path),
        ["regex", "with"] => Some(Rewrite::Regex { regex: regex?, with: with? }),
        [] if !fields.is_known() => None,
        [..] => {
            let message = "a rewrite is `strip_prefix` and `add_prefix` or one of them, or `path`, \
                           or `regex` and `with`";
            d.fault(fields.place(), message);
            None
        }
    }
}

pub(super) fn header_edits(
    d: &mut Decoder,
    node: &Node,
    section: &'static Section,
) -> Option<HeaderEdits> {
    let fields = Fields::of(d, node, section)?;
    let mut edits = HeaderEdits::default();
    fields.set(d, "set", &mut edits.set, secret::header_values);
    fields.set(d, "append", &mut edits.append, secret::header_values);
    fields.set(d, "remove", &mut edits.remove, values::list(values::text));
    Some(edits)
}

pub(super) fn request_id(d: &mut Decoder, node: &Node) -> Option<RequestIdConfig> {
    let fields = Fields::of(d, node, &sections::REQUEST_ID)?;
    let mut id = RequestIdConfig::default();
    fields.set(d, "header", &mut id.header, values::text);
    fields.set(d, "trust", &mut id.trust, values::boolean);
    fields.set(d, "respond", &mut id.respond, values::boolean);
    Some(id)
}
