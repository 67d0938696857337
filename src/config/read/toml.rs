//! TOML by the `toml` crate, which keeps the span of every key and value.

mod plain;

use super::super::node::{Entry, Node, Place, Value};
use super::{SyntaxFault, first_of};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) fn read(text: &str, source: u32) -> Result<Node, Vec<SyntaxFault>> {
    plain::read(text, source).map_or_else(|| by_crate(text, source), Ok)
}

/// Reads every document, and says all that is wrong with it.
fn by_crate(text: &str, source: u32) -> Result<Node, Vec<SyntaxFault>> {
    // A byte order mark is no part of the document, and spans do not count it.
    let (table, errors) = DeTable::parse_recoverable(text);
    // The library refuses more than 80 levels, so the recursion below is bounded.
    let root = table_node(table.get_ref(), Place { source, ..Place::START });
    if errors.is_empty() {
        return Ok(root);
    }
    let fault = |error: &toml::de::Error| {
        let range = error.span().unwrap_or(0..0);
        let first = is_duplicate(error).then(|| first_of(&root, text, &range)).flatten();
        SyntaxFault { range, message: error.message().to_owned(), first }
    };
    Err(errors.iter().map(fault).collect())
}

fn is_duplicate(error: &toml::de::Error) -> bool {
    error.message().contains("duplicate key")
}

fn table_node(table: &DeTable<'_>, place: Place) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| {
            let place = Place::of(place.source, key.span());
            Entry { key: key.get_ref().to_string(), place, node: node(value, place) }
        })
        .collect();
    entries.sort_by_key(|entry| entry.place);
    Node { value: Value::Table(entries), place }
}

fn node(value: &Spanned<DeValue<'_>>, key: Place) -> Node {
    // A table that only headers below it imply has an empty span; its first key's place is shown.
    let span = value.span();
    let place = if span.is_empty() { key } else { Place::of(key.source, span) };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => integer(number.as_str(), number.radix()),
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other("a number that cannot be read"),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(values) => {
            Value::List(values.iter().map(|value| node(value, place)).collect())
        }
        DeValue::Table(table) => return table_node(table, place),
    };
    Node { value, place }
}

fn integer(digits: &str, radix: u32) -> Value {
    match i64::from_str_radix(digits, radix) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Other("a number beyond 64 bits"),
    }
}
