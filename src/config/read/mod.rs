//! Three formats, one tree.

mod toml;
mod yaml;
mod json;

use super::Format;
use super::document::{Document, Placed, Source, placed};
use super::node::{Node, Place};
use crate::error::Fault;
use crate::limits;
use std::ops::Range;

/// What is wrong with a text as TOML, YAML or JSON.
struct SyntaxFault {
    range: Range<usize>,
    message: String,
    /// Where a key that stands twice stands first.
    first: Option<Range<usize>>,
}

impl SyntaxFault {
    fn new(range: Range<usize>, message: impl Into<String>) -> SyntaxFault {
        SyntaxFault { range, message: message.into(), first: None }
    }
}

/// Reads a text into a tree.
pub(super) fn tree(text: &str, format: Format, source: u32) -> Result<Node, Vec<Placed>> {
    let read = match format {
        Format::Toml => toml::read(text, source),
        Format::Yaml => yaml::read(text, source),
        Format::Json => json::read(text, source),
    };
    let read = read.and_then(|root| {
        if is_too_deep(&root) {
            return Err(vec![SyntaxFault::new(root.place.range(), TOO_DEEP)]);
        }
        Ok(root)
    });
    read.map_err(|faults| faults.into_iter().map(|fault| syntax(fault, source)).collect())
}

/// Reads one text that stands alone.
pub(super) fn document(text: String, format: Format, name: &str) -> Result<Document, Vec<Fault>> {
    if text.len() > limits::CONFIG_BYTES_MAX {
        let message = format!("longer than {} bytes", limits::CONFIG_BYTES_MAX);
        return Err(vec![Fault::new("", format!("{name}: {message}"))]);
    }
    let read = tree(&text, format, 0);
    let sources = vec![Source { name: name.to_owned(), text }];
    match read {
        Ok(root) => Ok(Document::new(sources, root)),
        Err(faults) => Err(placed(&sources, &[], faults)),
    }
}

/// The nearest key of the same spelling before one that stands twice: libraries drop the second and
/// say only where that is.
fn first_of(root: &Node, text: &str, second: &Range<usize>) -> Option<Range<usize>> {
    let spelled = text.get(second.clone())?;
    let mut best: Option<Place> = None;
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        for entry in node.entries().unwrap_or_default() {
            let range = entry.place.range();
            let is_before = range.end <= second.start && text.get(range) == Some(spelled);
            if is_before && best.is_none_or(|best| best < entry.place) {
                best = Some(entry.place);
            }
        }
    }
    best.map(Place::range)
}

fn syntax(fault: SyntaxFault, source: u32) -> Placed {
    let SyntaxFault { range, message, first } = fault;
    let mut fault = Fault::new("", message);
    let related = first.map(|range| Place::of(source, range));
    if related.is_some() {
        fault = fault.against("", "here it stands first");
    }
    Placed { fault, place: Some(Place::of(source, range)), related }
}

/// Whether a tree is deeper than any configuration.
fn is_too_deep(root: &Node) -> bool {
    // The check itself goes no deeper than a configuration may.
    fn reaches(node: &Node, levels: usize) -> bool {
        levels == 0 || node.children().any(|child| reaches(child, levels - 1))
    }
    reaches(root, limits::CONFIG_DEPTH_MAX)
}

const TOO_DEEP: &str = "nested deeper than any configuration is";
