//! Changes of fields, from the configuration's words to lines that are written.

use super::actions::template_fault;
use crate::config::{Fault, HeaderEdits, HeaderValue, RequestIdConfig, key_path};
use crate::http::field::{FRAMING, FieldId, FieldNames, FieldSet, HOP_BY_HOP};
use crate::limits;
use crate::snapshot::template::{Purpose, Scope, Template, is_token};
use crate::snapshot::{Edits, Line, Lines, RequestIdField};
use std::collections::BTreeSet;

/// The edits of one head; `place` is their key path, and `id` the field of the request's id where
/// the gateway writes it into this head.
pub(in crate::snapshot) fn edits(
    place: &str,
    edits: &HeaderEdits,
    scope: &Scope<'_>,
    id: Option<&RequestIdField>,
    faults: &mut Vec<Fault>,
) -> Edits {
    let count = edits.set.len() + edits.append.len() + edits.remove.len();
    if count > limits::FIELD_EDITS_MAX {
        let most = limits::FIELD_EDITS_MAX;
        faults.push(Fault::new(place, format!("more than {most} changes")));
        return Edits::default();
    }
    let mut drop = FieldNames::default();
    for (index, name) in edits.remove.iter().enumerate() {
        match refused(name) {
            Some(why) => faults.push(Fault::new(format!("{place}.remove[{index}]"), why)),
            None => drop.insert(name),
        }
    }
    let mut lines = Vec::with_capacity(edits.set.len() + edits.append.len());
    let mut set_names = BTreeSet::new();
    for (name, value) in &edits.set {
        let place = key_path(&key_path(place, "set"), name);
        if !set_names.insert(name.to_ascii_lowercase().replace('_', "-")) {
            let message = "it is set twice, in another case of its letters or with `_` for `-`";
            faults.push(Fault::new(&*place, message));
        }
        let line = line(&place, name, value, scope, faults);
        if line.is_some() {
            drop.insert(name);
        }
        lines.extend(line);
    }
    for (name, value) in &edits.append {
        let place = key_path(&key_path(place, "append"), name);
        lines.extend(line(&place, name, value, scope, faults));
    }
    // What the route says of that very field goes before what the gateway says of all.
    let id = id.filter(|id| !drop.contains(id.field()));
    if let Some(id) = id {
        drop.insert(&String::from_utf8_lossy(id.field()));
    }
    Edits { drop, lines: Lines::new(lines), writes_id: id.is_some() }
}

fn line(
    place: &str,
    name: &str,
    value: &HeaderValue,
    scope: &Scope<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Line> {
    if let Some(why) = refused(name) {
        faults.push(Fault::new(place, why));
        return None;
    }
    let value = match value {
        HeaderValue::Template(text) => Template::read(text, Purpose::Field, scope),
        HeaderValue::Secret(secret) => Template::verbatim(secret.expose()),
    };
    match value {
        Ok(value) => Some(Line { name: opened(name), value }),
        Err(fault) => {
            faults.push(template_fault(place, fault));
            None
        }
    }
}

/// The field that requests' ids are sent in.
pub(super) fn request_id(config: &RequestIdConfig, faults: &mut Vec<Fault>) -> RequestIdField {
    let name = config.header.as_str();
    let mut names = FieldNames::default();
    match refused(name) {
        Some(why) => faults.push(Fault::new("request_id.header", why)),
        None => names.insert(name),
    }
    RequestIdField {
        id: FieldId::of(name.as_bytes()),
        name: opened(name),
        names,
        trust: config.trust,
        respond: config.respond,
    }
}

fn opened(name: &str) -> Box<[u8]> {
    format!("{name}: ").into_bytes().into()
}

/// Why a field is not the operator's to change; none where it is.
fn refused(name: &str) -> Option<String> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some(format!("`{name}` is not the name of a field"));
    }
    if name.len() > limits::HOST_BYTES_MAX {
        return Some("the name is too long".to_owned());
    }
    let hyphened = name.replace('_', "-");
    match FieldId::of(hyphened.as_bytes()) {
        FieldId::Host => Some("`Host` is changed by `host_rewrite`".to_owned()),
        FieldId::Other => None,
        id if OWN.contains(id) => Some(format!(
            "`{name}` belongs to one connection or says where a message ends: the gateway writes \
             it itself"
        )),
        _ => None,
    }
}

const OWN: FieldSet =
    HOP_BY_HOP.union(FRAMING).union(FieldSet::of(&[FieldId::Trailer, FieldId::Expect]));
