//! The canonical form of a file: what `frys fmt` writes.

mod comments;
mod order;
mod toml;
mod json;

use super::document::{Source, placed};
use super::node::{Node, Value};
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
/// What is wrong with the syntax.
pub fn formatted(text: &str, format: Format, name: &str) -> Result<String, ConfigError> {
    let about = |what: String| Fault::new("", format!("{name}: {what}"));
    if text.len() > limits::CONFIG_BYTES_MAX {
        return Err(about(format!("longer than {} bytes", limits::CONFIG_BYTES_MAX)).into());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let before = tree(text, format, name)?;
    let written = match format {
        Format::Toml => toml::written(text),
        Format::Yaml => yaml(text),
        Format::Json => Ok(json::written(text)),
    };
    let written = written.map_err(about)?;
    let is_kept = tree(&written, format, name).is_ok_and(|after| same(&before, &after));
    let is_kept = is_kept && comments::are_kept(text, &written, format);
    if !is_kept {
        // A file is not worth a mistake of a printer.
        return Err(
            about("it has no canonical form that says the same: left as it is".into()).into()
        );
    }
    Ok(written)
}

fn tree(text: &str, format: Format, name: &str) -> Result<Node, ConfigError> {
    read::tree(text, format, 0).map_err(|faults| {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        ConfigError { faults: placed(&[source], &[], faults) }
    })
}

fn yaml(text: &str) -> Result<String, String> {
    let mut options = pretty_yaml::config::FormatOptions::default();
    options.layout.print_width = WIDTH;
    pretty_yaml::format_text(text, &options).map_err(|error| error.to_string())
}

/// Whether two trees say the same; the order of keys says nothing.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Table(a), Value::Table(b)) => {
            let is_there = |entry: &super::node::Entry| {
                let other = b.iter().find(|other| other.key == entry.key);
                other.is_some_and(|other| same(&entry.node, &other.node))
            };
            a.len() == b.len() && a.iter().all(is_there)
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// Columns of a line.
const WIDTH: usize = 100;
