//! What a run is to reach, written as `p99<5ms,errors<0.1%`, and whether it did.

use crate::config::nearest;
use crate::limits;

use super::report::{Errors, Latency, Report, TermVerdict, Verdict};

use std::fmt;
use std::str::FromStr;

/// A list of terms that are all to be met.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    terms: Vec<Term>,
}

/// Why a text is no objective: which term, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveInvalid {
    /// Of the fault, in characters, counted from 1.
    pub column: usize,
    /// The term that it is in.
    pub term: String,
    /// What is wrong.
    pub message: String,
    /// The known name that is nearest to an unknown one.
    pub nearest: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    /// As it was written, without blanks around it.
    text: String,
    measure: Measure,
    /// Whether the bound itself still meets it.
    is_inclusive: bool,
    /// In microseconds, as a share of 0 to 1, or requests a second.
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    P50,
    P75,
    P90,
    P99,
    P999,
    P9999,
    P99999,
    Max,
    Mean,
    Errors,
    /// Answers a second.
    Rate,
    /// Answers against what was asked for.
    RateShare,
}

impl Objective {
    /// Whether the report meets it, term by term.
    ///
    /// Latency is what an open loop measured; of a closed loop it is the corrected one, since the
    /// raw one leaves out the requests that a slow answer kept from being sent. Errors are a share
    /// of all requests that were due. A run in which nothing was measured meets nothing.
    pub fn judge(&self, report: &Report) -> Verdict {
        let terms: Vec<TermVerdict> = self.terms.iter().map(|term| term.judge(report)).collect();
        Verdict { met: terms.iter().all(|term| term.met), terms }
    }

    /// The same with [`ERRORS_IMPLIED`] where no term bounds the errors: a server that only fails
    /// is quick, and a search for a rate would take it for a good one.
    pub fn with_errors(mut self) -> Objective {
        if !self.terms.iter().any(|term| term.measure == Measure::Errors) {
            let text = ERRORS_IMPLIED.to_owned();
            let (measure, bound) = (Measure::Errors, 0.01);
            self.terms.push(Term { text, measure, is_inclusive: false, bound });
        }
        self
    }

    /// Whether a term is a share of the rate that was asked for, which only an open loop has.
    pub fn needs_rate(&self) -> bool {
        self.terms.iter().any(|term| term.measure == Measure::RateShare)
    }
}

/// The share of failed requests among all that were due; 1 where nothing was due.
pub fn errors_share(report: &Report) -> f64 {
    let errors = &report.seen.errors;
    // Answers with another status are among the answers already.
    let Errors { refused, reset, timed_out, non_2xx: _, short_body, malformed, unsent } = errors;
    let unanswered = refused + reset + timed_out + short_body + malformed + unsent;
    let due = report.seen.requests + unanswered;
    if due == 0 { 1.0 } else { errors.total() as f64 / due as f64 }
}

/// The share of requests that the server failed, without those that the generator never sent.
pub(super) fn server_errors_share(report: &Report) -> f64 {
    let errors = &report.seen.errors;
    let due = report.seen.requests + errors.total() - errors.non_2xx;
    if due == 0 { 0.0 } else { (errors.total() - errors.unsent) as f64 / due as f64 }
}

