//! Two things measured in turn: in which order, and whether they differ.
//!
//! What disturbs a machine lasts longer than a trial and hits both sides of a round, so a round's
//! ratio is quieter than its figures. The mean of the rounds' logarithms has an interval that is
//! the wider of Student's and the bootstrap's, and a difference is seen where it leaves out 1.

use crate::limits;

use super::statistics::{self, Bounds};

use serde::Serialize;

use std::fmt;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is compared with.
    A,
    /// The one that is told of.
    B,
}

/// Whether less or more of a figure is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// As of a rate.
    More,
    /// As of a latency.
    Less,
}

/// What one figure of both says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Of the figure.
    pub name: String,
    /// Which way is better.
    pub wanted: Wanted,
    /// Rounds that measured it on both sides.
    pub rounds: usize,
    /// A's median.
    pub median_a: f64,
    /// B's median.
    pub median_b: f64,
    /// Median distance from the median, as a share of it, of the noisier side.
    pub noise: f64,
    /// B against A: the geometric mean of the rounds' ratios.
    pub ratio: f64,
    /// Its interval at [`CONFIDENCE`].
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What follows.
    pub verdict: Difference,
}

/// Whether there is a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The interval holds 1.
    NotSeen,
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// Fewer than [`limits::BENCH_ROUNDS_MIN`] rounds measured it on both sides.
    NotMeasured,
}

/// What the requests that failed say of both. Their shares may be nothing, so that they have no
/// ratio; it is the difference that is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failures {
    /// A's mean share of failed requests.
    pub share_a: f64,
    /// B's.
    pub share_b: f64,
    /// The interval of B's share less A's, at [`CONFIDENCE`].
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What follows.
    pub verdict: Difference,
}

/// Compares the shares of failed requests by the rounds' pairs of A and B.
pub fn compare_failures(pairs: &[(f64, f64)], seed: u64) -> Failures {
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
    let or_zero = |value: f64| if value.is_finite() { value } else { 0.0 };
    let (share_a, share_b) = (or_zero(statistics::mean(&a)), or_zero(statistics::mean(&b)));
    if pairs.len() < limits::BENCH_ROUNDS_MIN {
        let verdict = Difference::NotMeasured;
        return Failures { share_a, share_b, low: 0.0, high: 0.0, verdict };
    }
    let bounds = mean_bounds(&differences, seed);
    let verdict = match (bounds.holds(0.0), share_b > share_a) {
        (true, _) => Difference::NotSeen,
        (false, true) => Difference::Worse,
        (false, false) => Difference::Better,
    };
    Failures { share_a, share_b, low: bounds.low, high: bounds.high, verdict }
}

/// Who is measured first and second in a round, counted from 0: A B, B A, A B, … so that what
/// drifts steadily favours neither.
pub fn order(round: usize) -> [Side; 2] {
    if round.is_multiple_of(2) { [Side::A, Side::B] } else { [Side::B, Side::A] }
}

/// Compares a figure by the rounds' pairs of A and B. Pairs of which one was not measured, or is
/// not positive, are left out.
pub fn compare(name: &str, wanted: Wanted, pairs: &[(f64, f64)], seed: u64) -> Comparison {
    let is_usable = |value: f64| value.is_finite() && value > 0.0;
    let usable = pairs.iter().filter(|(a, b)| is_usable(*a) && is_usable(*b));
    let (a, b): (Vec<f64>, Vec<f64>) = usable.copied().unzip();
    let logarithms: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (b / a).ln()).collect();
    let is_enough = a.len() >= limits::BENCH_ROUNDS_MIN;
    let bounds = if is_enough {
        mean_bounds(&logarithms, seed).map(f64::exp)
    } else {
        Bounds { low: 0.0, high: 0.0 }
    };
    let noise = |values: &[f64]| {
        let share = statistics::median_deviation(values) / statistics::median(values);
        if share.is_finite() { share } else { 0.0 }
    };
    let or_zero = |value: f64| if value.is_finite() { value } else { 0.0 };
    let mut comparison = Comparison {
        name: name.to_owned(),
        wanted,
        rounds: a.len(),
        median_a: or_zero(statistics::median(&a)),
        median_b: or_zero(statistics::median(&b)),
        noise: noise(&a).max(noise(&b)),
        ratio: or_zero(statistics::mean(&logarithms).exp()),
        low: bounds.low,
        high: bounds.high,
        verdict: Difference::NotMeasured,
    };
    if is_enough {
        comparison.verdict = comparison.judge(bounds);
    }
    comparison
}

