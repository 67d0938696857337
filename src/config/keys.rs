//! Every key of the file: what is read, what is refused because it is not built, and what
//! `docs/configuration.md` and the schema say.

use super::kind::Kind;

/// A key that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// As in the file.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// What holds without it, as it would be written; empty when it must be there, `none` in
    /// brackets when nothing stands for it.
    pub(crate) default: &'static str,
    /// What it does, and why the default is as it is.
    pub(crate) text: &'static str,
}

/// The keys of one table.
#[derive(Debug)]
pub(crate) struct Section {
    /// As in the file: `[limits]`.
    pub(crate) title: &'static str,
    /// One sentence.
    pub(crate) text: &'static str,
    pub(crate) keys: &'static [Key],
    /// Of which keys there may be how many.
    pub(crate) choices: &'static [Choice],
    /// Keys that are known and not built in this version.
    pub(crate) later: &'static [&'static str],
    /// Names that are not keys of the file, and the keys that are meant.
    pub(crate) meant: &'static [(&'static str, &'static str)],
}

/// Keys that stand for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// One of them, and no more.
    ExactlyOne(&'static [&'static str]),
    /// One of them at most.
    AtMostOne(&'static [&'static str]),
    /// At least one of them.
    AtLeastOne(&'static [&'static str]),
    /// Where one of the first is, there is exactly one of the others, and without it none.
    With(&'static [&'static str], &'static [&'static str]),
}

impl Choice {
    /// Whether one of its keys must be there.
    pub(crate) const fn is_needed(&self) -> bool {
        match self {
            Choice::ExactlyOne(_) | Choice::AtLeastOne(_) => true,
            Choice::AtMostOne(_) | Choice::With(_, _) => false,
        }
    }
}

impl Section {
    /// Whether this version reads the key.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    /// Whether the key is known, and its feature is not built.
    pub(crate) fn is_later(&self, name: &str) -> bool {
        self.later.contains(&name)
    }

    /// The known name that an unknown one was probably meant to be.
    pub(crate) fn nearest(&self, name: &str) -> Option<&'static str> {
        if let Some((_, meant)) = self.meant.iter().find(|(other, _)| *other == name) {
            return Some(meant);
        }
        let built = self.keys.iter().map(|key| key.name);
        nearest(name, built.chain(self.later.iter().copied()))
    }
}

/// The candidate that is nearest to a name, when one is near.
pub(crate) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let name: Vec<char> = name.chars().take(NAME_CHARACTERS_MAX).collect();
    let lower: String = name.iter().collect::<String>().to_ascii_lowercase().replace('-', "_");
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = candidate.to_ascii_lowercase();
        let is_part = lower.len() >= 4 && (other.contains(&lower) || lower.contains(&other));
        let limit = if is_part { usize::MAX } else { 1 + candidate.len() / 4 };
        let distance = distance(&lower, &other);
        if distance <= limit && best.is_none_or(|(best, _)| distance < best) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (row, left) in a.iter().enumerate() {
        let mut next = vec![row + 1; width];
        for (column, right) in b.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut cost = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            let is_swap = row > 0 && column > 0 && a[row - 1] == *right && *left == b[column - 1];
            if is_swap {
                cost = cost.min(before[column - 1] + 1);
            }
            next[column + 1] = cost;
        }
        before = std::mem::replace(&mut last, next);
    }
    last[width - 1]
}

/// As much of an unknown name as is compared.
const NAME_CHARACTERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, want) in [("", "", 0), ("a", "", 1), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn finds_a_name_that_was_mistyped() {
        let names = ["listen_addr", "listeners", "routes", "upstream_idle", "total"];
        for (name, want) in [
            ("listen_adr", Some("listen_addr")),
            ("route", Some("routes")),
            ("Routes", Some("routes")),
            ("idle", Some("upstream_idle")),
            ("listen-addr", Some("listen_addr")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), want, "{name}");
        }
    }
}
