//! Variables of the environment, where a file declares them: `env = ["PORT"]` and `"${env.PORT}"`.

use super::super::document::Placed;
use super::super::node::{Entry, Node, Place, Value};
use super::super::{keys, path};
use crate::error::Fault;
use crate::limits;
use std::collections::BTreeMap;
use std::env::{self, VarError};

/// Puts variables into the strings of one file.
pub(super) struct Expansion<'t> {
    text: &'t str,
    /// The values of declared variables; `None` where there is none and a fault says so.
    declared: BTreeMap<String, Option<String>>,
    pub(super) faults: Vec<Placed>,
    /// The strings that name a variable that is not there.
    pub(super) unknown: Vec<Place>,
    /// Bytes that were put in so far, of all files.
    pub(super) bytes: usize,
    path: String,
}

impl<'t> Expansion<'t> {
    pub(super) fn new(text: &'t str, bytes: usize) -> Expansion<'t> {
        let (declared, faults, unknown) = (BTreeMap::new(), Vec::new(), Vec::new());
        Expansion { text, declared, faults, unknown, bytes, path: String::new() }
    }

    /// Reads `env = ["PORT", "REGION"]`, or `[env]` with a table for each.
    pub(super) fn declare(&mut self, entry: &Entry) {
        match &entry.node.value {
            Value::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    let key = path::element("env", index);
                    match &node.value {
                        Value::Text(name) => self.variable(&key, name, node.place, None),
                        _ => self.unexpected(&key, node, "the name of a variable"),
                    }
                }
            }
            Value::Table(entries) => {
                for entry in entries {
                    let key = path::join("env", &entry.key);
                    let default = self.default_of(&key, &entry.node);
                    self.variable(&key, &entry.key, entry.place, default);
                }
            }
            _ => {
                let expected = "a list of names, or a table of them";
                self.unexpected("env", &entry.node, expected);
            }
        }
    }

    /// Replaces `${env.NAME}` in every string.
    pub(super) fn expand(&mut self, node: &mut Node) {
        // Most files have none, and need no key path then.
        if names_variable(node) {
            self.replace(node);
        }
    }

    fn replace(&mut self, node: &mut Node) {
        let length = self.path.len();
        let place = node.place;
        match &mut node.value {
            Value::Text(text) => {
                if text.contains(OPEN) {
                    *text = self.expanded(text, place);
                }
            }
            Value::List(nodes) => {
                for (index, node) in nodes.iter_mut().enumerate() {
                    path::push_index(&mut self.path, index);
                    self.replace(node);
                    self.path.truncate(length);
                }
            }
            Value::Table(entries) => {
                for entry in entries {
                    path::push_key(&mut self.path, &entry.key);
                    self.replace(&mut entry.node);
                    self.path.truncate(length);
                }
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Other(_) => {}
        }
    }

    fn default_of(&mut self, key: &str, node: &Node) -> Option<String> {
        let Value::Table(entries) = &node.value else {
            self.unexpected(key, node, "a table: `{}`, or `{ default = \"…\" }`");
            return None;
        };
        let mut default = None;
        for entry in entries {
            let key = path::join(key, &entry.key);
            match &entry.node.value {
                Value::Text(text) if entry.key == "default" => default = Some(text.clone()),
                _ if entry.key == "default" => self.unexpected(&key, &entry.node, "a string"),
                _ => {
                    let nearest = keys::nearest(&entry.key, ["default"]).map(str::to_owned);
                    let fault = Fault { nearest, ..Fault::new(key, "unknown key") };
                    self.faults.push(Placed::new(fault, entry.place));
                }
            }
        }
        default
    }

    fn variable(&mut self, key: &str, name: &str, place: Place, default: Option<String>) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.bytes().all(is_plain)
            && !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit());
        if !is_name {
            let message = "a variable's name is letters, digits and `_`";
            return self.fault(key, place, message.into());
        }
        if self.declared.contains_key(name) {
            return self.fault(key, place, format!("`{name}` is declared already"));
        }
        let value = match env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => default,
            Err(VarError::NotUnicode(_)) => {
                self.fault(key, place, format!("the variable `{name}` is not UTF-8"));
                self.declared.insert(name.to_owned(), None);
                return;
            }
        };
        if value.is_none() {
            let message = format!(
                "the variable `{name}` is not set, and has no default: write \
                 `{name} = {{ default = \"…\" }}` in `[env]` for one"
            );
            self.fault(key, place, message);
        }
        self.declared.insert(name.to_owned(), value);
    }

    /// A string with its variables in place. `$$` stays as it is, for it is a `$` in a template:
    /// `$${env.X}` names no variable.
    fn expanded(&mut self, text: &str, place: Place) -> String {
        let mut whole = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            whole.push_str(before);
            if let Some(after) = from.strip_prefix("$$") {
                whole.push_str("$$");
                rest = after;
            } else if let Some((name, after)) = variable_name(from) {
                self.put(name, place, &mut whole);
                rest = after;
            } else {
                whole.push('$');
                rest = from.get(1..).unwrap_or("");
            }
        }
        whole.push_str(rest);
        whole
    }

    fn put(&mut self, name: &str, string: Place, whole: &mut String) {
        let path = self.path.clone();
        let place = self.part(string, name);
        match self.declared.get(name) {
            // It was said where it is declared.
            Some(None) => self.unknown.push(string),
            Some(Some(value)) => {
                self.bytes += value.len();
                if self.bytes > limits::CONFIG_BYTES_MAX {
                    let message =
                        format!("variables of more than {} bytes", limits::CONFIG_BYTES_MAX);
                    return self.fault(&path, place, message);
                }
                whole.push_str(value);
            }
            None => {
                self.unknown.push(string);
                let names = self.declared.keys().map(String::as_str);
                let nearest = keys::nearest(name, names).map(str::to_owned);
                let shown = name.escape_debug();
                let message = format!(
                    "the variable `{shown}` is not declared: write `env = [\"{shown}\"]` before \
                     the first table of this file"
                );
                let fault = Fault { nearest, ..Fault::new(path, message) };
                self.faults.push(Placed::new(fault, place));
            }
        }
    }

    /// The place of a variable within a string's, where the file has it as it is.
    fn part(&self, place: Place, name: &str) -> Place {
        let written = format!("{OPEN}{name}}}");
        let text = self.text.get(place.range()).unwrap_or("");
        let Some(at) = text.find(&written) else { return place };
        let start = place.range().start + at;
        Place::of(place.source, start..start + written.len())
    }

    fn fault(&mut self, path: &str, place: Place, message: String) {
        self.faults.push(Placed::new(Fault::new(path, message), place));
    }

    fn unexpected(&mut self, path: &str, node: &Node, expected: &str) {
        let message = format!("expected {expected}, found {}", node.found());
        self.fault(path, node.place, message);
    }
}

