//! What a handful of noisy figures say: medians, intervals that hold for few of them, and shares
//! of trials. All of it is a function of its arguments; what draws at random has a seed.

use super::random::Random;

/// An interval that holds the truth with the probability it was made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Bounds {
    /// The smallest interval around both.
    #[must_use]
    pub fn hull(self, other: Bounds) -> Bounds {
        Bounds { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Whether a value lies within it.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Both ends by a function that ascends.
    #[must_use]
    pub fn map(self, ascending: impl Fn(f64) -> f64) -> Bounds {
        Bounds { low: ascending(self.low), high: ascending(self.high) }
    }
}

/// The middle value; of an even number the mean of the two in the middle; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// The median distance from the median: a spread that a few outliers do not move.
pub fn median_deviation(values: &[f64]) -> f64 {
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    median(&distances)
}

/// The mean; NaN of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample; NaN of fewer than two.
pub fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// Student's interval of the mean: exact for normal values, and too wide rather than too narrow
/// where a few lie far off, since they widen it.
pub fn t_interval(values: &[f64], confidence: f64) -> Bounds {
    let count = values.len() as f64;
    let middle = mean(values);
    let half = t_quantile(0.5 + confidence / 2.0, count - 1.0) * deviation(values) / count.sqrt();
    Bounds { low: middle - half, high: middle + half }
}

/// The expanded percentile bootstrap of a statistic.
///
/// A plain percentile interval is too narrow for few values, by `sqrt((n - 1) / n)` and by the
/// difference between Student's quantile and the normal one; it is taken that much further out in
/// the bootstrap distribution (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015,
/// section 4.2). It still cannot reach beyond the values themselves, so below ten of them it is
/// to be used together with [`t_interval`].
pub fn bootstrap(
    values: &[f64],
    statistic: impl Fn(&[f64]) -> f64,
    confidence: f64,
    seed: u64,
) -> Bounds {
    let mut random = Random::new(seed, 0);
    let mut drawn = vec![0.0; values.len()];
    let results = (0..RESAMPLES).map(|_| {
        for place in &mut drawn {
            *place = values[random.below(values.len() as u64) as usize];
        }
        statistic(&drawn)
    });
    expanded(&results.collect::<Vec<f64>>(), values.len(), confidence)
}

/// The expanded percentile bootstrap of the ratio of two medians, of values that are not paired.
pub fn bootstrap_median_ratio(above: &[f64], below: &[f64], confidence: f64, seed: u64) -> Bounds {
    let mut random = Random::new(seed, 1);
    let mut draw = |values: &[f64]| {
        let count = values.len() as u64;
        let drawn = (0..count).map(|_| values[random.below(count) as usize]);
        median(&drawn.collect::<Vec<f64>>())
    };
    let results: Vec<f64> = (0..RESAMPLES).map(|_| draw(above) / draw(below)).collect();
    expanded(&results, above.len().min(below.len()), confidence)
}

fn expanded(results: &[f64], count: usize, confidence: f64) -> Bounds {
    let count = count as f64;
    let quantile_t = t_quantile(0.5 + confidence / 2.0, count - 1.0);
    let tail = normal_tail((count / (count - 1.0)).sqrt() * quantile_t);
    let results = sorted(results);
    Bounds { low: quantile(&results, tail), high: quantile(&results, 1.0 - tail) }
}

/// The exact interval of a share that `met` of `count` trials show (Clopper and Pearson 1934); the
/// whole range of none.
pub fn share_interval(met: u64, count: u64, confidence: f64) -> Bounds {
    let tail = (1.0 - confidence) / 2.0;
    let (met, missed) = (met as f64, count.saturating_sub(met) as f64);
    let low = if met > 0.0 { beta_quantile(tail, met, missed + 1.0) } else { 0.0 };
    let high = if missed > 0.0 { beta_quantile(1.0 - tail, met + 1.0, missed) } else { 1.0 };
    Bounds { low, high }
}

/// The value below which a share of Student's distribution lies; infinite without any freedom.
pub fn t_quantile(share: f64, freedom: f64) -> f64 {
    if freedom < 1.0 {
        return f64::INFINITY;
    }
    if share < 0.5 {
        return -t_quantile(1.0 - share, freedom);
    }
    // Both tails together beyond t are I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t²).
    let x = beta_quantile(2.0 * (1.0 - share), freedom / 2.0, 0.5);
    (freedom * (1.0 - x) / x).sqrt()
}

/// Share of the normal distribution above a value, by Student's with so much freedom that the two
/// do not differ in six digits.
pub fn normal_tail(value: f64) -> f64 {
    const FREEDOM: f64 = 1e7;
    let both = beta(FREEDOM / (FREEDOM + value * value), FREEDOM / 2.0, 0.5);
    if value >= 0.0 { both / 2.0 } else { 1.0 - both / 2.0 }
}

/// A quantile of ascending values, between two of them in proportion; NaN of none.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let part = place - place.floor();
    ascending[below] * (1.0 - part) + ascending[above] * part
}

