//! TOML by the `toml` crate, which keeps the span of every key and value.

use super::super::document::Lines;
use super::super::node::{Entry, Node, Place, Value};
use super::{SyntaxFault, TOO_DEEP, is_too_deep};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

pub(super) fn read(text: &str, lines: &Lines<'_>) -> Result<Node, Vec<SyntaxFault>> {
    // A byte order mark is no part of the document, and spans do not count it.
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| SyntaxFault {
            place: error.span().map_or(Place::START, |span| lines.place(span.start)),
            message: error.message().to_owned(),
        };
        return Err(errors.iter().map(fault).collect());
    }
    // The library refuses more than 80 levels, so the recursion below is bounded.
    let root = table_node(table.get_ref(), Place::START, lines);
    if is_too_deep(&root) {
        return Err(vec![SyntaxFault { place: Place::START, message: TOO_DEEP.into() }]);
    }
    Ok(root)
}

fn table_node(table: &DeTable<'_>, place: Place, lines: &Lines<'_>) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| {
            let place = lines.place(key.span().start);
            Entry { key: key.get_ref().to_string(), place, node: node(value, place, lines) }
        })
        .collect();
    entries.sort_by_key(|entry| entry.place);
    Node { value: Value::Table(entries), place }
}

fn node(value: &Spanned<DeValue<'_>>, key: Place, lines: &Lines<'_>) -> Node {
    let place = place(&value.span(), key, lines);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => integer(number),
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other("a number that cannot be read"),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(values) => {
            Value::List(values.iter().map(|value| node(value, place, lines)).collect())
        }
        DeValue::Table(table) => return table_node(table, place, lines),
    };
    Node { value, place }
}

/// A table that only headers below it imply has an empty span; its first key's place is shown.
fn place(span: &Range<usize>, key: Place, lines: &Lines<'_>) -> Place {
    if span.is_empty() { key } else { lines.place(span.start) }
}

fn integer(number: &DeInteger<'_>) -> Value {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Other("a number beyond 64 bits"),
    }
}