/// Whether a string of a tree names a variable.
fn names_variable(node: &Node) -> bool {
    match &node.value {
        // A `$` is rare, and sooner found than what may follow it.
        Value::Text(text) => memchr::memchr(b'$', text.as_bytes()).is_some() && text.contains(OPEN),
        Value::List(_) | Value::Table(_) => node.children().any(names_variable),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Other(_) => {
            false
        }
    }
}

/// The name of the variable that a text begins with, and what is behind it.
fn variable_name(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(OPEN)?.split_once('}')
}

const OPEN: &str = "${env.";

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, declared: &[(&str, &str)]) -> (String, Vec<String>) {
        let mut expansion = Expansion::new("", 0);
        for (name, value) in declared {
            expansion.declared.insert((*name).to_owned(), Some((*value).to_owned()));
        }
        let whole = expansion.expanded(text, Place::START);
        let messages = expansion.faults.into_iter().map(|placed| placed.fault.message);
        (whole, messages.collect())
    }

    #[test]
    fn replaces_what_is_declared_and_nothing_else() {
        for (text, want) in [
            ("${env.A}", "1"),
            ("x${env.A}${env.A}y", "x11y"),
            ("$host ${path} $$ $", "$host ${path} $$ $"),
            ("$${env.A}", "$${env.A}"),
            ("$$${env.A}", "$$1"),
            ("${env.A", "${env.A"),
            ("^/x$", "^/x$"),
        ] {
            assert_eq!(expanded(text, &[("A", "1")]), (want.to_owned(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_value_is_not_looked_at_again() {
        let (whole, faults) = expanded("${env.A}", &[("A", "${env.A}")]);
        assert_eq!((whole.as_str(), faults.len()), ("${env.A}", 0));
    }

    #[test]
    fn refuses_what_is_not_declared() {
        let (_, faults) = expanded("${env.REGIO}", &[("REGION", "1")]);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("not declared"), "{}", faults[0]);
    }
}
