//! One run as a search sees it, and whether the server fell behind in it.

use crate::limits;

use super::objective::{errors_share, judged_latency, server_errors_share};
use super::report::{Arrivals, Interval, Report, Verdict};

use serde::{Deserialize, Serialize};

/// What a trial at one rate showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Requests a second that were asked for.
    pub rate: f64,
    /// Answers a second.
    pub achieved: f64,
    /// Whether the objective was met. A saturated trial meets none, nor one without any answer.
    pub met: bool,
    /// The server fell behind: more of the same would only make the queue longer.
    pub saturated: bool,
    /// The generator was the limit, and not by so little that it explains nothing: what failed with
    /// it says nothing of the server. Not where the server's own errors are too many already.
    pub is_limit: bool,
    /// Median latency.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// Failed requests among all that were due.
    pub errors_share: f64,
    /// 99th percentile of the generator's own lateness.
    pub lateness_p99_us: f64,
}

impl Trial {
    /// The trial that a report of an open loop tells of.
    pub fn of(report: &Report, verdict: &Verdict) -> Trial {
        let latency = judged_latency(report);
        let saturated = is_saturated(report);
        let lateness = report.client.lateness.as_ref();
        let lateness_p99_us = lateness.map_or(0.0, |lateness| lateness.p99_us);
        let is_busy = report.client.cpu_share_max > limits::BENCH_CPU_SHARE_MAX;
        let is_late = lateness_p99_us >= LATENESS_SHARE_MIN * latency.p99_us;
        let fails = server_errors_share(report);
        let is_broken = verdict.terms.iter().any(|term| {
            !term.met && term.term.starts_with("errors") && fails >= term.bound && fails > 0.0
        });
        Trial {
            rate: report.asked.rate.unwrap_or(report.seen.rate),
            achieved: report.seen.rate,
            met: verdict.met && !saturated && report.seen.requests > 0,
            saturated,
            is_limit: report.client.is_limit && (is_busy || is_late) && !is_broken,
            p50_us: latency.p50_us,
            p99_us: latency.p99_us,
            p999_us: latency.p999_us,
            errors_share: errors_share(report),
            lateness_p99_us,
        }
    }
}

/// Whether fewer than [`ACHIEVED_SHARE_MIN`] of the requests were answered, beyond what the spread
/// of random arrivals explains, or the backlog grew over the whole run.
fn is_saturated(report: &Report) -> bool {
    let Some(rate) = report.asked.rate else { return false };
    let seconds = report.seen.seconds;
    let asked = rate * seconds;
    // Poisson's deviation is the root of the mean; three of them are one run in 740.
    let noise = match report.asked.arrivals {
        Arrivals::Poisson => 3.0 * asked.sqrt(),
        Arrivals::Constant => 1.0,
    };
    let least = ACHIEVED_SHARE_MIN * asked - noise;
    let unsent_most = (1.0 - ACHIEVED_SHARE_MIN) * asked + noise;
    report.seen.rate * seconds < least
        || report.seen.errors.unsent as f64 > unsent_most
        || grows(&report.seen.timeline)
}

/// Whether latency rose along a line from beginning to end, as it does where more comes in than
/// goes out. A queue near its limit rises and falls; its line explains little.
fn grows(timeline: &[Interval]) -> bool {
    let pieces = timeline.iter().filter(|piece| piece.requests > 0);
    let points: Vec<(f64, f64)> = pieces.map(|piece| (piece.at_s, piece.p50_us)).collect();
    if points.len() < PIECES_MIN {
        return false;
    }
    let count = points.len() as f64;
    let mean_at = points.iter().map(|(at, _)| at).sum::<f64>() / count;
    let mean_us = points.iter().map(|(_, us)| us).sum::<f64>() / count;
    let (mut both, mut along, mut across) = (0.0, 0.0, 0.0);
    for (at, us) in &points {
        both += (at - mean_at) * (us - mean_us);
        along += (at - mean_at).powi(2);
        across += (us - mean_us).powi(2);
    }
    if along == 0.0 || across == 0.0 {
        return false;
    }
    let explained = both * both / (along * across);
    let span = points.last().map_or(0.0, |last| last.0) - points.first().map_or(0.0, |one| one.0);
    let rise_us = both / along * span;
    explained > EXPLAINED_MIN && rise_us > mean_us
}

/// The least share of the asked rate that a server which keeps up answers.
pub const ACHIEVED_SHARE_MIN: f64 = 0.98;

/// The least share of the latency that lateness explains before it is to blame for it: one
/// millisecond of lateness is no reason for 200 of latency.
const LATENESS_SHARE_MIN: f64 = 0.25;

/// Pieces below which a line says nothing.
const PIECES_MIN: usize = 8;

