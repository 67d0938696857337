//! Lines and columns of a text.

use super::node::Place;
use crate::error::Location;
use std::cell::Cell;

/// The beginnings of a text's lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The offset that was asked for last, and its position. The next one is counted from it: a
    /// file may be one long line, and to count each from its start would be quadratic.
    last: Cell<(usize, Position)>,
}

/// Both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: u32,
    column: u32,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Lines<'t> {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        Lines { text, starts, last: Cell::new((0, Position { line: 1, column: 1 })) }
    }

    /// The offset of a byte of a line, both counted from 1.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        (start + column.saturating_sub(1)).min(self.text.len())
    }

    /// A place with its line's text, in which what is to be hidden is.
    pub(super) fn location(&self, file: &str, place: Place, hidden: &[Place]) -> Location {
        let range = place.range();
        let first = self.position(range.start);
        let last = self.position(range.end.max(range.start));
        let index = (first.line as usize).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        let column = (first.column as usize).saturating_sub(1);
        let is_hidden = |at: usize| {
            let at = start + at;
            let is_there = |place: &&Place| place.range().contains(&at);
            hidden.iter().any(|hidden| is_there(&hidden))
        };
        // A caret must stand below what it points at, so a tab is one space wide.
        let shown = |(at, character): (usize, char)| match character {
            _ if is_hidden(at) => '*',
            _ if character.is_control() => ' ',
            _ => character,
        };
        let cut = if column < SHOWN_CHARACTERS_MAX { 0 } else { column - SHOWN_CHARACTERS_MAX / 2 };
        let source_line: String =
            line.char_indices().skip(cut).take(SHOWN_CHARACTERS_MAX).map(shown).collect();
        let rest = source_line.trim_end().chars().count().saturating_sub(column - cut);
        let wanted = if last.line == first.line {
            last.column.saturating_sub(first.column) as usize
        } else {
            usize::MAX
        };
        Location {
            file: file.into(),
            line: first.line,
            column: first.column,
            end_line: last.line,
            end_column: last.column,
            source_line,
            caret: count(column - cut),
            width: count(wanted.min(rest).max(1)),
        }
    }

    /// The position of a byte; of the end when it is beyond it.
    fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let start = start.copied().unwrap_or(0);
        let (last, known) = self.last.get();
        let characters = |from, to| count(self.text.get(from..to).unwrap_or("").chars().count());
        let column = if known.line != count(line) || offset - start < last.abs_diff(offset) {
            characters(start, offset) + 1
        } else if last <= offset {
            known.column + characters(last, offset)
        } else {
            known.column - characters(offset, last)
        };
        let position = Position { line: count(line), column };
        self.last.set((offset, position));
        position
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

    fn location(text: &str, range: std::ops::Range<usize>) -> Location {
        Lines::new(text).location("f", Place::of(0, range), &[])
    }

    #[test]
    fn counts_columns_in_characters() {
        let lines = Lines::new("äb\nc\n");
        assert_eq!(lines.position(2), Position { line: 1, column: 2 });
        assert_eq!(lines.position(4), Position { line: 2, column: 1 });
        assert_eq!(lines.position(99), Position { line: 3, column: 1 });
        assert_eq!(lines.offset(2, 1), 4);
        assert_eq!(lines.offset(9, 9), 6);
    }

    #[test]
    fn a_position_is_the_same_from_wherever_it_is_counted() {
        let text = "aäb\n\nc😀d\r\ne";
        for first in 0..=text.len() {
            for second in 0..=text.len() {
                let lines = Lines::new(text);
                lines.position(first);
                assert_eq!(lines.position(second), Lines::new(text).position(second));
            }
        }
    }

    #[test]
    fn cuts_a_long_line_around_the_place() {
        let text = format!("{}x{}", "a".repeat(1000), "b".repeat(1000));
        let location = location(&text, 1000..1001);
        assert_eq!(location.source_line.chars().count(), SHOWN_CHARACTERS_MAX);
        assert_eq!(location.source_line.chars().nth(location.caret as usize), Some('x'));
        assert_eq!(location.width, 1);
    }

    #[test]
    fn the_width_ends_with_the_line() {
        let text = "a = [1,  \n 2]\nb";
        let location = location(text, 4..13);
        assert_eq!((location.caret, location.width), (4, 3));
        assert_eq!((location.end_line, location.end_column), (2, 4));
    }

    #[test]
    fn a_place_beyond_the_text_shows_no_line() {
        assert_eq!(location("a\n", 9..9).source_line, "");
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let text = "token = \"häsh\" # x";
        let lines = Lines::new(text);
        let hidden = [Place::of(0, 8..15)];
        let location = lines.location("f", Place::of(0, 0..5), &hidden);
        assert_eq!(location.source_line, "token = ****** # x");
    }
}
