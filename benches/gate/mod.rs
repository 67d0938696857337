//! Counts as they are committed, and what is said of new ones.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions an operation, by case.
pub type Counts = BTreeMap<String, f64>;

/// Two counts of unchanged code differ by less: a seed, an address.
pub const TOLERANCE: f64 = 0.02;

/// What a comparison found.
pub struct Verdict {
    pub table: String,
    /// Cases beyond the tolerance, and cases that only one side has.
    pub moved: Vec<String>,
}

/// Holds new counts against the committed ones.
pub fn compare(committed: &Counts, now: &Counts) -> Verdict {
    let names = committed.keys().chain(now.keys().filter(|name| !committed.contains_key(*name)));
    let mut verdict = Verdict { table: String::new(), moved: Vec::new() };
    line(&mut verdict.table, "case", "committed", "now", "difference", "");
    for name in names {
        let (before, after) = (committed.get(name), now.get(name));
        let difference = match (before, after) {
            (Some(before), Some(after)) => Some(after / before - 1.0),
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        };
        let is_level = difference.is_some_and(|difference| difference.abs() <= TOLERANCE);
        if !is_level {
            verdict.moved.push(name.clone());
        }
        let count =
            |count: Option<&f64>| count.map_or("-".to_owned(), |count| format!("{count:.1}"));
        let percent = |difference| format!("{:+.2} %", 100.0 * difference);
        line(
            &mut verdict.table,
            name,
            &count(before),
            &count(after),
            &difference.map_or("-".to_owned(), percent),
            if is_level { "" } else { "  <-" },
        );
    }
    verdict
}

fn line(table: &mut String, name: &str, before: &str, after: &str, difference: &str, mark: &str) {
    let written = writeln!(table, "{name:<32} {before:>12} {after:>12} {difference:>12}{mark}");
    written.expect("a String takes any text");
}

/// Reads committed counts.
///
/// # Errors
/// The text is no table of numbers above zero.
pub fn read(text: &str) -> Result<Counts, String> {
    let counts: Counts = toml::from_str(text).map_err(|error| error.to_string())?;
    match counts.iter().find(|(_, count)| !(count.is_finite() && **count > 0.0)) {
        Some((name, count)) => Err(format!("{name}: {count} is no count")),
        None => Ok(counts),
    }
}

/// Writes counts to be committed.
pub fn write(counts: &Counts) -> String {
    let mut text = String::from(HEADER);
    for (name, count) in counts {
        writeln!(text, "\"{name}\" = {count:.1}").expect("a String takes any text");
    }
    text
}

/// The sum of one dump of callgrind's.
pub fn summary(dump: &str) -> Option<u64> {
    let line = dump.lines().find_map(|line| line.strip_prefix("summary: "))?;
    line.trim().parse().ok()
}

const HEADER: &str = "\
# Instructions an operation, as callgrind counts them: written by `tools/instructions.sh --accept`,
# held within 2 % by `tools/instructions.sh`.
";
