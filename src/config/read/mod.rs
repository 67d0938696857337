//! Three formats, one tree.

mod toml;
mod yaml;
mod json;

use super::Format;
use super::document::{Document, Lines};
use super::node::{Node, Place};
use crate::error::Fault;
use crate::limits;

/// What is wrong with a text as TOML, YAML or JSON.
struct SyntaxFault {
    place: Place,
    message: String,
}

/// Reads a text into a tree.
pub(super) fn document(text: String, format: Format, name: &str) -> Result<Document, Vec<Fault>> {
    if text.len() > limits::CONFIG_BYTES_MAX {
        let message = format!("longer than {} bytes", limits::CONFIG_BYTES_MAX);
        return Err(vec![Fault::new("", format!("{name}: {message}"))]);
    }
    let lines = Lines::new(&text);
    let read: Result<Node, Vec<SyntaxFault>> = match format {
        Format::Toml => toml::read(&text, &lines),
        Format::Yaml => yaml::read(&text),
        Format::Json => json::read(&text, &lines),
    };
    match read {
        Ok(root) => Ok(Document::new(name, text, root)),
        Err(faults) => Err(faults
            .into_iter()
            .map(|fault| {
                let location = Some(lines.location(name, fault.place));
                Fault { location, ..Fault::new("", fault.message) }
            })
            .collect()),
    }
}

/// Whether a tree is deeper than any configuration.
fn is_too_deep(node: &Node) -> bool {
    // Breadth first, so that the check itself needs no stack.
    let mut level = vec![node];
    for _ in 0..limits::CONFIG_DEPTH_MAX {
        let below = level.iter().flat_map(|node| children(node)).collect::<Vec<_>>();
        if below.is_empty() {
            return false;
        }
        level = below;
    }
    true
}

fn children(node: &Node) -> Vec<&Node> {
    use super::node::Value;
    match &node.value {
        Value::List(nodes) => nodes.iter().collect(),
        Value::Table(entries) => entries.iter().map(|entry| &entry.node).collect(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Other(_) => Vec::new(),
    }
}

const TOO_DEEP: &str = "nested deeper than any configuration is";
