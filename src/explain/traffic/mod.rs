//! Recorded traffic through two configurations: which requests would go elsewhere.
//!
//! A log is read line by line and never held, so its length is no bound. What is kept is a count
//! and a few examples for each pair of outcomes that differ.

mod line;
mod report;

pub use line::Unusable;
pub use report::{Group, Report};

use super::asked::Asked;
use super::find::{Finder, Outcome};
use super::words;
use crate::config::GatewayConfig;
use crate::limits::{
    TRAFFIC_EXAMPLE_CHARACTERS_MAX, TRAFFIC_EXAMPLES_MAX, TRAFFIC_GROUPS_MAX,
    TRAFFIC_LINE_BYTES_MAX,
};
use crate::snapshot::Snapshot;

use hashbrown::HashMap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, BufRead};

/// One of the two configurations.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// As it is written.
    pub config: &'a GatewayConfig,
    /// As it is served.
    pub snapshot: &'a Snapshot,
}

/// Where a request goes, in words that two configurations share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Destination {
    /// The route's name; none where the gateway refuses.
    pub route: Option<String>,
    /// What it does, or why the gateway refuses: `cluster api`, `redirect 308`, `route_not_found`.
    pub action: String,
    /// The class of the status, where the gateway itself answers.
    pub status: Option<&'static str>,
}

/// Sends every line of a log through both configurations.
///
/// `now` is the second since 1970 for which versions are asked whether they are gone.
///
/// # Errors
/// The log cannot be read on.
pub fn compare(
    log: &mut dyn BufRead,
    old: Side<'_>,
    new: Side<'_>,
    now: u64,
) -> io::Result<Report> {
    let mut comparison = Comparison {
        sides: [old, new],
        finders: [old, new].map(|side| Finder::new(side.snapshot, now)),
        asked: Asked::empty(),
        pairs: HashMap::new(),
        report: Report::default(),
    };
    let mut line = Vec::new();
    while let Some(is_whole) = next_line(log, &mut line)? {
        comparison.line(&line, is_whole);
    }
    Ok(comparison.finish())
}

struct Comparison<'a> {
    sides: [Side<'a>; 2],
    finders: [Finder<'a>; 2],
    asked: Asked,
    pairs: HashMap<[Outcome; 2], Pair>,
    report: Report,
}

struct Pair {
    /// The destinations, where they differ.
    differing: Option<[Destination; 2]>,
    count: u64,
    examples: Vec<String>,
}

impl Comparison<'_> {
    fn line(&mut self, line: &[u8], is_whole: bool) {
        if line.is_empty() && is_whole {
            return;
        }
        self.report.lines += 1;
        let read =
            if is_whole { line::read(line, &mut self.asked) } else { Err(Unusable::TooLong) };
        let completeness = match read {
            Ok(completeness) => completeness,
            Err(why) => {
                let line = self.report.lines;
                let (count, _) = self.report.unusable.entry(why).or_insert((0, line));
                *count += 1;
                return;
            }
        };
        self.report.used += 1;
        self.report.without_fields += u64::from(!completeness.has_fields);
        self.report.withheld += u64::from(completeness.is_withheld);
        let [old, new] = &mut self.finders;
        let outcomes = [old.find(&self.asked), new.find(&self.asked)];
        let is_full = self.pairs.len() >= TRAFFIC_GROUPS_MAX;
        let known = self.pairs.contains_key(&outcomes);
        if !known && is_full {
            // As far as is known without keeping it, every one of these differs from the others.
            if differing(&self.sides, outcomes).is_some() {
                self.report.different += 1;
                self.report.ungrouped += 1;
            }
            return;
        }
        let sides = &self.sides;
        let pair = self.pairs.entry(outcomes).or_insert_with(|| Pair {
            differing: differing(sides, outcomes),
            count: 0,
            examples: Vec::new(),
        });
        pair.count += 1;
        if pair.differing.is_none() {
            return;
        }
        self.report.different += 1;
        if pair.examples.len() < TRAFFIC_EXAMPLES_MAX {
            pair.examples.push(example(&self.asked));
        }
    }

    /// Pairs of one pair of destinations become one group, the largest first.
    fn finish(mut self) -> Report {
        let mut groups: BTreeMap<[Destination; 2], Group> = BTreeMap::new();
        for pair in self.pairs.into_values() {
            let Some(differing) = pair.differing else { continue };
            let group = groups.entry(differing.clone()).or_insert_with(|| {
                let [old, new] = differing;
                Group { old, new, count: 0, examples: Vec::new() }
            });
            group.count += pair.count;
            group.examples.extend(pair.examples);
            group.examples.sort();
            group.examples.dedup();
            group.examples.truncate(TRAFFIC_EXAMPLES_MAX);
        }
        self.report.groups = groups.into_values().collect();
        self.report.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        self.report
    }
}

/// Both destinations, where they are not the same.
fn differing(sides: &[Side<'_>; 2], outcomes: [Outcome; 2]) -> Option<[Destination; 2]> {
    let [old, new] = [0, 1].map(|at| destination(sides[at], outcomes[at]));
    (old != new).then_some([old, new])
}

fn destination(side: Side<'_>, outcome: Outcome) -> Destination {
    match outcome {
        Outcome::Route(id) => {
            let route = side.config.routes.get(id.0 as usize);
            let action = route.map(words::action).unwrap_or_default();
            Destination {
                route: Some(side.snapshot.route(id).id.to_string()),
                status: action.status.map(class),
                action: action.text,
            }
        }
        Outcome::Refused(reason) => Destination {
            route: None,
            action: reason.label().to_owned(),
            status: reason.status().map(class),
        },
    }
}

fn class(status: u16) -> &'static str {
    crate::bridge::metrics::StatusClass::of(status).label()
}

/// The request as a person would ask for it.
fn example(asked: &Asked) -> String {
    let head = asked.head();
    let scheme = if asked.is_tls { "https" } else { "http" };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let target = text(head.target());
    let text = match head.authority() {
        Some(host) if target.starts_with('/') => {
            format!("{} {scheme}://{}{target}", head.method().as_str(), text(host))
        }
        Some(_) | None => format!("{} {target}", head.method().as_str()),
    };
    match text.char_indices().nth(TRAFFIC_EXAMPLE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The next line without its end; whether it is whole, or too long and was cut. Nothing at the end.
fn next_line(log: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut is_whole, mut is_any) = (true, false);
    loop {
        let available = match log.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(is_any.then_some(is_whole));
        }
        is_any = true;
        let end = memchr::memchr(b'\n', available);
        let part = &available[..end.unwrap_or(available.len())];
        if line.len() + part.len() <= TRAFFIC_LINE_BYTES_MAX {
            line.extend_from_slice(part);
        } else {
            is_whole = false;
        }
        let taken = end.map_or(available.len(), |end| end + 1);
        log.consume(taken);
        if end.is_some() {
            while line.last().is_some_and(|byte| *byte == b'\r') {
                line.pop();
            }
            return Ok(Some(is_whole));
        }
    }
}

#[cfg(test)]
mod tests;