/// The interval of the mean: what both methods leave room for. The bootstrap cannot reach
/// beyond the values and is too narrow for few of them; Student's assumes them normal.
fn mean_bounds(values: &[f64], seed: u64) -> Bounds {
    let students = statistics::t_interval(values, CONFIDENCE);
    students.hull(statistics::bootstrap(values, statistics::mean, CONFIDENCE, seed))
}

impl Comparison {
    fn judge(&self, bounds: Bounds) -> Difference {
        if bounds.holds(1.0) {
            return Difference::NotSeen;
        }
        let is_more = self.ratio > 1.0;
        if is_more == (self.wanted == Wanted::More) {
            Difference::Better
        } else {
            Difference::Worse
        }
    }

    /// The difference that the noise would have let through, as a share.
    pub fn visible_share(&self) -> f64 {
        (self.high / self.low).sqrt() - 1.0
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { name, ratio, low, high, rounds, .. } = self;
        let percent = CONFIDENCE * 100.0;
        let interval = format!("ratio {ratio:.3}, {percent:.0} % interval {low:.3} to {high:.3}");
        let word = match self.verdict {
            Difference::NotMeasured => {
                let least = limits::BENCH_ROUNDS_MIN;
                return write!(
                    formatter,
                    "{name}: {rounds} rounds measured it on both sides, at least {least} are \
                     needed"
                );
            }
            Difference::NotSeen => {
                let visible = self.visible_share() * 100.0;
                return write!(
                    formatter,
                    "{name}: no difference seen ({interval}); one below about {visible:.1} % \
                     would not show"
                );
            }
            Difference::Better => "better",
            Difference::Worse => "worse",
        };
        let (more, share) =
            if *ratio > 1.0 { ("more", ratio - 1.0) } else { ("less", 1.0 - ratio) };
        let share = share * 100.0;
        write!(formatter, "{name}: B has {share:.1} % {more} and is {word} ({interval})")
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, low, high] =
            [self.share_a, self.share_b, self.low, self.high].map(|share| share * 100.0);
        write!(formatter, "errors: A fails {a:.2} % of its requests, B {b:.2} %")?;
        let word = match self.verdict {
            Difference::NotMeasured => return formatter.write_str(", in too few rounds to tell"),
            Difference::NotSeen => "no difference seen",
            Difference::Better => "B is better",
            Difference::Worse => "B is worse",
        };
        let percent = CONFIDENCE * 100.0;
        write!(
            formatter,
            ": {word} ({percent:.0} % interval of the difference {low:.2} to {high:.2} points)"
        )
    }
}

