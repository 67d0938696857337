//! What one thread counts while it runs, and how the threads' counts become one report.

use crate::limits;

use super::report::{Errors, Interval, Latency, Seen};

use hdrhistogram::Histogram;

use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of one thread, or of all of them once merged.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// From due (open loop) or sent (closed loop) to the answer's end.
    pub latency: Histogram<u64>,
    /// From sent to the answer's end; open loop only.
    pub service: Histogram<u64>,
    /// Of new connections.
    pub connect: Histogram<u64>,
    /// From due to handed to the kernel, where a connection was free.
    pub lateness: Histogram<u64>,
    /// The pieces of the run so far; the last one is under way.
    pub pieces: Vec<Piece>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// What went wrong.
    pub errors: Errors,
    /// Answers.
    pub requests: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes of requests handed over.
    pub sent_bytes: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// CPU time of the threads, each by itself.
    pub cpu: Vec<Duration>,
}

/// Counts of one piece of the run.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Latencies of the answers within it.
    pub latency: Histogram<u32>,
    /// Answers within it.
    pub requests: u64,
    /// Errors within it.
    pub errors: u64,
}

/// Why a request has no answer that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No connection.
    Refused,
    /// The connection broke.
    Reset,
    /// Too late.
    TimedOut,
    /// The connection ended within the answer.
    Short,
    /// Not HTTP/1.1.
    Malformed,
    /// No connection was free before the end.
    Unsent,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder {
            latency: nanoseconds(),
            service: nanoseconds(),
            connect: nanoseconds(),
            lateness: nanoseconds(),
            pieces: vec![Piece::default()],
            statuses: BTreeMap::new(),
            errors: Errors::default(),
            requests: 0,
            received_bytes: 0,
            sent_bytes: 0,
            connections_opened: 0,
            cpu: Vec::new(),
        }
    }
}

impl Default for Piece {
    fn default() -> Piece {
        // Two digits: a piece is a column of dots.
        let latency = Histogram::new_with_bounds(1_000, limits::BENCH_LATENCY_NS_MAX, 2);
        Piece { latency: latency.expect("the bounds are in order"), requests: 0, errors: 0 }
    }
}

impl Recorder {
    /// An answer with its status, so long after its start.
    pub fn answered(&mut self, status: u16, latency_ns: u64) {
        self.requests += 1;
        let count = self.statuses.entry(status).or_default();
        *count += 1;
        let is_error = !(200..300).contains(&status);
        self.errors.non_2xx += u64::from(is_error);
        self.latency.saturating_record(latency_ns);
        if let Some(piece) = self.pieces.last_mut() {
            piece.requests += 1;
            piece.errors += u64::from(is_error);
            piece.latency.saturating_record(latency_ns);
        }
    }

    /// A request without an answer. One that was waited for counts with the time so far, so that
    /// a server that answers nothing does not look fast.
    pub fn failed(&mut self, failed: Failed, waited_ns: u64) {
        let (count, is_waited) = match failed {
            Failed::Refused => (&mut self.errors.refused, false),
            Failed::Reset => (&mut self.errors.reset, false),
            Failed::TimedOut => (&mut self.errors.timed_out, true),
            Failed::Short => (&mut self.errors.short_body, false),
            Failed::Malformed => (&mut self.errors.malformed, false),
            Failed::Unsent => (&mut self.errors.unsent, true),
        };
        *count += 1;
        if is_waited {
            self.latency.saturating_record(waited_ns);
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.errors += 1;
            if is_waited {
                piece.latency.saturating_record(waited_ns);
            }
        }
    }

    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &Recorder) {
        let pairs = [
            (&mut self.latency, &other.latency),
            (&mut self.service, &other.service),
            (&mut self.connect, &other.connect),
            (&mut self.lateness, &other.lateness),
        ];
        for (sum, one) in pairs {
            sum.add(one).expect("all have the same bounds");
        }
        self.pieces.resize_with(self.pieces.len().max(other.pieces.len()), Piece::default);
        for (sum, one) in self.pieces.iter_mut().zip(&other.pieces) {
            sum.merge(one);
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        add_errors(&mut self.errors, &other.errors);
        self.requests += other.requests;
        self.received_bytes += other.received_bytes;
        self.sent_bytes += other.sent_bytes;
        self.connections_opened += other.connections_opened;
        self.cpu.extend_from_slice(&other.cpu);
    }

    /// The report's form of what was seen within `seconds`, in pieces of `piece`. `think_ns` is a
    /// closed loop's pause between requests; `None` in an open loop.
    pub fn seen(&self, seconds: f64, piece: Duration, think_ns: Option<u64>) -> Seen {
        let is_open = think_ns.is_none();
        let timeline = self.pieces.iter().enumerate();
        let piece_s = piece.as_secs_f64();
        let pieces = timeline
            .map(|(at, one)| (at as f64 * piece_s, one))
            .filter(|(at_s, one)| *at_s + piece_s / 2.0 < seconds || one.requests > 0);
        Seen {
            seconds,
            requests: self.requests,
            rate: self.requests as f64 / seconds.max(f64::MIN_POSITIVE),
            received_bytes: self.received_bytes,
            sent_bytes: self.sent_bytes,
            connections_opened: self.connections_opened,
            statuses: self.statuses.clone(),
            errors: self.errors,
            latency: latency(&self.latency),
            corrected: think_ns.map(|think_ns| latency(&corrected(&self.latency, think_ns))),
            service: is_open.then(|| latency(&self.service)),
            connect: (!self.connect.is_empty()).then(|| latency(&self.connect)),
            timeline: pieces.map(|(at_s, one)| one.interval(at_s, piece_s)).collect(),
        }
    }
}

