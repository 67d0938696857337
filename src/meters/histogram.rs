//! Latencies counted by one thread into log-linear buckets and merged by another.
//!
//! A bucket is 32 ns wide up to 2 µs and then one thirty-second of its octave, so a percentile read
//! back as a bucket's middle is at most 1.6 % off from 1 µs to 73 minutes; longer ones count as 73
//! minutes. Percentiles of several workers come from added buckets, never from averaged ones.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Nanoseconds of one unit, as a shift: 32 ns.
const UNIT_SHIFT: u32 = 5;
/// Buckets of an octave, as a shift: 32.
const OCTAVE_SHIFT: u32 = 5;
const OCTAVE_BUCKETS: u64 = 1 << OCTAVE_SHIFT;
/// Highest unit that has its own bucket: 2^37 units of 32 ns are 73 minutes.
const UNITS_MAX: u64 = (1 << 37) - 1;

/// Buckets of one histogram: two linear octaves, then 31 of 32 buckets: 1,056, or 8.25 KiB.
pub const BUCKETS_COUNT: usize = bucket_of(u64::MAX) + 1;

const _: () = assert!(BUCKETS_COUNT == 1056);

/// Counts of one thread, readable by others while it writes.
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram::new()
    }
}

impl Histogram {
    /// An empty histogram; the one allocation it ever makes.
    pub fn new() -> Self {
        Histogram {
            buckets: (0..BUCKETS_COUNT).map(|_| AtomicU64::new(0)).collect(),
            sum_ns: AtomicU64::new(0),
            max_ns: AtomicU64::new(0),
        }
    }

    /// Counts one duration. Only the owning thread may call this.
    pub fn record(&self, duration_ns: u64) {
        // A load and a store, not an atomic addition: there is one writer.
        if let Some(bucket) = self.buckets.get(bucket_of(duration_ns)) {
            bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
        }
        self.sum_ns.store(self.sum_ns.load(Relaxed).wrapping_add(duration_ns), Relaxed);
        if duration_ns > self.max_ns.load(Relaxed) {
            self.max_ns.store(duration_ns, Relaxed);
        }
    }

    /// Whether anything was counted.
    pub fn is_used(&self) -> bool {
        self.buckets.iter().any(|bucket| bucket.load(Relaxed) > 0)
    }

    /// Adds what another one counted. Only the owning thread may call this.
    pub fn absorb(&self, other: &Histogram) {
        for (total, bucket) in self.buckets.iter().zip(&other.buckets) {
            total.store(total.load(Relaxed).wrapping_add(bucket.load(Relaxed)), Relaxed);
        }
        let sum_ns = self.sum_ns.load(Relaxed).wrapping_add(other.sum_ns.load(Relaxed));
        self.sum_ns.store(sum_ns, Relaxed);
        let max_ns = self.max_ns.load(Relaxed).max(other.max_ns.load(Relaxed));
        self.max_ns.store(max_ns, Relaxed);
    }
}

/// Durations of about the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The shortest.
    pub from_ns: u64,
    /// Each is shorter than this.
    pub below_ns: u64,
    /// How many.
    pub count: u64,
}

/// Counts of any number of histograms, added.
#[derive(Clone, Debug)]
pub struct Merged {
    buckets: Vec<u64>,
    count: u64,
    sum_ns: u64,
    max_ns: u64,
}

impl Default for Merged {
    fn default() -> Self {
        Merged { buckets: vec![0; BUCKETS_COUNT], count: 0, sum_ns: 0, max_ns: 0 }
    }
}

impl Merged {
    /// Adds what a histogram holds now.
    pub fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            let count = bucket.load(Relaxed);
            *total += count;
            self.count += count;
        }
        self.sum_ns = self.sum_ns.wrapping_add(histogram.sum_ns.load(Relaxed));
        self.max_ns = self.max_ns.max(histogram.max_ns.load(Relaxed));
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Merged) {
        for (total, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *total += count;
        }
        self.count += other.count;
        self.sum_ns = self.sum_ns.wrapping_add(other.sum_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact sum of all durations.
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// The exact longest duration; 0 if there is none.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The exact mean; 0 if there is none.
    pub fn mean_ns(&self) -> u64 {
        self.sum_ns.checked_div(self.count).unwrap_or(0)
    }

    /// The duration that `share` (0 to 1) of all durations do not exceed, at most 1.6 % off.
    pub fn percentile_ns(&self, share: f64) -> u64 {
        // The rank of the value that an exact sort would give, counted from one.
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle_ns(index).min(self.max_ns);
            }
        }
        0
    }

    /// The buckets that are not empty, in rising order.
    pub fn filled(&self) -> impl Iterator<Item = Bucket> {
        self.buckets.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, count)| {
            let below_ns = match index + 1 {
                BUCKETS_COUNT => u64::MAX,
                next => start_ns(next),
            };
            Bucket { from_ns: start_ns(index), below_ns, count: *count }
        })
    }

    /// Counts between coarser bounds, in rising order: up to each of them, and one more beyond the
    /// last. A fine bucket counts where its middle lies.
    pub fn grouped(&self, bounds_ns: &[u64]) -> Vec<u64> {
        let mut groups = vec![0; bounds_ns.len() + 1];
        let mut group = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            while bounds_ns.get(group).is_some_and(|bound| middle_ns(index) > *bound) {
                group += 1;
            }
            groups[group] += count;
        }
        groups
    }
}

