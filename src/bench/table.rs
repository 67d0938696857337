//! A run as text: the table that `frys bench` ends with, and the line it shows while it runs.
//!
//! URLs may come from a list that somebody else wrote: control characters in them are written out,
//! so that none reaches the terminal as a command.

use std::fmt::Write;

use super::report::{
    Arrivals, Asked, AskedTarget, Client, Errors, Gateway, Latency, Report, Seen, TermVerdict,
    Verdict,
};
use super::units::{NOTHING, bytes, count, rate, seconds, share, time};

/// The whole run, a screen of lines.
pub fn table(report: &Report) -> String {
    let mut lines = Vec::new();
    lines.extend(head(&report.asked));
    lines.push(String::new());
    lines.extend(facts(&report.asked, &report.seen));
    lines.push(String::new());
    lines.extend(latencies(&report.asked, &report.seen));
    if let Some(gateway) = &report.gateway {
        lines.push(String::new());
        lines.extend(joined(&report.seen, gateway));
    }
    lines.push(String::new());
    lines.extend(health(&report.client));
    if let Some(verdict) = &report.objective {
        lines.push(String::new());
        lines.extend(judged(verdict));
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Where a run stands, for [`progress`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Whether it still warms up; `at_s` and `of_s` are then the warm-up's.
    pub is_warm_up: bool,
    /// Seconds since its beginning.
    pub at_s: f64,
    /// Seconds it takes.
    pub of_s: f64,
    /// Answers a second, lately.
    pub rate: f64,
    /// 99th percentile, lately; `None` while nothing was answered.
    pub p99_us: Option<f64>,
    /// Errors so far.
    pub errors: u64,
}

/// One line of constant width without an end, to be written over the one before.
pub fn progress(progress: &Progress) -> String {
    let Progress { is_warm_up, at_s, of_s, rate: lately, p99_us, errors } = *progress;
    let phase = if is_warm_up { "warm-up" } else { "run" };
    let p99 = time(p99_us.unwrap_or(f64::NAN));
    let at = format!("{at_s:.0}/{of_s:.0}s");
    let errors = count(errors);
    format!("{phase:<7} {at:>9}  {:>12}  p99 {p99:>7}  errors {errors:<9}", rate(lately))
}

fn head(asked: &Asked) -> Vec<String> {
    let how = match asked.rate {
        Some(asked_rate) => {
            let arrivals = match asked.arrivals {
                Arrivals::Constant => "constant",
                Arrivals::Poisson => "Poisson",
            };
            let asked_rate = rate(asked_rate);
            format!("open loop: {asked_rate}, {arrivals} arrivals, seed {}", asked.seed)
        }
        None => format!("closed loop: {}, each sends when it was answered", {
            several(asked.connections as u64, "connection")
        }),
    };
    let mut lines = vec![how];
    let weights: u64 = asked.targets.iter().map(|target| u64::from(target.weight)).sum();
    for target in asked.targets.iter().take(TARGETS_SHOWN_MAX) {
        lines.push(format!("  {}", asked_target(target, weights, asked.targets.len())));
    }
    if let Some(more @ 1..) = asked.targets.len().checked_sub(TARGETS_SHOWN_MAX) {
        lines.push(format!("  and {more} more"));
    }
    let mut plan = vec![
        several(asked.connections as u64, "connection"),
        several(asked.threads as u64, "thread"),
        seconds(asked.duration_s) + " after " + &seconds(asked.warm_up_s) + " of warm-up",
        "timeout ".to_owned() + &seconds(asked.timeout_s),
    ];
    if asked.new_connections {
        plan.push("a new connection for each request".to_owned());
    }
    if asked.think_s > 0.0 {
        plan.push(format!("{} of think time", seconds(asked.think_s)));
    }
    if let Some(speed) = asked.read_bytes_per_s {
        plan.push(format!("reading {}/s at most", bytes(speed as f64)));
    }
    lines.push(format!("  {}", plan.join(", ")));
    lines
}

fn asked_target(target: &AskedTarget, weights: u64, targets_count: usize) -> String {
    let mut line = format!("{} {}", printable(&target.method), printable(&target.url));
    if target.body_bytes > 0 {
        line = format!("{line} with a body of {}", bytes(target.body_bytes as f64));
    }
    if targets_count > 1 {
        let part = f64::from(target.weight) / weights.max(1) as f64;
        line = format!("{:>5}  {line}", share(part));
    }
    line
}

fn facts(asked: &Asked, seen: &Seen) -> Vec<String> {
    let reached = asked.rate.filter(|rate| *rate > 0.0).map(|asked| {
        let part = share(seen.rate / asked);
        format!(", {part} of the rate asked for")
    });
    let length = seconds(seen.seconds);
    let per_second = seen.received_bytes as f64 / seen.seconds;
    let (received, sent) = (bytes(seen.received_bytes as f64), bytes(seen.sent_bytes as f64));
    let statuses = seen.statuses.iter().map(|(status, n)| format!("{status}: {}", count(*n)));
    vec![
        fact(
            "answers",
            &format!("{} in {length}: {}{}", count(seen.requests), rate(seen.rate), {
                reached.as_deref().unwrap_or_default()
            }),
        ),
        fact("bytes", &format!("{received} received ({}/s), {sent} sent", bytes(per_second))),
        fact("connections", &format!("{} opened", count(seen.connections_opened))),
        fact("statuses", &or_none(statuses.collect::<Vec<_>>().join("  "))),
        fact("errors", &errors(seen)),
    ]
}

fn errors(seen: &Seen) -> String {
    let total = seen.errors.total();
    if total == 0 {
        return "none".to_owned();
    }
    // An answer of another status is an answer too, and counted among them.
    let all = seen.requests + (total - seen.errors.non_2xx);
    let kinds = kinds(&seen.errors);
    let kinds = kinds.into_iter().filter(|(_, n)| *n > 0);
    let kinds: Vec<_> = kinds.map(|(kind, n)| format!("{} {kind}", count(n))).collect();
    let part = share(total as f64 / all as f64);
    format!("{} ({part} of all): {}", count(total), kinds.join(", "))
}

fn kinds(errors: &Errors) -> [(&'static str, u64); 7] {
    let Errors { refused, reset, timed_out, non_2xx, short_body, malformed, unsent } = *errors;
    [
        ("refused", refused),
        ("reset", reset),
        ("timed out", timed_out),
        ("not 2xx", non_2xx),
        ("cut short", short_body),
        ("malformed", malformed),
        ("never sent", unsent),
    ]
}

fn latencies(asked: &Asked, seen: &Seen) -> Vec<String> {
    let (own, note) = match (asked.rate, &seen.corrected) {
        (Some(_), _) => (
            "since due",
            ["since due: from when the request was to be sent", {
                "since sent: from when it was sent, which is what a closed loop shows"
            }],
        ),
        (None, Some(_)) => (
            "raw",
            ["raw: since sent; hides requests that a slow answer held back", {
                "omission-corrected: with those requests filled in (coordinated omission)"
            }],
        ),
        (None, None) => {
            ("raw", ["raw: since sent; hides requests that a slow answer held back", ""])
        }
    };
    let named = [
        (own, Some(&seen.latency)),
        ("since sent", seen.service.as_ref()),
        ("omission-corrected", seen.corrected.as_ref()),
        ("connect", seen.connect.as_ref()),
    ];
    let shown: Vec<_> = named.iter().filter_map(|(name, of)| Some((*name, (*of)?))).collect();
    let mut rows = vec![vec!["latency".to_owned()]];
    rows[0].extend(shown.iter().map(|(name, _)| (*name).to_owned()));
    for (label, nines, value) in PERCENTILES {
        let cell = |(_, of): &(&str, &Latency)| supported(of, nines, value(of));
        let cells = shown.iter().map(cell);
        rows.push(std::iter::once(label.to_owned()).chain(cells).collect());
    }
    let mut lines = aligned(&rows);
    let of_service = asked.rate.is_none() || seen.service.is_some();
    let notes = note.iter().take(if of_service { 2 } else { 1 }).filter(|note| !note.is_empty());
    lines.extend(notes.map(|note| format!("  {note}")));
    lines
}

/// A percentile that fewer than one request would decide is none.
fn supported(of: &Latency, requests_min: u64, micros: f64) -> String {
    if of.count < requests_min { NOTHING.to_owned() } else { time(micros) }
}

fn joined(seen: &Seen, gateway: &Gateway) -> Vec<String> {
    let row = |name: &str, times: [f64; 4]| {
        std::iter::once(printable(name)).chain(times.map(time)).collect::<Vec<_>>()
    };
    let total = &gateway.total;
    let mut rows = vec![["gateway", "mean", "p50", "p99", "p99.9"].map(str::to_owned).to_vec()];
    for stage in &gateway.stages {
        rows.push(row(&stage.name, [stage.mean_us, stage.p50_us, stage.p99_us, stage.p999_us]));
    }
    rows.push(row("whole", [total.mean_us, total.p50_us, total.p99_us, total.p999_us]));
    rows.push(vec!["outside of the gateway".to_owned(), time(gateway.outside_mean_us)]);
    let client = &seen.latency;
    let times = [client.mean_us, client.p50_us, client.p99_us, client.p999_us];
    rows.push(row("as the client saw it", times));
    let mut lines = aligned(&rows);
    lines.push(format!(
        "  {} requests, {} of CPU time, {} each",
        count(gateway.requests),
        seconds(gateway.cpu_s),
        time(gateway.cpu_us_per_request),
    ));
    lines
}

fn health(client: &Client) -> Vec<String> {
    let mut lines = vec![fact(
        "generator",
        &format!(
            "{} of CPU time, {} requests for each second of it",
            seconds(client.cpu_s),
            count(client.requests_per_cpu_s.max(0.0).round() as u64),
        ),
    )];
    let busiest = format!("busiest thread at {} of its core", share(client.cpu_share_max));
    let late = client.lateness.as_ref().map(|late| {
        let (p99, most) = (supported(late, 100, late.p99_us), supported(late, 1, late.max_us));
        format!("; sent late by {p99} (p99), {most} (max)")
    });
    lines.push(fact("", &(busiest + late.as_deref().unwrap_or_default())));
    if client.is_limit {
        let text = "the generator, not the server, may have been the limit";
        lines.push(fact("WARNING", text));
    }
    let warnings = client.warnings.iter();
    lines.extend(warnings.map(|warning| fact("warning", &printable(warning))));
    lines
}

fn judged(verdict: &Verdict) -> Vec<String> {
    let word = |met: bool| if met { "met" } else { "MISSED" };
    let mut lines = vec![fact("objective", word(verdict.met))];
    let width = verdict.terms.iter().map(|term| term.term.chars().count()).max().unwrap_or(0);
    for term in &verdict.terms {
        let (name, measured) = (printable(&term.term), measured(term));
        lines.push(fact("", &format!("{name:<width$}  {:<6}  {measured}", word(term.met))));
    }
    lines
}

/// What was measured for a term, in the unit that the term is written in.
fn measured(term: &TermVerdict) -> String {
    let text = term.term.trim();
    if text.ends_with('%') || text.starts_with("error") {
        share(term.measured)
    } else if text.ends_with("/s") || !text.ends_with('s') {
        rate(term.measured)
    } else {
        time(term.measured)
    }
}

/// Rows in columns: the first to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let written = match at {
                0 => write!(line, "{cell:<width$}"),
                _ => write!(line, "  {cell:>width$}", width = (*width).max(COLUMN_WIDTH_MIN)),
            };
            written.expect("a string takes all");
        }
        line
    };
    rows.iter().map(line).collect()
}