/// Errors in words, only the kinds that there were: `736 refused, 2 timed out`.
pub fn errors_in_words(errors: &Errors) -> String {
    let Errors { refused, reset, timed_out, non_2xx, short_body, malformed, unsent } = *errors;
    let kinds = [
        (refused, "refused"),
        (reset, "reset"),
        (timed_out, "timed out"),
        (non_2xx, "not 2xx"),
        (short_body, "cut short"),
        (malformed, "malformed"),
        (unsent, "never sent"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = kinds.map(|(count, kind)| format!("{count} {kind}")).collect();
    if words.is_empty() { "no request was made".to_owned() } else { words.join(", ") }
}

/// The latencies that are judged: the corrected ones where there are some.
pub fn judged_latency(report: &Report) -> &Latency {
    report.seen.corrected.as_ref().unwrap_or(&report.seen.latency)
}

impl Term {
    fn judge(&self, report: &Report) -> TermVerdict {
        let measured = self.measure.of(report);
        let met = measured.is_some_and(|measured| {
            let is_met =
                if self.measure.is_floor() { measured > self.bound } else { measured < self.bound };
            is_met || (self.is_inclusive && measured == self.bound)
        });
        let term = self.text.clone();
        TermVerdict { term, measured: measured.unwrap_or(0.0), bound: self.bound, met }
    }
}

impl Measure {
    /// What the report has of it; `None` where it measured nothing.
    fn of(self, report: &Report) -> Option<f64> {
        let latency = judged_latency(report);
        let value = match self {
            Measure::P50 => latency.p50_us,
            Measure::P75 => latency.p75_us,
            Measure::P90 => latency.p90_us,
            Measure::P99 => latency.p99_us,
            Measure::P999 => latency.p999_us,
            Measure::P9999 => latency.p9999_us,
            Measure::P99999 => latency.p99999_us,
            Measure::Max => latency.max_us,
            Measure::Mean => latency.mean_us,
            Measure::Errors => return Some(errors_share(report)),
            Measure::Rate => return Some(report.seen.rate),
            Measure::RateShare => return report.asked.rate.map(|rate| report.seen.rate / rate),
        };
        (latency.count > 0).then_some(value)
    }

    /// Whether more is better.
    fn is_floor(self) -> bool {
        matches!(self, Measure::Rate | Measure::RateShare)
    }
}

impl FromStr for Objective {
    type Err = ObjectiveInvalid;

    fn from_str(text: &str) -> Result<Objective, ObjectiveInvalid> {
        let mut terms: Vec<Term> = Vec::new();
        let mut column = 1;
        for part in text.split(',') {
            let blank = part.chars().take_while(|character| character.is_whitespace()).count();
            let at = Written { term: part.trim(), column: column + blank };
            if terms.len() == limits::BENCH_TERMS_MAX {
                let most = limits::BENCH_TERMS_MAX;
                return Err(at.fault(0, format!("an objective has at most {most} terms")));
            }
            let term = at.read()?;
            if terms.iter().any(|known| known.measure == term.measure) {
                let message = "it stands twice: which of the two is meant?";
                return Err(at.fault(0, message.to_owned()));
            }
            terms.push(term);
            column += part.chars().count() + 1;
        }
        Ok(Objective { terms })
    }
}

/// A term that is being read.
#[derive(Clone, Copy)]
struct Written<'t> {
    term: &'t str,
    column: usize,
}

impl Written<'_> {
    fn read(self) -> Result<Term, ObjectiveInvalid> {
        if self.term.is_empty() {
            return Err(self.fault(0, format!("a term is missing here; {SHAPE}")));
        }
        let Some(end) = self.term.find(['<', '>', '=']) else {
            return Err(self.fault(self.term.len(), format!("a bound is missing; {SHAPE}")));
        };
        let (name, rest) = self.term.split_at(end);
        let symbol = ["<=", ">=", "<", ">", "="].into_iter().find(|one| rest.starts_with(one));
        let symbol = symbol.unwrap_or_default();
        let value = &rest[symbol.len()..];
        let value_at = self.term.len() - value.trim_start().len();
        let value = value.trim();
        let measure = self.measure(name.trim_end(), value)?;
        let wanted = if measure.is_floor() { ['>'; 1] } else { ['<'; 1] };
        if !symbol.starts_with(wanted) {
            let (name, wanted) = (name.trim_end(), wanted[0]);
            let message = format!("`{name}` is bounded with `{wanted}` or `{wanted}=`");
            return Err(self.fault(end, message));
        }
        let bound = match measure {
            Measure::Errors | Measure::RateShare => share(value),
            Measure::Rate => rate(value),
            Measure::P50
            | Measure::P75
            | Measure::P90
            | Measure::P99
            | Measure::P999
            | Measure::P9999
            | Measure::P99999
            | Measure::Max
            | Measure::Mean => micros(value),
        };
        let bound = bound.map_err(|message| self.fault(value_at, message))?;
        let is_inclusive = symbol.ends_with('=');
        Ok(Term { text: self.term.to_owned(), measure, is_inclusive, bound })
    }

    fn measure(self, name: &str, value: &str) -> Result<Measure, ObjectiveInvalid> {
        let known = NAMES.into_iter().find(|(known, _)| *known == name);
        match known {
            Some((_, Measure::Rate)) if value.ends_with('%') => Ok(Measure::RateShare),
            Some((_, measure)) => Ok(measure),
            None => {
                let names = NAMES.map(|(name, _)| name);
                let message = format!("`{name}` is unknown; there are {}", names.join(", "));
                let nearest = near(name);
                Err(ObjectiveInvalid { nearest, ..self.fault(0, message) })
            }
        }
    }

    /// A fault at a byte of the term.
    fn fault(self, at: usize, message: String) -> ObjectiveInvalid {
        let before = self.term.get(..at).unwrap_or(self.term).chars().count();
        let (column, term) = (self.column + before, self.term.to_owned());
        ObjectiveInvalid { column, term, message, nearest: None }
    }
}