/// The bucket of a duration.
const fn bucket_of(duration_ns: u64) -> usize {
    let units = duration_ns >> UNIT_SHIFT;
    let units = if units < UNITS_MAX { units } else { UNITS_MAX };
    if units < 2 * OCTAVE_BUCKETS {
        return units as usize;
    }
    let shift = u64::BITS - 1 - units.leading_zeros() - OCTAVE_SHIFT;
    ((shift as u64 * OCTAVE_BUCKETS) + (units >> shift)) as usize
}

/// The shortest duration of a bucket.
const fn start_ns(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * OCTAVE_BUCKETS {
        return bucket << UNIT_SHIFT;
    }
    let shift = bucket / OCTAVE_BUCKETS - 1;
    ((bucket - shift * OCTAVE_BUCKETS) << shift) << UNIT_SHIFT
}

/// The middle of a bucket.
const fn middle_ns(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * OCTAVE_BUCKETS {
        return (bucket << UNIT_SHIFT) + (1 << (UNIT_SHIFT - 1));
    }
    let shift = bucket / OCTAVE_BUCKETS - 1;
    let units = (bucket - shift * OCTAVE_BUCKETS) << shift;
    (units << UNIT_SHIFT) + (1 << (shift + UNIT_SHIFT as u64 - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Half a bucket of the narrowest octave: 1 / 64, or 16 ns at 1 µs.
    const ERROR_MAX: f64 = 0.0161;
    const HOUR_NS: u64 = 3_600_000_000_000;

    fn merged(durations_ns: &[u64]) -> Merged {
        let histogram = Histogram::new();
        durations_ns.iter().for_each(|duration| histogram.record(*duration));
        let mut merged = Merged::default();
        merged.add(&histogram);
        merged
    }

    #[test]
    fn buckets_meet_without_gap() {
        let mut previous = 0;
        for exponent in 0..60 {
            for offset in [0, 1, 2, 3] {
                let bucket = bucket_of((1 << exponent) + (offset << exponent) / 4);
                assert!(bucket >= previous);
                assert!(bucket < BUCKETS_COUNT);
                previous = bucket;
            }
        }
        for bucket in 1..BUCKETS_COUNT {
            assert_eq!(bucket_of(middle_ns(bucket)), bucket);
            assert!(middle_ns(bucket) > middle_ns(bucket - 1));
        }
    }

    #[test]
    fn tells_between_which_durations_a_bucket_lies() {
        for bucket in 0..BUCKETS_COUNT {
            assert_eq!(bucket_of(start_ns(bucket)), bucket);
            assert!(bucket == 0 || bucket_of(start_ns(bucket) - 1) == bucket - 1);
        }
        let filled: Vec<_> = merged(&[5, 1_000_000, u64::MAX]).filled().collect();
        assert_eq!(filled.len(), 3);
        assert_eq!(filled[0], Bucket { from_ns: 0, below_ns: 32, count: 1 });
        assert!(filled[1].from_ns <= 1_000_000);
        assert!(filled[1].below_ns > 1_000_000);
        assert_eq!(filled[2].below_ns, u64::MAX);
    }

    #[test]
    fn counts_longer_than_its_range_in_the_last_bucket() {
        let merged = merged(&[u64::MAX / 2, 5 * HOUR_NS]);
        assert_eq!(merged.count(), 2);
        assert_eq!(merged.buckets[BUCKETS_COUNT - 1], 2);
        assert_eq!(merged.max_ns(), u64::MAX / 2);
    }

    #[test]
    fn reads_zero_when_nothing_was_recorded() {
        let merged = Merged::default();
        assert_eq!((merged.percentile_ns(0.99), merged.mean_ns(), merged.max_ns()), (0, 0, 0));
    }

    #[test]
    fn adds_two_workers_as_if_they_were_one() {
        let mut both = merged(&[1_000, 2_000, 3_000]);
        both.merge(&merged(&[4_000_000]));
        let one = merged(&[1_000, 2_000, 3_000, 4_000_000]);
        assert_eq!(both.buckets, one.buckets);
        assert_eq!((both.count(), both.sum_ns(), both.max_ns()), (4, one.sum_ns(), one.max_ns()));
        assert_eq!(one.grouped(&[500, 2_500, 1_000_000]), [0, 2, 1, 1]);
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_an_exact_sort(
            mut durations in prop::collection::vec(
                (0.0f64..1.0).prop_map(|x| (1e3 * (HOUR_NS as f64 / 1e3).powf(x)) as u64), 1..400),
            share in prop::sample::select(vec![0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0]),
        ) {
            let merged = merged(&durations);
            durations.sort_unstable();
            let rank = ((durations.len() as f64 * share).ceil() as usize).clamp(1, durations.len());
            let exact = durations[rank - 1] as f64;
            let read = merged.percentile_ns(share) as f64;
            prop_assert!((read - exact).abs() <= exact * ERROR_MAX, "{read} for {exact}");
            prop_assert_eq!(merged.max_ns(), *durations.last().expect("at least one"));
            prop_assert_eq!(merged.sum_ns(), durations.iter().sum::<u64>());
        }
    }
}
