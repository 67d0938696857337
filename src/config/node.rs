//! A configuration file as a tree whose every key and value knows its place.

use std::ops::Range;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What all three formats have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// YAML's and JSON's `null`.
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; keys are unique.
    Table(Vec<Entry>),
    /// What no key takes, by its name: a date of TOML, an integer beyond 64 bits.
    Other(&'static str),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

/// A part of one of a document's texts, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The text, by its index.
    pub(crate) source: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    pub(crate) const START: Place = Place { source: 0, start: 0, end: 0 };

    /// Positions fit in `u32`, since `limits::CONFIG_BYTES_MAX` does.
    pub(crate) fn of(source: u32, range: Range<usize>) -> Place {
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Place { source, start: offset(range.start), end: offset(range.end.max(range.start)) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Node {
    /// The value of a key of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.entries()?.iter().find(|entry| entry.key == key);
        entry.map(|entry| &entry.node)
    }

    /// The element of a list.
    pub(crate) fn element(&self, index: usize) -> Option<&Node> {
        match &self.value {
            Value::List(nodes) => nodes.get(index),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Table(_)
            | Value::Other(_) => None,
        }
    }

    /// The element of a list of one.
    pub(crate) fn only(&self) -> Option<&Node> {
        self.element(0).filter(|_| self.element(1).is_none())
    }

    /// The keys of a table.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Other(_) => None,
        }
    }

    /// The keys of a table, to be changed.
    pub(crate) fn entries_mut(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.value {
            Value::Table(entries) => Some(entries),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Other(_) => None,
        }
    }

    /// The values of a table or of a list.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        let (nodes, entries): (&[Node], &[Entry]) = match &self.value {
            Value::List(nodes) => (nodes, &[]),
            Value::Table(entries) => (&[], entries),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Other(_) => (&[], &[]),
        };
        nodes.iter().chain(entries.iter().map(|entry| &entry.node))
    }

    /// What it is, for “expected a number, found …”.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Boolean(value) => format!("`{value}`"),
            Value::Integer(value) => format!("`{value}`"),
            // With its point: `2.0e2` is `200.0`, and no whole number.
            Value::Float(value) => format!("`{value:?}`"),
            Value::Text(text) if text.chars().count() <= FOUND_CHARACTERS_MAX => {
                format!("the string {text:?}")
            }
            Value::Text(_) => "a string".into(),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
            Value::Other(what) => (*what).into(),
        }
    }
}

/// A longer string says nothing in a message that shows its line anyway.
const FOUND_CHARACTERS_MAX: usize = 40;