impl Piece {
    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &Piece) {
        self.latency.add(&other.latency).expect("all have the same bounds");
        self.requests += other.requests;
        self.errors += other.errors;
    }

    /// The report's form.
    pub fn interval(&self, at_s: f64, seconds: f64) -> Interval {
        let at = |share| microseconds(self.latency.value_at_quantile(share));
        let mut counts: Vec<(f64, u64)> = Vec::new();
        for one in self.latency.iter_recorded() {
            let bound_us = cell_us(microseconds(one.value_iterated_to()));
            let count = one.count_since_last_iteration();
            match counts.last_mut() {
                Some((last_us, sum)) if *last_us == bound_us => *sum += count,
                Some(_) | None => counts.push((bound_us, count)),
            }
        }
        let is_empty = self.latency.is_empty();
        Interval {
            at_s,
            seconds,
            requests: self.requests,
            errors: self.errors,
            p50_us: if is_empty { 0.0 } else { at(0.5) },
            p99_us: if is_empty { 0.0 } else { at(0.99) },
            max_us: if is_empty { 0.0 } else { microseconds(self.latency.max()) },
            counts,
        }
    }
}

/// The report's form of a histogram of nanoseconds.
pub fn latency(histogram: &Histogram<u64>) -> Latency {
    if histogram.is_empty() {
        return Latency::default();
    }
    let at = |share| microseconds(histogram.value_at_quantile(share));
    let steps = histogram.iter_quantiles(CURVE_STEPS_PER_HALVING);
    let curve = steps.map(|step| {
        let us = microseconds(step.value_iterated_to()).min(microseconds(histogram.max()));
        (100.0 * step.quantile_iterated_to(), us)
    });
    Latency {
        count: histogram.len(),
        mean_us: histogram.mean() / 1e3,
        min_us: microseconds(histogram.min()),
        p50_us: at(0.5),
        p75_us: at(0.75),
        p90_us: at(0.9),
        p99_us: at(0.99),
        p999_us: at(0.999),
        p9999_us: at(0.9999),
        p99999_us: at(0.99999),
        max_us: microseconds(histogram.max()),
        curve: curve.collect(),
    }
}

/// A closed loop's histogram with the requests that a slow answer kept from being sent: one for
/// each time that a usual request would have taken, each waiting that much less (Gil Tene, "How
/// not to measure latency"; HdrHistogram's `copyCorrectedForCoordinatedOmission`). The usual time
/// is the median, which a stall does not move, and the pause behind each answer.
fn corrected(histogram: &Histogram<u64>, think_ns: u64) -> Histogram<u64> {
    let usual_ns = histogram.value_at_quantile(0.5).saturating_add(think_ns).max(1);
    let mut filled = histogram.clone();
    for one in histogram.iter_recorded() {
        let value_ns = one.value_iterated_to();
        let count = one.count_since_last_iteration();
        let mut missing_ns = value_ns.saturating_sub(usual_ns);
        for _ in 0..limits::BENCH_FILLED_MAX {
            if missing_ns < usual_ns {
                break;
            }
            filled.saturating_record_n(missing_ns, count);
            missing_ns -= usual_ns;
        }
    }
    filled
}

