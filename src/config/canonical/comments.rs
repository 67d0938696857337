//! Comments, which formatting keeps.

use super::super::Format;
use std::collections::HashMap;
use std::ops::Range;

/// A line between two keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its `#`.
    Comment(String),
    /// One or more empty lines.
    Blank,
}

/// The comments of a stretch of white space, and whether the first of them stands behind something
/// on its line.
pub(super) fn lines(space: &str) -> (Option<String>, Vec<Line>) {
    let mut behind = None;
    let mut lines = Vec::new();
    let mut rows = space.split('\n').map(str::trim).peekable();
    let mut is_first = true;
    while let Some(row) = rows.next() {
        // What is behind the last line end belongs to the next key's line.
        let is_last = rows.peek().is_none();
        if !row.is_empty() {
            if is_first {
                behind = Some(row.to_owned());
            } else {
                lines.push(Line::Comment(row.to_owned()));
            }
        } else if !is_first && !is_last && lines.last() != Some(&Line::Blank) {
            lines.push(Line::Blank);
        }
        is_first = false;
    }
    (behind, lines)
}

/// Comments and blanks that stand on lines of their own.
pub(super) fn own_lines(space: &str) -> Vec<Line> {
    // A line end in front makes the first line one of its own.
    let (_, lines) = lines(&format!("\n{space}"));
    lines
}

/// The first comment of a text that is not in another.
pub(super) fn lost(before: &str, after: &str, format: Format) -> Option<Range<usize>> {
    let may_move = match format {
        Format::Json => return None,
        Format::Toml => false,
        // `-` and a comment below it become one line.
        Format::Yaml => true,
    };
    let mut rest: HashMap<&str, usize> = HashMap::new();
    let mut ends: HashMap<&str, usize> = HashMap::new();
    for line in after.lines() {
        match marked(line) {
            Some(comment) => *rest.entry(comment).or_default() += 1,
            None => {
                let end = line.split_once(" #").map(|(_, end)| end.trim());
                end.into_iter().for_each(|end| *ends.entry(end).or_default() += 1);
            }
        }
    }
    let mut is_there =
        |comment: &str| take(&mut rest, comment) || (may_move && take(&mut ends, comment));
    let mut start = 0;
    for line in before.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        // A mark that is part of a string counts as well: it is kept as the string is, maybe in
        // another line, so only what stands behind it is compared.
        if marked(line).is_some_and(|comment| !is_there(comment)) {
            return Some(start + line.len() - line.trim_start().len()..end);
        }
        start += line.len();
    }
    None
}

fn take(counts: &mut HashMap<&str, usize>, comment: &str) -> bool {
    let left = counts.get_mut(comment).filter(|count| **count > 0);
    left.map(|count| *count -= 1).is_some()
}

/// What stands behind the `#` of a comment line. A `#` inside of a line may be a string's, and is
/// left to the comparison of the trees and to the tests.
fn marked(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('#')?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_white_space() {
        let comment = |text: &str| Line::Comment(text.to_owned());
        for (space, behind, want) in [
            ("", None, vec![]),
            ("  \n  ", None, vec![]),
            (" # a\n", Some("# a"), vec![]),
            (
                "\n\n\n# a  \n  # b\n\n",
                None,
                vec![Line::Blank, comment("# a"), comment("# b"), Line::Blank],
            ),
            (" # a\r\n# b\r\n", Some("# a"), vec![comment("# b")]),
        ] {
            assert_eq!(lines(space), (behind.map(str::to_owned), want), "{space:?}");
        }
        assert_eq!(own_lines("# a\n\n"), [comment("# a"), Line::Blank]);
    }

    #[test]
    fn a_lost_comment_is_noticed() {
        let both = "# a\nb = 1\n  # c\n";
        assert_eq!(lost(both, "# c\n# a\nb = 1\n", Format::Toml), None);
        assert_eq!(lost(both, "# a\nb = 1\n", Format::Toml), Some(12..15));
        assert_eq!(lost("# a\n# a\n", "# a\n", Format::Toml), Some(4..7));
        assert_eq!(lost("-\n  # a\n  b: 1\n", "- # a\n  b: 1\n", Format::Yaml), None);
        assert_eq!(lost("# a\nb = 1\n", "b = 1 # a\n", Format::Toml), Some(0..3));
    }
}
