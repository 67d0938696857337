//! Groups of versions, and the version that a route serves.

use super::super::node::{Node, Value};
use super::super::sections;
use super::super::{AfterSunset, RouteVersion, VersionGroup, VersionLife, VersionSource};
use super::{Decoder, Fields, values};
use std::collections::BTreeMap;

pub(super) fn of_route(d: &mut Decoder, node: &Node) -> Option<RouteVersion> {
    let fields = Fields::of(d, node, &sections::ROUTE_VERSION)?;
    let group = fields.require(d, "group", values::text);
    let is = fields.require(d, "is", name);
    Some(RouteVersion { group: group?, is: is? })
}

pub(super) fn groups(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, VersionGroup>> {
    // One that is wrong is there all the same, so that its routes do not miss it.
    values::named("a table of groups by name", |d, node| Some(group(d, node).unwrap_or_default()))(
        d, node,
    )
}

fn group(d: &mut Decoder, node: &Node) -> Option<VersionGroup> {
    let fields = Fields::of(d, node, &sections::VERSION_GROUP)?;
    let mut group = VersionGroup::default();
    let mut kinds = Vec::new();
    if let Some(found) = fields.require(d, "from", values::list(values::word(KINDS))) {
        kinds = found;
    }
    let mut sources = Vec::new();
    for (kind, key, default) in SOURCES {
        let name = fields.read(d, key, values::text);
        let is_used = kinds.contains(&kind);
        if !is_used && name.is_some() {
            let place = fields.place_of(key);
            let word = kind.word();
            d.within_key(key, |d| d.fault(place, format!("`from` does not have `\"{word}\"`")));
        }
        if is_used && name.is_none() && default.is_empty() {
            let message = format!("`{key}` is missing: the name of the field");
            d.within_key(key, |d| d.fault(fields.place(), message));
        }
        sources.push((kind, name.unwrap_or_else(|| default.to_owned())));
    }
    for kind in kinds {
        let name = sources.iter().find(|(other, _)| *other == kind).map(|(_, name)| name.clone());
        group.from.extend(name.map(|name| kind.source(name)));
    }
    fields.set_some(d, "default", &mut group.default, name);
    if let Some(known) = fields.require(d, "known", values::named("a table of versions", life)) {
        group.known = known;
    }
    Some(group)
}

fn life(d: &mut Decoder, node: &Node) -> Option<VersionLife> {
    let mut life = VersionLife::default();
    // One that is wrong is known all the same.
    let Some(fields) = Fields::of(d, node, &sections::VERSION_LIFE) else { return Some(life) };
    fields.set_some(d, "deprecated", &mut life.deprecated, date);
    fields.set_some(d, "sunset", &mut life.sunset, date);
    fields.set_some(d, "link", &mut life.link, values::text);
    let after = [("serve", AfterSunset::Serve), ("gone", AfterSunset::Gone)];
    fields.set(d, "after_sunset", &mut life.after_sunset, values::word(&after));
    Some(life)
}

/// The name of a version: `"2"`, which a number is often written for.
fn name(d: &mut Decoder, node: &Node) -> Option<String> {
    if let Value::Integer(_) | Value::Float(_) = node.value {
        d.unexpected(node, "the name of a version in quotes, as in `\"2\"`");
        return None;
    }
    values::text(d, node)
}

fn date(d: &mut Decoder, node: &Node) -> Option<String> {
    if let Value::Text(text) = &node.value {
        return Some(text.clone());
    }
    d.unexpected(node, "a date in quotes, as in `\"2027-01-31\"`");
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SourceKind {
    Path,
    Header,
    MediaType,
    Query,
}

impl SourceKind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    fn source(self, name: String) -> VersionSource {
        match self {
            SourceKind::Path => VersionSource::Path(name),
            SourceKind::Header => VersionSource::Header(name),
            SourceKind::MediaType => VersionSource::MediaType(name),
            SourceKind::Query => VersionSource::Query(name),
        }
    }
}

const KINDS: &[(&str, SourceKind)] = &[
    ("path", SourceKind::Path),
    ("header", SourceKind::Header),
    ("media_type", SourceKind::MediaType),
    ("query", SourceKind::Query),
];

/// The key that names what is looked at, and its default; a header must be named.
const SOURCES: [(SourceKind, &str, &str); 4] = [
    (SourceKind::Path, "param", "version"),
    (SourceKind::Header, "header", ""),
    (SourceKind::MediaType, "media_type_param", "version"),
    (SourceKind::Query, "query", "version"),
];
