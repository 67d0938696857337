//! What the gate on instruction counts lets pass and what not; `benches/instructions.rs` counts.

#[path = "../benches/gate/mod.rs"]
mod gate;

use gate::{Counts, TOLERANCE, compare, read, summary, write};

fn counts(of: &[(&str, f64)]) -> Counts {
    of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn a_count_within_the_tolerance_passes() {
    let verdict =
        compare(&counts(&[("a", 1000.0), ("b", 10.0)]), &counts(&[("a", 1019.0), ("b", 9.9)]));
    assert!(verdict.moved.is_empty(), "{}", verdict.table);
}

#[test]
fn a_count_beyond_the_tolerance_is_named_either_way() {
    let committed = counts(&[("less", 1000.0), ("level", 1000.0), ("more", 1000.0)]);
    let now = counts(&[("less", 970.0), ("level", 1000.0), ("more", 1021.0)]);
    let verdict = compare(&committed, &now);
    assert_eq!(verdict.moved, ["less", "more"]);
    let more = verdict.table.lines().find(|line| line.starts_with("more")).expect("a line");
    let words: Vec<&str> = more.split_whitespace().collect();
    assert_eq!(words, ["more", "1000.0", "1021.0", "+2.10", "%", "<-"]);
}

#[test]
fn a_case_that_only_one_side_has_does_not_pass() {
    let verdict = compare(&counts(&[("gone", 1.0)]), &counts(&[("new", 1.0)]));
    assert_eq!(verdict.moved, ["gone", "new"]);
}

#[test]
fn what_is_accepted_passes_when_read_again() {
    let now = counts(&[("route/1", 123.44), ("balance/round robin/2", 11.06)]);
    let accepted = read(&write(&now)).expect("a table");
    assert!(compare(&accepted, &now).moved.is_empty());
}

#[test]
fn what_is_no_count_is_refused() {
    assert!(read("\"a\" = 0.0").is_err());
    assert!(read("\"a\" = nan").is_err());
    assert!(read("\"a\" = \"many\"").is_err());
}

#[test]
fn the_committed_counts_can_be_read() {
    let committed = read(include_str!("../benches/instructions.toml")).expect("a table");
    assert!(committed.keys().any(|name| name.starts_with("worker/")), "{committed:?}");
}

#[test]
fn the_tolerance_is_two_per_cent() {
    assert!((TOLERANCE - 0.02).abs() < 1e-9);
}

#[test]
fn the_sum_of_a_dump_is_read() {
    assert_eq!(summary("events: Ir\nfn=(1) a\n1 2\nsummary: 4711\n"), Some(4711));
    assert_eq!(summary("events: Ir\ntotals: 4711\n"), None);
}
