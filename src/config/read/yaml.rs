//! YAML by `serde-saphyr`, which tells the place of every node and bounds what aliases expand to.

use super::super::lines::Lines;
use super::super::node::{Entry, Node, Place, Value};
use super::{SyntaxFault, TOO_DEEP, first_of, is_too_deep};
use crate::limits;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::ops::Range;

pub(super) fn read(text: &str, source: u32) -> Result<Node, Vec<SyntaxFault>> {
    let mut root =
        match serde_saphyr::from_str_with_options::<Tree>(text, options(DuplicateKeyPolicy::Error))
        {
            Ok(Tree(root)) => root,
            Err(error) => {
                let error = error.without_snippet();
                let range = error.location().map_or(0..0, |location| range(&location));
                let range = if range.is_empty() { location_range(text, error) } else { range };
                let first = first_place(text, error, &range);
                return Err(vec![SyntaxFault { first, ..SyntaxFault::new(range, message(error)) }]);
            }
        };
    if root.value == Value::Null {
        // An empty document is an empty table, as an empty TOML file is.
        root.value = Value::Table(Vec::new());
    }
    if !is_too_deep(&root) {
        Finisher { text, source }.finish(&mut root);
    }
    Ok(root)
}

/// Where a key that stands twice stands first.
fn first_place(
    text: &str,
    error: &serde_saphyr::Error,
    second: &Range<usize>,
) -> Option<Range<usize>> {
    if !matches!(error, serde_saphyr::Error::DuplicateMappingKey { .. }) {
        return None;
    }
    let options = options(DuplicateKeyPolicy::FirstWins);
    let Tree(root) = serde_saphyr::from_str_with_options(text, options).ok()?;
    if is_too_deep(&root) { None } else { first_of(&root, text, second) }
}

/// The library says where a list or a table begins; it ends behind what it holds last.
struct Finisher<'t> {
    text: &'t str,
    source: u32,
}

impl Finisher<'_> {
    fn finish(&self, node: &mut Node) {
        node.place.source = self.source;
        let last = match &mut node.value {
            Value::Table(entries) => {
                for entry in entries.iter_mut() {
                    entry.place.source = self.source;
                    self.finish(&mut entry.node);
                }
                entries.iter().map(|entry| entry.node.place.end).max()
            }
            Value::List(nodes) => {
                for node in nodes.iter_mut() {
                    self.finish(node);
                }
                nodes.iter().map(|node| node.place.end).max()
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Other(_) => return,
        };
        let start = node.place.start as usize;
        let end = last.unwrap_or(0).max(node.place.end);
        let after = self.text.get(end as usize..).unwrap_or("");
        let close = match self.text.as_bytes().get(start) {
            Some(b'{') => '}',
            Some(b'[') => ']',
            Some(_) | None => {
                node.place.end = end;
                return;
            }
        };
        let rest = after.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let width = rest.starts_with(close).then(|| after.len() - rest.len() + 1);
        node.place.end = end + u32::try_from(width.unwrap_or(0)).unwrap_or(0);
    }
}

/// The place of an error whose span counts no bytes.
fn location_range(text: &str, error: &serde_saphyr::Error) -> Range<usize> {
    let Some(location) = error.location() else { return 0..0 };
    let line = usize::try_from(location.line()).unwrap_or(1);
    let column = usize::try_from(location.column()).unwrap_or(1);
    let start = Lines::new(text).offset(line, 1);
    let rest = text.get(start..).unwrap_or("");
    let width = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    start + width..start + width
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

fn options(duplicate_keys: DuplicateKeyPolicy) -> serde_saphyr::Options {
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
        duplicate_keys: duplicate_keys,
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

/// Of the text that is being read; its index is set when all is read.
fn place(location: &Location) -> Place {
    Place::of(0, range(location))
}

fn range(location: &Location) -> Range<usize> {
    let number = |number: Option<u64>| usize::try_from(number.unwrap_or(0)).unwrap_or(usize::MAX);
    let span = location.span();
    let start = number(span.byte_offset());
    start..start.saturating_add(number(span.byte_len()))
}
