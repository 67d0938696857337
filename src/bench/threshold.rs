//! At which rate a trial is as likely to meet its objective as not, from trials that did and did
//! not, as a threshold of perception is found from answers yes and no.
//!
//! The probability of meeting it falls along a logistic curve over the logarithm of the rate, but
//! for a few trials that go wrong or right by chance (Wichmann and Hill, "The psychometric
//! function: I", 2001). Place and width of the curve are unknown; each pair of a grid is weighed by
//! how well it explains the trials, and the interval leaves out the same weight at both ends.

use super::statistics::Bounds;
use super::trial::Trial;

/// The interval that the rate of even odds lies in with this confidence; `None` unless some trial
/// met the objective and some trial did not.
pub fn interval(trials: &[Trial], confidence: f64) -> Option<Bounds> {
    let points: Vec<(f64, bool)> =
        trials.iter().map(|trial| (trial.rate.ln(), trial.met)).collect();
    let rates = |met: bool| points.iter().filter(move |point| point.1 == met).map(|point| point.0);
    let highest_met = rates(true).max_by(f64::total_cmp)?;
    let lowest_failed = rates(false).min_by(f64::total_cmp)?;
    // What met it far below, or failed far above, says nothing of the place between.
    let low = highest_met.min(lowest_failed) - MARGIN;
    let high = highest_met.max(lowest_failed) + MARGIN;
    let count = (((high - low) / STEP).ceil() as usize).clamp(1, PLACES_MAX);
    let place = |number: usize| low + (high - low) * (number as f64 + 0.5) / count as f64;
    let weights: Vec<f64> = (0..count).map(|number| weight(&points, place(number))).collect();
    let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = weights.iter().map(|weight| (weight - most).exp()).collect();
    let sum: f64 = shares.iter().sum();
    let tail = (1.0 - confidence) / 2.0 * sum;
    let reaches = |goal: f64| {
        let mut so_far = 0.0;
        let number = shares.iter().position(|share| {
            so_far += share;
            so_far >= goal
        });
        place(number.unwrap_or(count - 1)).exp()
    };
    Some(Bounds { low: reaches(tail), high: reaches(sum - tail) })
}

/// The logarithm of a place's weight, over all widths.
fn weight(points: &[(f64, bool)], place: f64) -> f64 {
    let each = WIDTHS.map(|width| {
        let likelihoods = points.iter().map(|(at, met)| {
            let share = 1.0 / (1.0 + ((at - place) / width).exp());
            let share = LAPSE + (1.0 - 2.0 * LAPSE) * share;
            if *met { share.ln() } else { (1.0 - share).ln() }
        });
        likelihoods.sum::<f64>()
    });
    let most = each.into_iter().fold(f64::NEG_INFINITY, f64::max);
    most + each.map(|one| (one - most).exp()).iter().sum::<f64>().ln()
}

/// Widths of the curve in logarithms of the rate, from a server that is as exact as a clock to one
/// that is loaded by others too: equal steps of the logarithm, none likelier than another.
const WIDTHS: [f64; 7] = [0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128];

/// Share of trials that go wrong whatever the rate, and of those that go right.
const LAPSE: f64 = 0.03;

/// How far beyond the trials that tell most the rate may lie, as a logarithm.
const MARGIN: f64 = 0.1;

/// Distance of the places, as a logarithm: a tenth of a percent of the rate.
const STEP: f64 = 0.001;

/// Places at most: a search over six decades at [`STEP`].
const PLACES_MAX: usize = 14_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::random::Random;

    fn trial(rate: f64, met: bool) -> Trial {
        Trial { rate, met, ..Trial::default() }
    }

    #[test]
    fn it_lies_between_what_met_it_and_what_did_not() {
        let mut trials = vec![trial(980.0, true); 5];
        trials.extend(vec![trial(1000.0, false); 3]);
        let bounds = interval(&trials, 0.95).expect("both kinds");
        assert!(bounds.low > 950.0 && bounds.low < 990.0, "{bounds:?}");
        assert!(bounds.high < 1070.0 && bounds.high > 985.0, "{bounds:?}");
    }

    #[test]
    fn one_kind_of_trial_gives_none() {
        assert_eq!(interval(&[trial(10.0, true), trial(20.0, true)], 0.95), None);
        assert_eq!(interval(&[trial(10.0, false)], 0.95), None);
        assert_eq!(interval(&[], 0.95), None);
    }

    #[test]
    fn one_that_failed_by_chance_far_below_moves_it_little() {
        let mut trials: Vec<Trial> =
            (0..20).map(|step| trial(900.0 + 10.0 * f64::from(step), step < 10)).collect();
        let before = interval(&trials, 0.95).expect("both kinds");
        trials.push(trial(300.0, false));
        let after = interval(&trials, 0.95).expect("both kinds");
        assert!((before.low / after.low - 1.0).abs() < 0.02, "{before:?} {after:?}");
    }

    #[test]
    fn it_holds_the_truth_as_often_as_it_says() {
        let held = (0..200).filter(|seed| {
            let mut random = Random::new(*seed, 0);
            let trials: Vec<Trial> = (0..24)
                .map(|_| {
                    let rate = 900.0 + 200.0 * random.share();
                    let odds = ((rate / 1000.0).ln() / 0.015).exp();
                    trial(rate, random.share() < 1.0 / (1.0 + odds))
                })
                .collect();
            interval(&trials, 0.95).is_some_and(|bounds| bounds.holds(1000.0))
        });
        let held = held.count();
        assert!(held >= 184, "{held} of 200");
    }
}