/// Names of latencies are numbers: the nearest number is meant, not the most similar letters.
fn near(name: &str) -> Option<&'static str> {
    let digits = name.trim_start_matches(['p', 'P']);
    let number: Option<f64> = digits.parse().ok().filter(|number| (0.0..=100.0).contains(number));
    let Some(number) = number else { return nearest(name, NAMES.map(|(name, _)| name)) };
    let tail = |percentile: f64| (100.0 - percentile).max(1e-9).ln();
    let distance = |name: &str| {
        let percentile: f64 = name.trim_start_matches('p').parse().ok()?;
        Some((tail(percentile) - tail(number)).abs())
    };
    let names = NAMES.into_iter().filter_map(|(name, _)| Some((distance(name)?, name)));
    names.min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, name)| name)
}

fn micros(text: &str) -> Result<f64, String> {
    let (number, unit) = number(text, DURATION_SHAPE)?;
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "" => return Err(format!("a time needs its unit: `{text}ms`, `{text}us` or `{text}s`")),
        _ => return Err(format!("`{unit}` is no unit of time; {DURATION_SHAPE}")),
    };
    Ok(number * factor)
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = number(text, SHARE_SHAPE)?;
    match unit {
        "%" if number <= 100.0 => Ok(number / 100.0),
        "%" => Err("a share has at most 100 %".to_owned()),
        "" => Err(format!("a share is written in percent: `{text}%`")),
        _ => Err(format!("`{unit}` is no unit of a share; {SHARE_SHAPE}")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let (number, unit) = number(text, RATE_SHAPE)?;
    match unit {
        "" | "/s" => Ok(number),
        _ => Err(format!("`{unit}` is no unit of a rate; {RATE_SHAPE}")),
    }
}

/// A decimal number and what follows it.
fn number<'t>(text: &'t str, shape: &str) -> Result<(f64, &'t str), String> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = number.ok_or_else(|| format!("`{text}` does not begin with a number; {shape}"))?;
    Ok((number, unit.trim_start()))
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.terms.iter().map(|term| term.text.as_str()).collect();
        formatter.write_str(&texts.join(","))
    }
}