fn fact(name: &str, text: &str) -> String {
    format!("{name:<12} {text}")
}

fn several(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for part in text.chars() {
        match part {
            part if part.is_control() => clean.extend(part.escape_default()),
            part => clean.push(part),
        }
    }
    clean
}

/// Targets that are named: a list of URLs may have thousands.
const TARGETS_SHOWN_MAX: usize = 4;
/// The widest time, so that tables below one another look alike.
const COLUMN_WIDTH_MIN: usize = 7;

/// Reads one figure of a distribution.
type Figure = fn(&Latency) -> f64;

/// Label, how many requests it takes for one to be beyond it, and where it stands.
const PERCENTILES: [(&str, u64, Figure); 8] = [
    ("  mean", 1, |of| of.mean_us),
    ("  p50", 2, |of| of.p50_us),
    ("  p90", 10, |of| of.p90_us),
    ("  p99", 100, |of| of.p99_us),
    ("  p99.9", 1_000, |of| of.p999_us),
    ("  p99.99", 10_000, |of| of.p9999_us),
    ("  p99.999", 100_000, |of| of.p99999_us),
    ("  max", 1, |of| of.max_us),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::fixture;

    #[test]
    fn an_open_loop_reads_as_expected() {
        let text = table(&fixture::open_loop());
        assert!(text == include_str!("expected/open_loop.txt"), "{text}");
    }

    #[test]
    fn a_closed_loop_shows_the_raw_figure_beside_the_corrected_one() {
        let text = table(&fixture::closed_loop());
        assert!(text == include_str!("expected/closed_loop.txt"), "{text}");
    }

    #[test]
    fn a_single_request_has_a_mean_and_a_maximum_and_no_percentile() {
        let text = table(&fixture::single());
        assert!(text.contains("  mean       210us\n"), "{text}");
        assert!(text.contains("  p50            -\n"), "{text}");
        assert!(text.contains("  max        210us\n"), "{text}");
    }

    #[test]
    fn urls_cannot_command_the_terminal() {
        let mut report = fixture::single();
        report.asked.targets[0].url = "http://h/\u{1b}[2J\u{9b}x".to_owned();
        let text = table(&report);
        assert!(text.contains("http://h/\\u{1b}[2J\\u{9b}x"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn lines_fit_a_terminal() {
        for report in [fixture::open_loop(), fixture::closed_loop(), fixture::nothing()] {
            let text = table(&report);
            assert!(text.lines().count() <= 50, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        }
    }

    #[test]
    fn progress_keeps_its_width() {
        let first = progress(&Progress { is_warm_up: true, of_s: 5.0, ..Progress::default() });
        assert_eq!(first, "warm-up      0/5s           0/s  p99       -  errors 0        ");
        let later = Progress {
            is_warm_up: false,
            at_s: 12.0,
            of_s: 60.0,
            rate: 20_004.4,
            p99_us: Some(1_234.0),
            errors: 1_234,
        };
        let later = progress(&later);
        assert_eq!(later, "run        12/60s      20,004/s  p99  1.23ms  errors 1,234    ");
    }
}
