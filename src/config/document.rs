//! The files behind a configuration: finds the place of a key path again.

use super::lines::Lines;
use super::node::{Node, Place, Value};
use super::path::{self, Step};
use crate::error::{Fault, Location};
use serde::{Serialize, Serializer};
use std::cell::OnceCell;

/// A configuration that was read: its texts and the places of its keys.
///
/// Checks that know only key paths, as those of the compiled routes, are shown with lines by
/// [`Document::locate`].
#[derive(Clone, Debug)]
pub struct Document {
    /// The first is the one that was asked for; the others it includes.
    sources: Vec<Source>,
    root: Node,
    /// Secrets that stand in the texts.
    hidden: Vec<Place>,
}

/// One text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file as it was named.
    pub(super) name: String,
    pub(super) text: String,
}

/// A fault and where it lies; `None` when that is no text's matter.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) fault: Fault,
    pub(super) place: Option<Place>,
    /// Of [`Fault::related`].
    pub(super) related: Option<Place>,
}

impl Placed {
    pub(super) fn new(fault: Fault, place: Place) -> Placed {
        Placed { fault, place: Some(place), related: None }
    }
}

impl Document {
    pub(super) fn new(sources: Vec<Source>, root: Node) -> Document {
        Document { sources, root, hidden: Vec::new() }
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The file as it was named.
    pub fn name(&self) -> &str {
        self.sources.first().map_or("", |source| &source.name)
    }

    /// Every file's name and text: the one that was asked for, then those that it includes in the
    /// order in which they were read. Secrets that stand in them are not masked.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().map(|source| (source.name.as_str(), source.text.as_str()))
    }

    /// The whole as one JSON text that needs no other file: includes are merged and declared
    /// variables are in place. Secrets are references, as they were written; those that were
    /// written out are not masked.
    pub fn to_json(&self) -> String {
        self.json(&|_| false)
    }

    /// As [`Document::to_json`], with `***` for each secret that was written out.
    pub fn to_json_masked(&self) -> String {
        self.json(&|node| self.is_hidden(node))
    }

    /// Keeps secrets out of everything that is shown.
    pub(super) fn hide(&mut self, hidden: Vec<Place>) {
        self.hidden = hidden;
    }

    /// Gives every fault that has no place the place of its key, or of the nearest table around a
    /// key that is missing, and sorts them in the order of the files.
    pub fn locate(&self, faults: &mut [Fault]) {
        let locator = Locator::new(&self.sources, &self.hidden);
        for fault in faults.iter_mut() {
            if fault.location.is_none() {
                fault.location = Some(locator.location(self.place(&fault.path)));
            }
            if let Some(related) = fault.related.as_mut().filter(|one| one.location.is_none()) {
                related.location = Some(locator.location(self.place(&related.path)));
            }
        }
        let file = |name: &str| self.sources.iter().position(|source| source.name == name);
        faults.sort_by_cached_key(|fault| {
            let at = |at: &Location| (file(&at.file), at.line, at.column);
            fault.location.as_ref().map(at)
        });
    }

    /// Leaves out faults of these strings, and those that stand against one of them.
    pub(super) fn leave_out(&self, faults: &mut Vec<Fault>, strings: &[Place]) {
        let locator = Locator::new(&self.sources, &self.hidden);
        let mut spans: Vec<Location> =
            strings.iter().map(|place| locator.location(*place)).collect();
        let start = |at: &Location| (at.file.clone(), at.line, at.column);
        spans.sort_by_cached_key(start);
        let is_within = |at: &Location| {
            let before = spans.partition_point(|span| start(span) <= start(at));
            let span = before.checked_sub(1).and_then(|last| spans.get(last));
            span.is_some_and(|span| {
                span.file == at.file && (at.line, at.column) < (span.end_line, span.end_column)
            })
        };
        faults.retain(|fault| {
            let related = fault.related.as_ref().and_then(|related| related.location.as_ref());
            !fault.location.iter().chain(related).any(is_within)
        });
    }