/// Ascending.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// The x at which the regularised incomplete beta function has a value, by halving: 60 halvings
/// are an f64's digits.
fn beta_quantile(share: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta(middle, a, b) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and
/// Stegun 26.5.8, summed as Lentz does).
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    let front = front.exp();
    // The fraction converges fast on this side of the mean only.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut numerator = 1.0;
    let mut denominator = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = denominator;
    for step in 1..=BETA_STEPS_MAX {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            denominator = 1.0 / kept(1.0 + term * denominator);
            numerator = kept(1.0 + term / numerator);
            fraction *= denominator * numerator;
        }
        if (fraction / before - 1.0).abs() < 1e-14 {
            break;
        }
    }
    fraction
}

/// The logarithm of the gamma function of a positive number: Stirling's series, after shifting the
/// argument to where five terms give all digits of an f64.
fn ln_gamma(value: f64) -> f64 {
    let mut value = value;
    let mut shift = 0.0;
    while value < 12.0 {
        shift += value.ln();
        value += 1.0;
    }
    let inverse = 1.0 / value;
    let square = inverse * inverse;
    let mut series = 0.0;
    // B_2k / (2k (2k - 1)), Abramowitz and Stegun 6.1.41.
    for term in [1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0] {
        series = series * square + term;
    }
    let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
    (value - 0.5) * value.ln() - value + half_log_tau + series * inverse - shift
}

/// Resamples of a bootstrap: its ends then wander by about a twentieth of the interval.
const RESAMPLES: usize = 2_000;
const BETA_STEPS_MAX: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, want: f64) {
        assert!((value - want).abs() < 5e-4 * want.abs().max(1.0), "{value}, want {want}");
    }

    /// Box and Muller's pair, one of the two.
    fn normal(random: &mut Random) -> f64 {
        let radius = (2.0 * random.exponential()).sqrt();
        radius * (std::f64::consts::TAU * random.share()).cos()
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(median_deviation(&[1.0, 2.0, 3.0, 4.0, 100.0]), 1.0);
        assert_eq!(median_deviation(&[7.0, 7.0]), 0.0);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, freedom, want) in [
            (0.975, 1.0, 12.706),
            (0.975, 4.0, 2.776),
            (0.975, 9.0, 2.262),
            (0.995, 4.0, 4.604),
            (0.995, 9.0, 3.250),
            (0.95, 30.0, 1.697),
            (0.025, 9.0, -2.262),
            (0.5, 5.0, 0.0),
        ] {
            close(t_quantile(share, freedom), want);
        }
        assert!(t_quantile(0.975, 0.0).is_infinite());
        close(normal_tail(1.959_964), 0.025);
        close(normal_tail(-1.0), 0.841_345);
        assert!((normal_tail(4.0) / 3.167e-5 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn shares_have_their_exact_interval() {
        // R: binom.test(4, 5)$conf.int, and so on.
        for (met, count, low, high) in [
            (4, 5, 0.283_582, 0.994_949),
            (0, 5, 0.0, 0.521_824),
            (5, 5, 0.478_176, 1.0),
            (50, 100, 0.398_321, 0.601_679),
            (0, 0, 0.0, 1.0),
        ] {
            let bounds = share_interval(met, count, 0.95);
            close(bounds.low, low);
            close(bounds.high, high);
        }
    }

    #[test]
    fn an_interval_of_a_mean_is_students() {
        let bounds = t_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95);
        close(bounds.low, 3.0 - 2.776 * 2.5_f64.sqrt() / 5.0_f64.sqrt());
        close(bounds.high, 3.0 + 2.776 * 2.5_f64.sqrt() / 5.0_f64.sqrt());
        assert!(bounds.holds(3.0) && !bounds.holds(5.0));
    }

    /// How often an interval of ten normal values misses their mean.
    fn misses(interval: impl Fn(&[f64], u64) -> Bounds) -> usize {
        let missed = (0..300).filter(|seed| {
            let mut random = Random::new(*seed, 7);
            let values: Vec<f64> = (0..10).map(|_| normal(&mut random)).collect();
            !interval(&values, *seed).holds(0.0)
        });
        missed.count()
    }

    #[test]
    fn intervals_of_few_values_are_wide_enough() {
        // 5 % of 300 are 15, with a standard deviation of 3.8.
        let students = misses(|values, _| t_interval(values, 0.95));
        let expanded = misses(|values, seed| bootstrap(values, mean, 0.95, seed));
        assert!((4..=26).contains(&students), "{students}");
        assert!((4..=28).contains(&expanded), "{expanded}");
    }

    #[test]
    fn a_bootstrap_is_the_same_by_its_seed() {
        let values = [1.03, 2.17, 4.51, 8.93, 9.77, 11.31];
        assert_eq!(bootstrap(&values, median, 0.9, 3), bootstrap(&values, median, 0.9, 3));
        assert_ne!(bootstrap(&values, mean, 0.9, 3), bootstrap(&values, mean, 0.9, 4));
    }

    #[test]
    fn the_ratio_of_medians_lies_in_its_interval() {
        let mut random = Random::new(5, 0);
        let mut around = |middle: f64| -> Vec<f64> {
            (0..12).map(|_| middle * (1.0 + 0.03 * normal(&mut random))).collect()
        };
        let (above, below) = (around(200.0), around(100.0));
        let bounds = bootstrap_median_ratio(&above, &below, 0.95, 1);
        assert!(bounds.holds(2.0), "{bounds:?}");
        assert!(bounds.high / bounds.low < 1.15, "{bounds:?}");
        assert!(!bootstrap_median_ratio(&above, &below, 0.95, 1).holds(1.0));
    }
}
