//! A configuration file as a tree whose every key and value knows its place.

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

/// A place in a file, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    pub(crate) const START: Place = Place { line: 1, column: 1 };
}

impl Node {
    /// The value of a key of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Other(_) => None,
        }
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

    /// What it is, for “expected a number, found …”.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Boolean(value) => format!("`{value}`"),
            Value::Integer(value) => format!("`{value}`"),
            Value::Float(value) => format!("`{value}`"),
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