/// The least share of the variance that a line must explain to be called one.
const EXPLAINED_MIN: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::objective::Objective;
    use crate::bench::objective::tests::report;
    use crate::bench::report::{Client, Latency};

    const MET: Verdict = Verdict { met: true, terms: Vec::new() };

    fn at(asked: f64, achieved: f64, arrivals: Arrivals) -> Report {
        let mut report = report();
        report.asked.rate = Some(asked);
        report.asked.arrivals = arrivals;
        report.seen.seconds = 10.0;
        report.seen.rate = achieved;
        report.seen.requests = (achieved * 10.0) as u64;
        report
    }

    #[test]
    fn fewer_answers_than_asked_are_saturation() {
        let saturated = |report: &Report| Trial::of(report, &MET).saturated;
        assert!(!saturated(&at(1000.0, 980.0, Arrivals::Constant)));
        assert!(saturated(&at(1000.0, 979.0, Arrivals::Constant)));
        // 10,000 random arrivals vary by 100.
        assert!(!saturated(&at(1000.0, 951.0, Arrivals::Poisson)));
        assert!(saturated(&at(1000.0, 949.0, Arrivals::Poisson)));
        assert!(!Trial::of(&at(1000.0, 979.0, Arrivals::Constant), &MET).met);
        assert!(Trial::of(&at(1000.0, 999.0, Arrivals::Constant), &MET).met);
    }

    #[test]
    fn requests_that_were_never_sent_are_saturation() {
        let mut report = at(1000.0, 1000.0, Arrivals::Constant);
        report.seen.errors.unsent = 201;
        assert!(!Trial::of(&report, &MET).saturated);
        report.seen.errors.unsent = 202;
        assert!(Trial::of(&report, &MET).saturated);
    }

    fn with_latencies(latencies: impl IntoIterator<Item = f64>) -> Report {
        let mut report = at(1000.0, 1000.0, Arrivals::Constant);
        let piece = |(number, p50_us): (usize, f64)| Interval {
            at_s: number as f64,
            seconds: 1.0,
            requests: 1000,
            p50_us,
            ..Interval::default()
        };
        report.seen.timeline = latencies.into_iter().enumerate().map(piece).collect();
        report
    }

    #[test]
    fn latency_that_only_rises_is_saturation() {
        let saturated = |latencies: &[f64]| {
            Trial::of(&with_latencies(latencies.iter().copied()), &MET).saturated
        };
        let rising: Vec<f64> = (1..=10).map(|second| 2000.0 * f64::from(second)).collect();
        assert!(saturated(&rising));
        assert!(!saturated(&rising[..7]), "too few pieces");
        let slight: Vec<f64> = (1..=10).map(|second| 1000.0 + 20.0 * f64::from(second)).collect();
        assert!(!saturated(&slight));
        // A stall in the middle is none.
        assert!(!saturated(&[1.0, 1.0, 1.0, 900.0, 700.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
        assert!(!saturated(&[5.0; 10]));
    }

    #[test]
    fn a_generator_is_to_blame_for_what_it_explains() {
        let is_limit = |lateness_us: f64, cpu_share_max: f64| {
            let mut report = at(1000.0, 1000.0, Arrivals::Constant);
            report.seen.latency.p99_us = 20_000.0;
            let lateness = Latency { p99_us: lateness_us, ..Latency::default() };
            let lateness = Some(lateness);
            report.client = Client { is_limit: true, lateness, cpu_share_max, ..Client::default() };
            Trial::of(&report, &MET).is_limit
        };
        assert!(is_limit(5_000.0, 0.5) && !is_limit(4_999.0, 0.5));
        assert!(is_limit(0.0, 0.96) && !is_limit(0.0, 0.94));
    }

    #[test]
    fn a_generator_is_not_to_blame_for_the_errors_of_the_server() {
        let is_limit = |non_2xx: u64, unsent: u64| {
            let mut report = at(1000.0, 1000.0, Arrivals::Constant);
            report.client = Client { is_limit: true, cpu_share_max: 1.0, ..Client::default() };
            report.seen.errors.non_2xx = non_2xx;
            report.seen.errors.unsent = unsent;
            let objective: Objective = "errors<1%".parse().expect("an objective");
            Trial::of(&report, &objective.judge(&report)).is_limit
        };
        assert!(!is_limit(10_000, 0) && !is_limit(200, 200));
        assert!(is_limit(0, 200) && is_limit(90, 200) && is_limit(0, 0));
    }

    #[test]
    fn a_trial_without_answers_meets_nothing() {
        let mut report = at(0.1, 0.0, Arrivals::Constant);
        let met = Trial::of(&report, &MET);
        assert!(!met.saturated && !met.met, "one request was due, too few to be saturated");
        report.seen.requests = 1;
        assert!(Trial::of(&report, &MET).met);
    }

    #[test]
    fn a_closed_loop_has_no_rate_to_fall_behind() {
        let mut report = at(1000.0, 10.0, Arrivals::Constant);
        report.asked.rate = None;
        let trial = Trial::of(&report, &MET);
        assert!(!trial.saturated);
        assert_eq!(trial.rate, 10.0);
    }
}