impl fmt::Display for ObjectiveInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectiveInvalid { column, term, message, nearest } = self;
        write!(formatter, "column {column}, `{term}`: {message}")?;
        match nearest {
            Some(name) => write!(formatter, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ObjectiveInvalid {}

const NAMES: [(&str, Measure); 11] = [
    ("p50", Measure::P50),
    ("p75", Measure::P75),
    ("p90", Measure::P90),
    ("p99", Measure::P99),
    ("p99.9", Measure::P999),
    ("p99.99", Measure::P9999),
    ("p99.999", Measure::P99999),
    ("max", Measure::Max),
    ("mean", Measure::Mean),
    ("errors", Measure::Errors),
    ("rate", Measure::Rate),
];

/// What [`Objective::with_errors`] adds.
pub const ERRORS_IMPLIED: &str = "errors<1%";

const SHAPE: &str = "terms are written as `p99<5ms`, `errors<0.1%` or `rate>=99%`";
const DURATION_SHAPE: &str = "a time is written as `250us`, `5ms` or `1.5s`";
const SHARE_SHAPE: &str = "a share is written as `0.1%`";
const RATE_SHAPE: &str = "a rate is written as `20000/s`, or as `99%` of what was asked for";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::report::{Arrivals, Asked, Client, Seen};

    /// A report of an open loop in which nothing was seen.
    pub(in crate::bench) fn report() -> Report {
        let asked = Asked {
            targets: Vec::new(),
            rate: Some(1000.0),
            arrivals: Arrivals::Constant,
            seed: 1,
            connections: 1,
            threads: 1,
            duration_s: 1.0,
            warm_up_s: 0.0,
            timeout_s: 1.0,
            new_connections: false,
            think_s: 0.0,
            read_bytes_per_s: None,
        };
        let (seen, client) = (Seen::default(), Client::default());
        Report {
            frys: String::new(),
            started_unix_s: 0,
            asked,
            seen,
            client,
            gateway: None,
            objective: None,
        }
    }

    fn objective(text: &str) -> Objective {
        text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    fn fault(text: &str) -> String {
        match text.parse::<Objective>() {
            Ok(_) => panic!("{text} is taken"),
            Err(fault) => fault.to_string(),
        }
    }

    fn meets(text: &str, change: impl FnOnce(&mut Report)) -> bool {
        let mut report = report();
        report.seen.requests = 1000;
        report.seen.latency.count = 1000;
        change(&mut report);
        objective(text).judge(&report).met
    }

    #[test]
    fn every_latency_is_held_to_its_own_bound() {
        type Field = fn(&mut Latency) -> &mut f64;
        let set: [(&str, Field); 9] = [
            ("p50", |latency| &mut latency.p50_us),
            ("p75", |latency| &mut latency.p75_us),
            ("p90", |latency| &mut latency.p90_us),
            ("p99", |latency| &mut latency.p99_us),
            ("p99.9", |latency| &mut latency.p999_us),
            ("p99.99", |latency| &mut latency.p9999_us),
            ("p99.999", |latency| &mut latency.p99999_us),
            ("max", |latency| &mut latency.max_us),
            ("mean", |latency| &mut latency.mean_us),
        ];
        for (name, field) in set {
            for (symbol, value, want) in [
                ("<", 4999.9, true),
                ("<", 5000.0, false),
                ("<=", 5000.0, true),
                ("<=", 5000.1, false),
            ] {
                let text = format!("{name}{symbol}5ms");
                let met = meets(&text, |report| *field(&mut report.seen.latency) = value);
                assert_eq!(met, want, "{text} at {value}");
            }
        }
    }

    #[test]
    fn errors_are_a_share_of_all_that_was_due() {
        // 999 answers and one refusal: 0.1 % of 1,000.
        let one = |report: &mut Report| {
            report.seen.requests = 999;
            report.seen.errors.refused = 1;
        };
        assert!(!meets("errors<0.1%", one));
        assert!(meets("errors<=0.1%", one));
        assert!(meets("errors<0.11%", one));
        // An answer with another status is an answer, and an error once.
        assert!(meets("errors<=0.1%", |report| report.seen.errors.non_2xx = 1));
        assert!(!meets("errors<0.1%", |report| report.seen.errors.non_2xx = 1));
        assert!(!meets("errors<50%", |report| report.seen.errors.unsent = 1000));
    }

    #[test]
    fn errors_are_bounded_where_no_term_does() {
        let quick_failures = |report: &mut Report| report.seen.errors.non_2xx = 1000;
        assert!(meets("p99<5ms", quick_failures));
        let implied = objective("p99<5ms").with_errors();
        assert_eq!(implied.to_string(), "p99<5ms,errors<1%");
        assert_eq!(implied.terms[1], objective(ERRORS_IMPLIED).terms[0]);
        let own = objective("errors<=50%,p99<5ms");
        assert_eq!(own.clone().with_errors(), own);
    }

    #[test]
    fn errors_are_told_by_the_kinds_that_there_were() {
        let errors = Errors { refused: 736, timed_out: 2, ..Errors::default() };
        assert_eq!(errors_in_words(&errors), "736 refused, 2 timed out");
        assert_eq!(errors_in_words(&Errors::default()), "no request was made");
    }

    #[test]
    fn rates_are_floors() {
        let at = |text: &str, rate: f64| meets(text, |report| report.seen.rate = rate);
        assert!(at("rate>990/s", 990.1) && !at("rate>990/s", 990.0));
        assert!(at("rate>=990", 990.0) && !at("rate>=990", 989.9));
        assert!(at("rate>=99%", 990.0) && !at("rate>=99%", 989.0));
        assert!(at("rate>99%", 990.1) && !at("rate>99%", 990.0));
    }

    #[test]
    fn all_terms_are_to_be_met_and_each_is_told() {
        let mut report = report();
        report.seen.requests = 100;
        report.seen.latency =
            Latency { count: 100, p99_us: 6000.0, p50_us: 10.0, ..Latency::default() };
        let verdict = objective("p99 < 5ms , p50<20us").judge(&report);
        assert!(!verdict.met);
        let late =
            TermVerdict { term: "p99 < 5ms".into(), measured: 6000.0, bound: 5000.0, met: false };
        assert_eq!(verdict.terms[0], late);
        assert!(verdict.terms[1].met);
    }

    #[test]
    fn a_run_without_answers_meets_nothing() {
        for text in ["p99<5s", "max<5s", "errors<=99%", "rate>0", "rate>=1%"] {
            assert!(!objective(text).judge(&report()).met, "{text}");
        }
    }

    #[test]
    fn a_closed_loop_is_judged_by_what_it_left_out() {
        let hidden = |report: &mut Report| {
            report.asked.rate = None;
            report.seen.latency.p99_us = 1000.0;
            let corrected = Latency { count: 2000, p99_us: 900_000.0, ..Latency::default() };
            report.seen.corrected = Some(corrected);
        };
        assert!(!meets("p99<5ms", hidden));
        // There is no rate to be a share of.
        assert!(!meets("rate>=1%", |report| report.asked.rate = None));
        assert!(objective("rate>=1%").needs_rate() && !objective("rate>=1").needs_rate());
    }

    #[test]
    fn units_are_read() {
        for (text, bound) in [
            ("p99<250us", 250.0),
            ("p99<1.5s", 1_500_000.0),
            ("p99< 5 ms", 5000.0),
            ("errors<0.1%", 0.001),
            ("rate>20000/s", 20_000.0),
            ("rate>99.5%", 0.995),
        ] {
            assert_eq!(objective(text).terms[0].bound, bound, "{text}");
        }
        assert_eq!(objective(" p99<5ms, errors<1%").to_string(), "p99<5ms,errors<1%");
    }

    #[test]
    fn a_fault_names_its_column_and_what_would_be_right() {
        for (text, column, part) in [
            ("p95<5ms", 1, "(did you mean `p90`?)"),
            ("p50<1ms,p999<5ms", 9, "`p999` is unknown"),
            ("p50<1ms,p99.8<5ms", 9, "(did you mean `p99.9`?)"),
            ("error<1%", 1, "(did you mean `errors`?)"),
            ("errors<1", 8, "`1%`"),
            ("errors<101%", 8, "at most 100 %"),
            ("errors<1ms", 8, "`ms` is no unit of a share"),
            ("p99<5", 5, "`5ms`"),
            ("p99<=5m", 6, "`m` is no unit of time"),
            ("p99<ms", 5, "does not begin with a number"),
            ("p99<-5ms", 5, "does not begin with a number"),
            ("p99<1.2.3ms", 5, "does not begin with a number"),
            ("p99>5ms", 4, "bounded with `<`"),
            ("p99=5ms", 4, "bounded with `<`"),
            ("rate<5", 5, "bounded with `>`"),
            ("rate>5/m", 6, "`/m` is no unit of a rate"),
            ("p99", 4, "a bound is missing"),
            ("", 1, "a term is missing"),
            ("p99<5ms,", 9, "a term is missing"),
            ("p99<5ms,,max<1s", 9, "a term is missing"),
            ("p99<5ms, p99<6ms", 10, "stands twice"),
        ] {
            let message = fault(text);
            assert!(message.starts_with(&format!("column {column}, ")), "{text}: {message}");
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn columns_are_counted_in_characters() {
        assert!(fault("p50<1ms,pää<5ms").starts_with("column 9, `pää<5ms`"));
        assert!(fault("pä<5ms").contains("`pä` is unknown"));
        assert!(fault("p99<5µs").contains("`µs` is no unit of time"));
    }
}
