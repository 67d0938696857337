//! YAML by `pretty_yaml`, as often as it takes.

use super::{NOT_SAME, WIDTH};
use crate::limits::FORMAT_PASSES_MAX;
use pretty_yaml::config::FormatOptions;
use std::ops::Range;

/// Prints a text that is right as it is; or says what cannot be, and where.
pub(super) fn written(text: &str) -> Result<String, (Range<usize>, String)> {
    let mut options = FormatOptions::default();
    options.layout.print_width = WIDTH;
    let mut written = without_indent(text);
    for pass in 0..FORMAT_PASSES_MAX {
        let next = match pretty_yaml::format_text(&written, &options) {
            Ok(next) => next,
            Err(error) if pass == 0 => {
                let at = line_of(text, &written, error.offset());
                return Err((at, format!("the printer does not read this: {}", error.message())));
            }
            // What it wrote itself is no YAML any more.
            Err(error) => return Err((line_of(text, &written, error.offset()), NOT_SAME.into())),
        };
        if next == written {
            return Ok(written);
        }
        // A comment behind a list comes to its column in two steps.
        written = next;
    }
    Err((0..0, format!("it is another one after {FORMAT_PASSES_MAX} passes of the printer")))
}

/// Comments before the first key have no indent: `yaml_parser` takes it for that of the file.
fn without_indent(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut is_head = true;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t']);
        is_head = is_head && (bare.starts_with('#') || bare.trim().is_empty());
        whole.push_str(if is_head { bare } else { line });
    }
    whole
}

/// The line of a text that says what another text says at an offset: the printer moves lines, and
/// changes few.
fn line_of(text: &str, other: &str, offset: usize) -> Range<usize> {
    let before = other.get(..offset).unwrap_or(other);
    let wanted = other.lines().nth(before.matches('\n').count()).unwrap_or("").trim();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim() == wanted {
            return start + line.len() - line.trim_start().len()..start + line.trim_end().len();
        }
        start += line.len();
    }
    0..0
}
