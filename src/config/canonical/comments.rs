//! Comments, which formatting keeps.

use super::super::Format;

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

/// Whether all comments of a text are in another.
pub(super) fn are_kept(before: &str, after: &str, format: Format) -> bool {
    let mut rest: Vec<String> = match format {
        Format::Json => return true,
        Format::Toml | Format::Yaml => marked(after),
    };
    rest.sort_unstable();
    let mut found = marked(before);
    found.sort_unstable();
    let mut rest = rest.into_iter();
    // A mark that is part of a string counts as well: it is kept as the string is, maybe in another
    // line, so only what stands behind it is compared.
    found.iter().all(|comment| rest.any(|other| other == *comment))
}

/// What stands behind the `#` of each comment line. A `#` inside of a line may be a string's, and
/// is left to the comparison of the trees and to the tests.
fn marked(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| Some(line.strip_prefix('#')?.trim().to_owned())).collect()
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
        assert!(are_kept("# a\nb = 1\n  # c\n", "# c\n# a\nb = 1\n", Format::Toml));
        assert!(!are_kept("# a\n# a\n", "# a\n", Format::Toml));
    }
}