/// Confidence of the intervals. A comparison tells of five figures and of errors, which so share
/// about the usual error of 5 %.
pub const CONFIDENCE: f64 = 0.99;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::random::Random;

    /// What disturbs an experiment.
    #[derive(Clone, Copy)]
    struct Noise {
        /// Standard deviation of a trial's logarithm.
        trial: f64,
        /// Of what changes from trial to trial and stays.
        drift: f64,
        /// Probability of a round that is twice as slow on both sides.
        slow_round: f64,
        /// Probability of a trial that is half again as slow on its own.
        slow_trial: f64,
    }

    fn normal(random: &mut Random) -> f64 {
        let radius = (2.0 * random.exponential()).sqrt();
        radius * (std::f64::consts::TAU * random.share()).cos()
    }

    fn experiment(ratio: f64, rounds: usize, noise: Noise, seed: u64) -> Comparison {
        let mut random = Random::new(seed, 11);
        let mut drifted = 0.0;
        let mut pairs = Vec::new();
        for round in 0..rounds {
            let slow = if random.share() < noise.slow_round { 0.5 } else { 1.0 };
            let mut pair = (0.0, 0.0);
            for side in order(round) {
                // A steady slope as of a warming machine, and a walk.
                drifted += noise.drift * (0.3 + normal(&mut random));
                let alone = if random.share() < noise.slow_trial { 1.0 / 1.5 } else { 1.0 };
                let factor = (noise.trial * normal(&mut random) + drifted).exp() * slow * alone;
                match side {
                    Side::A => pair.0 = 20_000.0 * factor,
                    Side::B => pair.1 = 20_000.0 * ratio * factor,
                }
            }
            pairs.push(pair);
        }
        compare("requests a second", Wanted::More, &pairs, seed)
    }

    const OURS: [Noise; 4] = [
        Noise { trial: 0.05, drift: 0.0, slow_round: 0.0, slow_trial: 0.0 },
        Noise { trial: 0.10, drift: 0.02, slow_round: 0.1, slow_trial: 0.0 },
        Noise { trial: 0.05, drift: 0.05, slow_round: 0.2, slow_trial: 0.05 },
        Noise { trial: 0.07, drift: 0.01, slow_round: 0.1, slow_trial: 0.1 },
    ];

    #[test]
    fn a_thing_does_not_differ_from_itself() {
        for (number, noise) in OURS.into_iter().enumerate() {
            for rounds in [limits::BENCH_ROUNDS_MIN, 10] {
                let seen = (0..200).filter(|seed| {
                    experiment(1.0, rounds, noise, *seed).verdict != Difference::NotSeen
                });
                let seen = seen.count();
                // 5 % of 200; the intervals are made for 1 %.
                assert!(seen <= 10, "noise {number}, {rounds} rounds: {seen} of 200");
            }
        }
    }

    #[test]
    fn a_tenth_is_seen_through_three_percent_of_noise() {
        let noise = Noise { trial: 0.03, drift: 0.005, slow_round: 0.1, slow_trial: 0.0 };
        for (ratio, want) in [(1.1, Difference::Better), (1.0 / 1.1, Difference::Worse)] {
            let found = (0..200).filter(|seed| {
                let comparison = experiment(ratio, 10, noise, *seed);
                comparison.verdict == want
            });
            let found = found.count();
            assert!(found >= 190, "{ratio}: {found} of 200");
        }
    }

    #[test]
    fn the_interval_holds_the_true_ratio() {
        let noise = OURS[1];
        let holds = (0..200).filter(|seed| {
            let comparison = experiment(1.3, 10, noise, *seed);
            comparison.low <= 1.3 && 1.3 <= comparison.high
        });
        assert!(holds.count() >= 190);
    }

    #[test]
    fn rounds_alternate() {
        let sides: Vec<Side> = (0..4).flat_map(order).collect();
        assert_eq!(sides, [Side::A, Side::B, Side::B, Side::A].repeat(2));
    }

    #[test]
    fn less_is_better_where_less_is_wanted() {
        let pairs: Vec<(f64, f64)> =
            (0..8).map(|round| (100.0 + f64::from(round), 50.0 + f64::from(round % 3))).collect();
        assert_eq!(compare("p99", Wanted::Less, &pairs, 1).verdict, Difference::Better);
        let text = compare("rate", Wanted::More, &pairs, 1).to_string();
        assert!(text.contains("less and is worse (ratio 0.4"), "{text}");
    }

    #[test]
    fn few_rounds_say_nothing() {
        let mut pairs = vec![(1.0, 2.0); limits::BENCH_ROUNDS_MIN - 1];
        assert_eq!(compare("rate", Wanted::More, &pairs, 1).verdict, Difference::NotMeasured);
        // A round that failed on one side is none.
        pairs.extend([(0.0, 2.0), (1.0, f64::NAN)]);
        let comparison = compare("rate", Wanted::More, &pairs, 1);
        assert_eq!(comparison.verdict, Difference::NotMeasured);
        assert!(comparison.to_string().contains("at least 5 are needed"), "{comparison}");
        pairs.push((1.0, 2.01));
        assert_eq!(compare("rate", Wanted::More, &pairs, 1).verdict, Difference::Better);
        let empty = compare("rate", Wanted::More, &[], 1);
        assert_eq!((empty.median_a, empty.ratio), (0.0, 0.0));
    }

    #[test]
    fn failures_are_compared_by_their_difference() {
        let verdict = |pairs: &[(f64, f64)]| compare_failures(pairs, 1).verdict;
        assert_eq!(verdict(&[(0.0, 1.0); 5]), Difference::Worse);
        assert_eq!(verdict(&[(1.0, 0.0); 5]), Difference::Better);
        assert_eq!(verdict(&[(0.0, 0.0); 5]), Difference::NotSeen);
        assert_eq!(verdict(&[(0.0, 1.0); 4]), Difference::NotMeasured);
        assert_eq!(verdict(&[]), Difference::NotMeasured);
        let mut once = [(0.0, 0.0); 10];
        once[3].1 = 0.01;
        assert_eq!(verdict(&once), Difference::NotSeen, "one bad trial is noise");
        let steady = [0.02, 0.018, 0.023, 0.021, 0.019].map(|share| (0.001, share));
        let text = compare_failures(&steady, 1).to_string();
        assert!(text.contains("A fails 0.10 % of its requests, B 2.02 %: B is worse"), "{text}");
    }

    #[test]
    fn no_difference_says_how_large_one_would_have_shown() {
        let comparison = experiment(1.0, 10, OURS[0], 1);
        let text = comparison.to_string();
        assert!(text.contains("no difference seen (ratio "), "{text}");
        assert!((0.02..0.2).contains(&comparison.visible_share()), "{text}");
    }
}