/// The lower bound of the heat map's cell for a latency: eight to a doubling.
fn cell_us(us: f64) -> f64 {
    ((us.max(0.1).log2() * 8.0).floor() / 8.0).exp2()
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}

fn nanoseconds() -> Histogram<u64> {
    let histogram = Histogram::new_with_bounds(100, limits::BENCH_LATENCY_NS_MAX, 3);
    histogram.expect("the bounds are in order")
}

fn add_errors(sum: &mut Errors, one: &Errors) {
    sum.refused += one.refused;
    sum.reset += one.reset;
    sum.timed_out += one.timed_out;
    sum.non_2xx += one.non_2xx;
    sum.short_body += one.short_body;
    sum.malformed += one.malformed;
    sum.unsent += one.unsent;
}

/// Points of the percentile curve between 1 - x and 1 - x/2: a smooth line on a page.
const CURVE_STEPS_PER_HALVING: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn an_answer_counts_by_its_status() {
        let mut recorder = Recorder::default();
        recorder.answered(200, MS);
        recorder.answered(503, 3 * MS);
        let seen = recorder.seen(2.0, Duration::from_secs(1), None);
        assert_eq!((seen.requests, seen.rate, seen.errors.non_2xx), (2, 1.0, 1));
        assert_eq!(seen.statuses, BTreeMap::from([(200, 1), (503, 1)]));
        assert!((seen.latency.max_us / 3_000.0 - 1.0).abs() < 0.001);
        assert_eq!(seen.timeline[0].errors, 1);
    }

    #[test]
    fn what_was_waited_for_counts_with_its_time() {
        let mut recorder = Recorder::default();
        recorder.failed(Failed::TimedOut, 10_000 * MS);
        recorder.failed(Failed::Refused, 1);
        let seen = recorder.seen(1.0, Duration::from_secs(1), None);
        assert_eq!((seen.errors.total(), seen.latency.count, seen.requests), (2, 1, 0));
        assert!(seen.latency.p50_us > 9.9e6);
    }

    #[test]
    fn merging_adds_piece_by_piece() {
        let (mut one, mut other) = (Recorder::default(), Recorder::default());
        one.answered(200, MS);
        other.pieces.push(Piece::default());
        other.answered(200, 2 * MS);
        one.merge(&other);
        assert_eq!((one.requests, one.pieces.len()), (2, 2));
        assert_eq!(one.pieces[1].requests, 1);
        assert_eq!(one.latency.len(), 2);
    }

    #[test]
    fn correction_fills_in_what_a_stall_kept_back() {
        let mut recorder = Recorder::default();
        // A closed loop of 1 ms, with one stall of 1 s: the stall is one in 9,000 requests.
        (0..9_000).for_each(|_| recorder.answered(200, MS));
        recorder.answered(200, 1_000 * MS);
        let seen = recorder.seen(10.0, Duration::from_secs(1), Some(0));
        let corrected = seen.corrected.expect("a closed loop");
        assert!(seen.latency.p99_us < 1_100.0, "{}", seen.latency.p99_us);
        // 10,000 requests were due, 1,000 of them in the stall: the worst 1 % waited 0.9 s or more.
        assert!((corrected.p99_us / 900e3 - 1.0).abs() < 0.01, "{}", corrected.p99_us);
        // Two of them may fall to the width of a bucket.
        assert!((9_998..=10_000).contains(&corrected.count), "{}", corrected.count);
        assert!(seen.service.is_none());
    }

    #[test]
    fn cells_are_eight_to_a_doubling() {
        assert_eq!(cell_us(8.0), 8.0);
        assert_eq!(cell_us(15.9), cell_us(15.0));
        assert_ne!(cell_us(15.9), cell_us(16.0));
    }

    #[test]
    fn nothing_counted_is_all_zero() {
        let seen = Recorder::default().seen(1.0, Duration::from_secs(1), Some(0));
        assert_eq!((seen.latency.count, seen.latency.p99_us, seen.rate), (0, 0.0, 0.0));
        assert!(seen.latency.curve.is_empty());
    }
}
