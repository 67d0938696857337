//! The canonical form of a file: what `frys fmt` writes.

mod comments;
mod order;
mod toml;
mod yaml;
mod json;

use super::document::{Placed, Source, placed};
use super::node::{Entry, Node, Place, Value};
use super::{Format, read};
use crate::error::{ConfigError, Fault};
use crate::limits;

/// A text in its canonical form: what it says, in one spelling, with every comment.
///
/// TOML has its known keys in the order of the reference, one blank line between tables, and lines
/// of at most 100 columns where a list can be broken. YAML and JSON keep the order of their keys.
/// Only the syntax is looked at: a file that says something wrong can be formatted.
///
/// # Errors
/// What is wrong with the syntax, or what of it has no form that says the same: a block of YAML
/// that keeps the lines at its end (`|+`) or counts its spaces (`|2`), where they would be others.
pub fn formatted(text: &str, format: Format, name: &str) -> Result<String, ConfigError> {
    let about = |what: String| Fault::new("", format!("{name}: {what}"));
    if text.len() > limits::CONFIG_BYTES_MAX {
        return Err(about(format!("longer than {} bytes", limits::CONFIG_BYTES_MAX)).into());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let before = tree(text, format, name)?;
    let written = match format {
        Format::Toml => toml::written(text).map_err(about)?,
        Format::Yaml => {
            let written = yaml::written(text);
            written.map_err(|(at, what)| refused(text, name, Place::of(0, at), &what))?
        }
        Format::Json => json::written(text),
    };
    let changed = match read::tree(&written, format, 0) {
        Ok(after) => differing(&before, &after),
        Err(_) => Some(Place::START),
    };
    let lost = || comments::lost(text, &written, format).map(|range| Place::of(0, range));
    match changed.or_else(lost) {
        // A file is not worth a mistake of a printer.
        Some(place) => Err(refused(text, name, place, NOT_SAME)),
        None => Ok(written),
    }
}

fn refused(text: &str, name: &str, place: Place, what: &str) -> ConfigError {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    let fault = Placed::new(Fault::new("", what), place);
    ConfigError { faults: placed(&[source], &[], vec![fault]) }
}

fn tree(text: &str, format: Format, name: &str) -> Result<Node, ConfigError> {
    read::tree(text, format, 0).map_err(|faults| {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        ConfigError { faults: placed(&[source], &[], faults) }
    })
}

/// The first place of a tree where another says something else; the order of keys says nothing.
fn differing(a: &Node, b: &Node) -> Option<Place> {
    let same = match (&a.value, &b.value) {
        (Value::Table(a), Value::Table(b)) => {
            let of_entry = |entry: &Entry| match b.iter().find(|other| other.key == entry.key) {
                Some(other) => differing(&entry.node, &other.node),
                None => Some(entry.place),
            };
            if let Some(place) = a.iter().find_map(of_entry) {
                return Some(place);
            }
            a.len() == b.len()
        }
        (Value::List(a), Value::List(b)) => {
            if let Some(place) = a.iter().zip(b).find_map(|(a, b)| differing(a, b)) {
                return Some(place);
            }
            a.len() == b.len()
        }
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    };
    (!same).then_some(a.place)
}

const NOT_SAME: &str = "no canonical form of this says the same: the file is left as it is";

/// Columns of a line.
const WIDTH: usize = 100;
