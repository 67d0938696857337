//! The file behind a configuration: finds the place of a key path again.

use super::node::{Node, Place};
use super::path::{self, Step};
use crate::error::{Fault, Location};
use std::cell::Cell;

/// A configuration file that was read: its text and the places of its keys.
///
/// Checks that know only key paths, as those of the compiled routes, are shown with lines by
/// [`Document::locate`].
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    text: String,
    root: Node,
}

impl Document {
    pub(super) fn new(name: &str, text: String, root: Node) -> Document {
        Document { name: name.into(), text, root }
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The file as it was named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives every fault that has no place the place of its key, or of the nearest table around a
    /// key that is missing, and sorts them in the order of the file.
    pub fn locate(&self, faults: &mut [Fault]) {
        let lines = Lines::new(&self.text);
        for fault in faults.iter_mut().filter(|fault| fault.location.is_none()) {
            let place = self.place(&fault.path);
            fault.location = Some(lines.location(&self.name, place));
        }
        faults.sort_by_key(|fault| {
            fault.location.as_ref().map(|location| (location.line, location.column))
        });
    }

    /// Gives faults the places that they were found at.
    pub(super) fn place_faults(&self, faults: Vec<Fault>, places: &[Place]) -> Vec<Fault> {
        let lines = Lines::new(&self.text);
        let located = |(fault, place): (Fault, &Place)| {
            let location = Some(lines.location(&self.name, *place));
            Fault { location, ..fault }
        };
        faults.into_iter().zip(places).map(located).collect()
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
}

/// The beginnings of a text's lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The offset that was asked for last, and its place. The next one is counted from it: a file
    /// may be one long line, and to count each place from its start would be quadratic.
    last: Cell<(usize, Place)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Lines<'t> {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        Lines { text, starts, last: Cell::new((0, Place::START)) }
    }

    /// The place of a byte; of the end when it is beyond it.
    pub(super) fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let start = start.copied().unwrap_or(0);
        let (last, place) = self.last.get();
        let characters = |from, to| count(self.text.get(from..to).unwrap_or("").chars().count());
        let column = if place.line != count(line) || offset - start < last.abs_diff(offset) {
            characters(start, offset) + 1
        } else if last <= offset {
            place.column + characters(last, offset)
        } else {
            place.column - characters(offset, last)
        };
        let place = Place { line: count(line), column };
        self.last.set((offset, place));
        place
    }

    /// A place with its line's text.
    pub(super) fn location(&self, file: &str, place: Place) -> Location {
        let index = (place.line as usize).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        let column = (place.column as usize).saturating_sub(1);
        // A caret must stand below what it points at, so a tab is one space wide.
        let shown = |character: char| if character.is_control() { ' ' } else { character };
        let cut = if column < SHOWN_CHARACTERS_MAX { 0 } else { column - SHOWN_CHARACTERS_MAX / 2 };
        let source_line = line.chars().skip(cut).take(SHOWN_CHARACTERS_MAX).map(shown).collect();
        Location {
            file: file.into(),
            line: place.line,
            column: place.column,
            source_line,
            caret: count(column - cut),
        }
    }
}

/// Positions fit in `u32`, since `limits::CONFIG_BYTES_MAX` does.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// As much of a line as a message shows.
const SHOWN_CHARACTERS_MAX: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_columns_in_characters() {
        let lines = Lines::new("äb\nc\n");
        assert_eq!(lines.place(2), Place { line: 1, column: 2 });
        assert_eq!(lines.place(4), Place { line: 2, column: 1 });
        assert_eq!(lines.place(99), Place { line: 3, column: 1 });
    }

    #[test]
    fn a_place_is_the_same_from_wherever_it_is_counted() {
        let text = "aäb\n\nc😀d\r\ne";
        for first in 0..=text.len() {
            for second in 0..=text.len() {
                let lines = Lines::new(text);
                lines.place(first);
                assert_eq!(lines.place(second), Lines::new(text).place(second));
            }
        }
    }

    #[test]
    fn cuts_a_long_line_around_the_place() {
        let text = format!("{}x{}", "a".repeat(1000), "b".repeat(1000));
        let location = Lines::new(&text).location("f", Place { line: 1, column: 1001 });
        assert_eq!(location.source_line.chars().count(), SHOWN_CHARACTERS_MAX);
        assert_eq!(location.source_line.chars().nth(location.caret as usize), Some('x'));
    }

    #[test]
    fn a_place_beyond_the_text_shows_no_line() {
        let location = Lines::new("a").location("f", Place { line: 9, column: 1 });
        assert_eq!(location.source_line, "");
    }
}
