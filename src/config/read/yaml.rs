//! YAML by `serde-saphyr`, which tells the place of every node and bounds what aliases expand to.

use super::super::node::{Entry, Node, Place, Value};
use super::{SyntaxFault, TOO_DEEP, is_too_deep};
use crate::limits;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};
use std::fmt;

pub(super) fn read(text: &str) -> Result<Node, Vec<SyntaxFault>> {
    match serde_saphyr::from_str_with_options::<Tree>(text, options()) {
        // An empty document is an empty table, as an empty TOML file is.
        Ok(Tree(Node { value: Value::Null, place })) => {
            Ok(Node { value: Value::Table(Vec::new()), place })
        }
        Ok(Tree(root)) if is_too_deep(&root) => {
            Err(vec![SyntaxFault { place: root.place, message: TOO_DEEP.into() }])
        }
        Ok(Tree(root)) => Ok(root),
        Err(error) => {
            let place = error.location().map_or(Place::START, |location| place(&location));
            Err(vec![SyntaxFault { place, message: message(error.without_snippet()) }])
        }
    }
}

/// What is wrong, in words of the file rather than of the library's options.
fn message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("duplicate key `{key}`"),
        Error::DuplicateMappingKey { key: None, .. } => "duplicate key".into(),
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            "a second document: a configuration is one".into()
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP.into(),
        Error::Budget { .. } => "larger than any configuration is".into(),
        other => {
            let text = other.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.rsplit_once(" at line ").map_or(first, |(message, _)| message).to_owned()
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits::CONFIG_DEPTH_MAX,
            flow_nesting_limit: limits::CONFIG_DEPTH_MAX,
            max_events: limits::CONFIG_NODES_MAX * 2,
            max_nodes: limits::CONFIG_NODES_MAX,
            max_total_scalar_bytes: limits::CONFIG_BYTES_MAX,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::CONFIG_ALIAS_NODES_MAX,
            max_replay_stack_depth: limits::CONFIG_DEPTH_MAX,
            max_alias_expansions_per_anchor: limits::CONFIG_ALIAS_NODES_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // YAML 1.1's `on` and `no` are strings here, as in YAML 1.2.
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    }
}

/// A node that can be deserialized.
struct Tree(Node);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Plain(value), referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Tree(Node { value, place: place(&referenced) }))
    }
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Plains).map(Plain)
    }
}

struct Plains;

impl<'de> Visitor<'de> for Plains {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other("a number beyond 64 bits"), Value::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::Other("a number beyond 64 bits"))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Other("a number beyond 64 bits"))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(Tree(node)) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let Tree(node) = map.next_value()?;
            entries.push(Entry { key: key.value, place: place(&key.referenced), node });
        }
        Ok(Value::Table(entries))
    }
}

fn place(location: &Location) -> Place {
    let number = |number: u64| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
    Place { line: number(location.line()), column: number(location.column()) }
}
