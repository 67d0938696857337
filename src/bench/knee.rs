//! Where a curve bends: the rate from which on latency costs more than the rate is worth.

use super::statistics;
use super::trial::Trial;

use serde::Serialize;

/// The bend of latency against rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Knee {
    /// Requests a second.
    pub rate: f64,
    /// The median of its trials' 99th percentiles.
    pub p99_us: f64,
}

/// The knee of the trials in which the server kept up: of those that it did not, latency tells only
/// how long the trial was. `None` where there are fewer than [`RATES_MIN`] rates or no bend.
///
/// The method is Kneedle (Satopaa, Albrecht, Irwin, Raghavan, "Finding a Kneedle in a Haystack",
/// 2011) without smoothing: both axes are brought to 0 to 1, and the knee is the point farthest
/// below the chord. Latency never falls as the rate rises, so what noise makes fall is lifted.
pub fn knee(trials: &[Trial]) -> Option<Knee> {
    let points = points(trials);
    let (first, last) = (points.first()?, points.last()?);
    let (wide, high) = (last.rate - first.rate, last.p99_us - first.p99_us);
    if points.len() < RATES_MIN || wide <= 0.0 || high <= 0.0 {
        return None;
    }
    let below =
        |point: &Knee| (point.rate - first.rate) / wide - (point.p99_us - first.p99_us) / high;
    let farthest = points.iter().max_by(|left, right| below(left).total_cmp(&below(right)))?;
    (below(farthest) >= BEND_MIN).then_some(*farthest)
}

/// One point a rate, both ascending.
fn points(trials: &[Trial]) -> Vec<Knee> {
    let kept_up = trials.iter().filter(|trial| !trial.saturated && trial.p99_us > 0.0);
    let mut pairs: Vec<(f64, f64)> = kept_up.map(|trial| (trial.rate, trial.p99_us)).collect();
    pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut points: Vec<Knee> = Vec::new();
    for same in pairs.chunk_by(|left, right| left.0 == right.0) {
        let values: Vec<f64> = same.iter().map(|(_, p99_us)| *p99_us).collect();
        let before = points.last().map_or(0.0, |point| point.p99_us);
        points.push(Knee { rate: same[0].0, p99_us: statistics::median(&values).max(before) });
    }
    points
}

/// Rates below which there is no curve.
pub const RATES_MIN: usize = 4;

/// How far below the chord a knee is at least. A parabola's bend is 0.25.
const BEND_MIN: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(rate: f64, p99_us: f64) -> Trial {
        Trial { rate, p99_us, ..Trial::default() }
    }

    /// M/M/1's p99 at a capacity of 1,000.
    fn queue(rate: f64) -> Trial {
        trial(rate, 100.0_f64.ln() / (1000.0 - rate) * 1e6)
    }

    #[test]
    fn a_queue_bends_where_its_curve_turns_upward() {
        let trials: Vec<Trial> = (1..100).map(|step| queue(10.0 * f64::from(step))).collect();
        let knee = knee(&trials).expect("it bends");
        // Where the slope of 1 / (1 - x) is that of its chord from 0.01 to 0.99: x = 0.9.
        assert!((knee.rate - 900.0).abs() <= 10.0, "{knee:?}");
    }

    #[test]
    fn a_straight_line_has_no_knee() {
        let line: Vec<Trial> =
            (1..10).map(|step| trial(f64::from(step), f64::from(step))).collect();
        assert_eq!(knee(&line), None);
        let flat: Vec<Trial> = (1..10).map(|step| trial(f64::from(step), 5.0)).collect();
        assert_eq!(knee(&flat), None);
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn few_rates_have_no_knee() {
        let trials = [100.0, 900.0, 990.0].map(queue);
        assert_eq!(knee(&trials), None);
        let trials = [100.0, 500.0, 900.0, 990.0].map(queue);
        assert_eq!(knee(&trials).map(|knee| knee.rate), Some(900.0));
    }

    #[test]
    fn what_noise_makes_fall_and_what_is_saturated_bends_nothing() {
        let mut trials: Vec<Trial> = [100.0, 500.0, 900.0, 990.0].map(queue).to_vec();
        trials.push(trial(950.0, 1.0));
        trials.push(Trial { saturated: true, ..trial(2000.0, 1e9) });
        let knee = knee(&trials).expect("it bends");
        assert_eq!(knee.rate, 950.0);
        assert_eq!(knee.p99_us, queue(900.0).p99_us);
    }
}