    /// Gives faults the places that they were found at.
    pub(super) fn place_faults(&self, faults: Vec<Placed>) -> Vec<Fault> {
        placed(&self.sources, &self.hidden, faults)
    }

    /// Whether a value is a secret that stands in a text.
    pub(super) fn is_hidden(&self, node: &Node) -> bool {
        self.hidden.contains(&node.place)
    }

    /// What a key path leads to.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        path::steps(path).iter().try_fold(&self.root, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.element(*index),
        })
    }

    fn place(&self, path: &str) -> Place {
        let mut node = &self.root;
        for step in path::steps(path) {
            let next = match &step {
                // Conditions are one or a list of one, with the same paths.
                Step::Key(key) => node.get(key).or_else(|| node.only()?.get(key)),
                Step::Index(index) => node.element(*index),
            };
            let Some(next) = next else { break };
            node = next;
        }
        node.place
    }

    fn json(&self, is_hidden: &dyn Fn(&Node) -> bool) -> String {
        let written = serde_json::to_string(&Json { node: &self.root, is_hidden });
        written.expect("memory takes everything, and keys are strings")
    }
}

/// Faults with the locations of their places.
pub(super) fn placed(sources: &[Source], hidden: &[Place], faults: Vec<Placed>) -> Vec<Fault> {
    let locator = Locator::new(sources, hidden);
    let located = |placed: Placed| {
        let mut fault = placed.fault;
        fault.location = placed.place.map(|place| locator.location(place)).or(fault.location);
        if let (Some(related), Some(place)) = (&mut fault.related, placed.related) {
            related.location = Some(locator.location(place));
        }
        fault
    };
    faults.into_iter().map(located).collect()
}

/// A tree that is written as JSON without being copied.
struct Json<'n> {
    node: &'n Node,
    is_hidden: &'n dyn Fn(&Node) -> bool,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_hidden = self.is_hidden;
        let below = |node| Json { node, is_hidden };
        match &self.node.value {
            // What is of no kind of ours was refused when the file was read.
            Value::Null | Value::Other(_) => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            // Written as `null` where it is no number.
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(_) if is_hidden(self.node) => serializer.serialize_str("***"),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(nodes) => serializer.collect_seq(nodes.iter().map(below)),
            Value::Table(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, below(&entry.node))))
            }
        }
    }
}

/// A tree as JSON, which all three formats' trees fit into.
pub(super) fn json(node: &Node, is_hidden: &dyn Fn(&Node) -> bool) -> serde_json::Value {
    match &node.value {
        // What is of no kind of ours was refused when the file was read.
        Value::Null | Value::Other(_) => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(_) if is_hidden(node) => "***".into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(nodes) => nodes.iter().map(|node| json(node, is_hidden)).collect(),
        Value::Table(entries) => {
            let pairs =
                entries.iter().map(|entry| (entry.key.clone(), json(&entry.node, is_hidden)));
            pairs.collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// Places of several texts, whose lines are counted when one of them is asked for.
struct Locator<'s> {
    sources: &'s [Source],
    hidden: &'s [Place],
    lines: Vec<OnceCell<Lines<'s>>>,
}

impl<'s> Locator<'s> {
    fn new(sources: &'s [Source], hidden: &'s [Place]) -> Locator<'s> {
        let lines = sources.iter().map(|_| OnceCell::new()).collect();
        Locator { sources, hidden, lines }
    }

    fn location(&self, place: Place) -> Location {
        let index = place.source as usize;
        let source = self.sources.get(index).expect("a place is in one of the texts");
        let lines = self.lines[index].get_or_init(|| Lines::new(&source.text));
        let is_here = |hidden: &&Place| hidden.source == place.source;
        let hidden: Vec<Place> = self.hidden.iter().filter(is_here).copied().collect();
        lines.location(&source.name, place, &hidden)
    }
}
