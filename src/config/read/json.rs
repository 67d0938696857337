//! JSON by `serde_json`, whose raw values are slices of the text and so tell their places.

use super::super::lines::Lines;
use super::super::node::{Entry, Node, Place, Value};
use super::SyntaxFault;
use crate::limits;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

pub(super) fn read(text: &str, source: u32) -> Result<Node, Vec<SyntaxFault>> {
    // The whole text at once, so that an error's line and column are the text's. The depth that
    // the library allows (128) bounds the recursion of the second pass.
    let root: &RawValue = match serde_json::from_str::<serde::de::IgnoredAny>(text)
        .and_then(|_| serde_json::from_str::<Checked>(text))
        .and_then(|_| serde_json::from_str(text))
    {
        Ok(root) => root,
        Err(error) => return Err(vec![syntax(&error, text)]),
    };
    let mut reader = Reader { text, source, faults: Vec::new() };
    let root = reader.node(root, 0);
    if reader.faults.is_empty() { Ok(root) } else { Err(reader.faults) }
}

struct Reader<'t> {
    text: &'t str,
    source: u32,
    faults: Vec<SyntaxFault>,
}

impl<'t> Reader<'t> {
    fn node(&mut self, raw: &'t RawValue, depth: usize) -> Node {
        let place = self.place(raw.get());
        if depth > limits::CONFIG_DEPTH_MAX {
            self.faults.push(SyntaxFault::new(place.range(), super::TOO_DEEP));
            return Node { value: Value::Null, place };
        }
        let value = match self.value(raw.get(), depth) {
            Ok(value) => value,
            Err(error) => {
                // Cut after the library's “ at line 1 column 2”, which counts from the value.
                self.faults.push(SyntaxFault::new(place.range(), message(&error)));
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
        let mut seen: Option<HashMap<String, Place>> =
            (raws.0.len() > COMPARED_KEYS_MAX).then(HashMap::new);
        let mut entries: Vec<Entry> = Vec::with_capacity(raws.0.len());
        for (key, raw) in raws.0 {
            let node = self.node(raw, depth + 1);
            let borrowed = match &key {
                Cow::Borrowed(key) => Some(*key),
                Cow::Owned(_) => None,
            };
            let place = self.place_of_key(borrowed, node.place);
            let first = match &seen {
                Some(seen) => seen.get(key.as_ref()).copied(),
                None => entries.iter().find(|entry| entry.key == key).map(|entry| entry.place),
            };
            if let Some(first) = first {
                let message = format!("duplicate key `{}`", key.escape_debug());
                let first = Some(first.range());
                self.faults.push(SyntaxFault { first, ..SyntaxFault::new(place.range(), message) });
                continue;
            }
            if let Some(seen) = &mut seen {
                seen.insert(key.to_string(), place);
            }
            entries.push(Entry { key: key.into_owned(), place, node });
        }
        Value::Table(entries)
    }

    /// Where a slice of the text lies in it.
    fn place(&self, slice: &str) -> Place {
        let start = (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Place::of(self.source, start..start + slice.len())
    }

    /// A key with its quotes. One with escapes is a copy, and is looked for before its value.
    fn place_of_key(&self, borrowed: Option<&str>, value: Place) -> Place {
        let range: Range<usize> = match borrowed {
            Some(key) => {
                let place = self.place(key).range();
                place.start.saturating_sub(1)..place.end + 1
            }
            None => {
                let before = self.text.get(..value.range().start).unwrap_or("");
                let quoted = before.trim_end_matches([' ', '\t', '\r', '\n', ':']);
                let inside = quoted.strip_suffix('"').unwrap_or(quoted);
                let is_open = |(at, _): &(usize, &str)| {
                    let escapes = inside.get(..*at).unwrap_or("").bytes().rev();
                    escapes.take_while(|byte| *byte == b'\\').count().is_multiple_of(2)
                };
                let start = inside.rmatch_indices('"').find(is_open).map_or(0, |(at, _)| at);
                start..quoted.len()
            }
        };
        Place::of(self.source, range)
    }
}

fn syntax(error: &serde_json::Error, text: &str) -> SyntaxFault {
    // The library's column is that of the last byte it read, and 0 at the start of a line.
    let at = Lines::new(text).offset(error.line().max(1), error.column().max(1));
    let at = text.floor_char_boundary(at);
    SyntaxFault::new(at..at, message(error))
}

fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    message.to_owned()
}

/// Keys of one table that are compared one by one.
const COMPARED_KEYS_MAX: usize = 32;

/// A value of which nothing is kept, whose strings and numbers were read all the same.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checked)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Checked, A::Error> {
        while list.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checked, A::Error> {
        while map.next_entry::<Checked, Checked>()?.is_some() {}
        Ok(Checked)
    }
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
