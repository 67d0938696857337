//! Two trees as one.

use super::super::document::Placed;
use super::super::node::{Entry, Node, Place, Value};
use super::super::path;
use crate::error::Fault;

/// Adds an included file's tree to that of the file that includes it: tables of the root merge, the
/// lists of [`APPENDED`] follow one another, and all else stands once.
pub(super) fn merge(root: &mut Node, included: Node) -> Vec<Placed> {
    let mut faults = Vec::new();
    let into = root.entries_mut();
    let (Some(into), Value::Table(from)) = (into, included.value) else {
        let message = "an included file is a table of keys";
        faults.push(Placed::new(Fault::new("", message), included.place));
        return faults;
    };
    for entry in from {
        let Some(known) = into.iter_mut().find(|known| known.key == entry.key) else {
            into.push(entry);
            continue;
        };
        let (key, place) = (entry.key, entry.place);
        let first = known.place;
        match (&mut known.node.value, entry.node.value) {
            (Value::Table(into), Value::Table(from)) => merge_table(&key, into, from, &mut faults),
            (Value::List(into), Value::List(mut from)) if APPENDED.contains(&key.as_str()) => {
                into.append(&mut from);
            }
            (_, _) => faults.push(twice(&key, first, place)),
        }
    }
    faults
}

/// The keys of one table in two files. What they hold does not merge: a cluster is written in one
/// place.
fn merge_table(table: &str, into: &mut Vec<Entry>, from: Vec<Entry>, faults: &mut Vec<Placed>) {
    for entry in from {
        match into.iter().find(|known| known.key == entry.key) {
            Some(known) => {
                faults.push(twice(&path::join(table, &entry.key), known.place, entry.place));
            }
            None => into.push(entry),
        }
    }
}

fn twice(path: &str, first: Place, second: Place) -> Placed {
    let message = format!("`{path}` stands in another file already");
    let fault = Fault::new(path, message).against(path, "here it stands first");
    Placed { related: Some(first), ..Placed::new(fault, second) }
}

/// Lists of the root that go on in another file.
const APPENDED: [&str; 2] = ["listeners", "routes"];
