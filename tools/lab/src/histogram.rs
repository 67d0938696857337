//! Durations in microseconds, counted in buckets at most 0.2 % wide.

/// A histogram of microseconds: exact below 1,024, then 512 buckets a power of two.
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; EXACT as usize + 40 * HALF as usize], total: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, us: u64) {
        let index = index(us).min(self.counts.len() - 1);
        self.counts[index] += 1;
        self.total += 1;
        self.max = self.max.max(us);
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest one.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The duration that `share` (0 to 1) of all stay at or below; 0 where none was counted.
    pub fn at(&self, share: f64) -> u64 {
        let rank = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return top(index).min(self.max);
            }
        }
        self.max
    }
}

fn index(us: u64) -> usize {
    if us < EXACT {
        return us as usize;
    }
    let shift = us.ilog2() - HALF.ilog2();
    (EXACT + u64::from(shift - 1) * HALF + ((us >> shift) - HALF)) as usize
}

fn top(index: usize) -> u64 {
    let index = index as u64;
    if index < EXACT {
        return index;
    }
    let shift = (index - EXACT) / HALF + 1;
    let within = (index - EXACT) % HALF + HALF;
    ((within + 1) << shift) - 1
}

const HALF: u64 = 512;
const EXACT: u64 = 2 * HALF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_put_in_it() {
        for us in (0..5_000_000).step_by(37) {
            let top = top(index(us));
            assert!(top >= us);
            assert!(top - us <= us / 500);
        }
    }

    #[test]
    fn finds_percentiles() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|us| histogram.add(us));
        assert_eq!(histogram.at(0.5), 500);
        assert_eq!(histogram.at(0.99), 990);
        assert_eq!(histogram.at(1.0), 1000);
    }
}
