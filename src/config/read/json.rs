//! JSON by `serde_json`, whose raw values are slices of the text and so tell their places.

use super::super::document::Lines;
use super::super::node::{Entry, Node, Place, Value};
use super::SyntaxFault;
use crate::limits;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

pub(super) fn read(text: &str, lines: &Lines<'_>) -> Result<Node, Vec<SyntaxFault>> {
    // The whole text at once, so that an error's line and column are the text's. The depth that
    // the library allows (128) bounds the recursion of the second pass.
    let root: &RawValue = match serde_json::from_str::<serde::de::IgnoredAny>(text)
        .and_then(|_| serde_json::from_str::<serde_json::Value>(text).map(drop))
        .and_then(|()| serde_json::from_str(text))
    {
        Ok(root) => root,
        Err(error) => return Err(vec![syntax(&error)]),
    };
    let mut reader = Reader { text, lines, faults: Vec::new() };
    let root = reader.node(root, 0);
    if reader.faults.is_empty() { Ok(root) } else { Err(reader.faults) }
}

struct Reader<'t> {
    text: &'t str,
    lines: &'t Lines<'t>,
    faults: Vec<SyntaxFault>,
}

impl<'t> Reader<'t> {
    fn node(&mut self, raw: &'t RawValue, depth: usize) -> Node {
        let place = self.place(raw.get());
        if depth > limits::CONFIG_DEPTH_MAX {
            self.faults.push(SyntaxFault { place, message: super::TOO_DEEP.into() });
            return Node { value: Value::Null, place };
        }
        let value = match self.value(raw.get(), depth) {
            Ok(value) => value,
            Err(error) => {
                // Cut after the library's “ at line 1 column 2”, which counts from the value.
                let message = syntax(&error).message;
                self.faults.push(SyntaxFault { place, message });
                Value::Null
            }
        };
        Node { value, place }
    }

    fn value(&mut self, text: &'t str, depth: usize) -> serde_json::Result<Value> {
        Ok(match text.as_bytes().first() {
            Some(b'{') => self.table(serde_json::from_str(text)?, depth),
            Some(b'[') => {
                let raws: Vec<&RawValue> = serde_json::from_str(text)?;
                Value::List(raws.into_iter().map(|raw| self.node(raw, depth + 1)).collect())
            }
            Some(b'"') => Value::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Value::Boolean(serde_json::from_str(text)?),
            Some(b'n') => Value::Null,
            Some(_) | None => {
                let is_whole = !text.contains(['.', 'e', 'E']);
                match (is_whole, text.parse(), text.parse()) {
                    (true, Ok(number), _) => Value::Integer(number),
                    (true, Err(_), _) => Value::Other("a number beyond 64 bits"),
                    (false, _, Ok(number)) => Value::Float(number),
                    (false, _, Err(_)) => Value::Other("a number that cannot be read"),
                }
            }
        })
    }

    fn table(&mut self, raws: Raws<'t>, depth: usize) -> Value {
        let mut seen = HashSet::new();
        let mut entries = Vec::with_capacity(raws.0.len());
        for (key, raw) in raws.0 {
            let node = self.node(raw, depth + 1);
            // A key with escapes is a copy; its value's place is near enough.
            let place = match &key {
                Cow::Borrowed(key) => self.place_before(key),
                Cow::Owned(_) => node.place,
            };
            if !seen.insert(key.to_string()) {
                let message = format!("duplicate key `{}`", key.escape_debug());
                self.faults.push(SyntaxFault { place, message });
                continue;
            }
            entries.push(Entry { key: key.into_owned(), place, node });
        }
        Value::Table(entries)
    }

    /// Where a slice of the text lies in it.
    fn place(&self, slice: &str) -> Place {
        let offset = (slice.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        self.lines.place(offset.unwrap_or(0))
    }

    /// The place of the quote before a key.
    fn place_before(&self, key: &str) -> Place {
        let place = self.place(key);
        Place { column: place.column.saturating_sub(1).max(1), ..place }
    }
}

fn syntax(error: &serde_json::Error) -> SyntaxFault {
    let place = Place { line: number(error.line()), column: number(error.column()) };
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    SyntaxFault { place, message: message.to_owned() }
}

fn number(number: usize) -> u32 {
    u32::try_from(number.max(1)).unwrap_or(u32::MAX)
}

/// An object's members in order, repeated ones too.
struct Raws<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'de> Deserialize<'de> for Raws<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Raws<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raws<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), raw)) = map.next_entry()? {
                    members.push((key, raw));
                }
                Ok(Raws(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
