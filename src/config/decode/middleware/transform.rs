//! Changes of bodies.

use super::super::super::node::{Entry, Node, Value};
use super::super::super::sections;
use super::super::super::{Middleware, TransformConfig, TransformError, TransformStep};
use super::super::{Decoder, Fields, values};
use crate::limits;
use std::collections::BTreeMap;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::TRANSFORM)?;
    let mut config = TransformConfig::default();
    fields.set(d, "request", &mut config.request, values::list(step));
    fields.set(d, "response", &mut config.response, values::list(step));
    fields.set(d, "media_types", &mut config.media_types, values::list(values::text));
    fields.set(d, "buffer", &mut config.buffer, values::size(limits::TRANSFORM_BUFFER));
    let words = [("pass", TransformError::Pass), ("refuse", TransformError::Refuse)];
    fields.set(d, "on_error", &mut config.on_error, values::word(&words));
    Some(Middleware::Transform(config))
}

/// One change. A step that is wrong is left out.
fn step(d: &mut Decoder, node: &Node) -> Option<TransformStep> {
    let fields = Fields::of(d, node, &sections::TRANSFORM_STEP)?;
    let find = fields.read(d, "find", values::text);
    let regex = fields.read(d, "regex", values::text);
    let with = fields.read(d, "with", values::text);
    let set = fields.read(d, "json_set", json_set);
    let remove = fields.read(d, "json_remove", values::list(values::text));
    let rename = fields.read(d, "json_rename", values::named("a table of names", values::text));
    let keys = ["find", "regex", "with", "json_set", "json_remove", "json_rename"];
    let given = fields.present(&keys);
    match *given.as_slice() {
        ["find", "with"] => Some(TransformStep::Replace { find: find?, with: with? }),
        ["regex", "with"] => Some(TransformStep::ReplaceRegex { regex: regex?, with: with? }),
        ["json_set"] => set.map(TransformStep::JsonSet),
        ["json_remove"] => remove.map(TransformStep::JsonRemove),
        ["json_rename"] => rename.map(TransformStep::JsonRename),
        [] if !fields.is_known() => None,
        [..] => {
            let message = "a step is `find` and `with`, or `regex` and `with`, or one of \
                           `json_set`, `json_remove` and `json_rename`";
            d.fault(fields.place(), message);
            None
        }
    }
}

fn json_set(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, serde_json::Value>> {
    let Some(entries) = node.entries() else {
        d.unexpected(node, "a table of values by their paths");
        return None;
    };
    let mut values = BTreeMap::new();
    for Entry { key, node, .. } in entries {
        let value = d.within_key(key, |d| json(d, node));
        values.extend(value.map(|value| (key.clone(), value)));
    }
    Some(values)
}

/// Any value, as JSON has it.
fn json(d: &mut Decoder, node: &Node) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match &node.value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => {
                d.unexpected(node, "a number that JSON has");
                return None;
            }
        },
        Value::Text(text) => Json::String(text.clone()),
        Value::List(nodes) => {
            let of = |(index, node)| d.within_index(index, |d| json(d, node));
            Json::Array(nodes.iter().enumerate().map(of).collect::<Option<_>>()?)
        }
        Value::Table(entries) => {
            let mut object = serde_json::Map::new();
            for Entry { key, node, .. } in entries {
                object.insert(key.clone(), d.within_key(key, |d| json(d, node))?);
            }
            Json::Object(object)
        }
        Value::Other(_) => {
            d.unexpected(node, "a value that JSON has");
            return None;
        }
    })
}
