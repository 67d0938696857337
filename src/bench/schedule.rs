//! When requests of an open loop are due, whatever the server does.

use crate::runtime::Instant;

use super::random::Random;
use super::report::Arrivals;

/// The arrivals of one thread: those of the whole run, dealt out.
#[derive(Clone, Debug)]
pub struct Schedule {
    spread: Spread,
    next: Instant,
    end: Instant,
}

/// One thread's part of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// This thread, from 0.
    pub number: usize,
    /// All threads.
    pub count: usize,
}

#[derive(Clone, Debug)]
enum Spread {
    /// Arrival `taken` of this thread is due so many nanoseconds after `start`.
    Constant {
        start: Instant,
        offset_ns: f64,
        gap_ns: f64,
        taken: u64,
    },
    Poisson {
        random: Random,
        gap_ns: f64,
    },
}

impl Schedule {
    /// `rate` a second over all threads, from `start` up to, but not including, `end`.
    pub fn new(
        arrivals: Arrivals,
        rate: f64,
        seed: u64,
        part: Part,
        (start, end): (Instant, Instant),
    ) -> Schedule {
        debug_assert!(rate > 0.0);
        let gap_ns = 1e9 * part.count as f64 / rate;
        let mut schedule = match arrivals {
            Arrivals::Constant => {
                // The threads take turns, so that the sum is at equal distances too.
                let offset_ns = 1e9 * part.number as f64 / rate;
                let spread = Spread::Constant { start, offset_ns, gap_ns, taken: 0 };
                Schedule { spread, next: start, end }
            }
            Arrivals::Poisson => {
                // Independent Poisson processes add up to one.
                let random = Random::new(seed, part.number as u64);
                Schedule { spread: Spread::Poisson { random, gap_ns }, next: start, end }
            }
        };
        schedule.advance();
        schedule
    }

    /// When the next request is due; `None` after the last.
    pub fn next(&self) -> Option<Instant> {
        (self.next < self.end).then_some(self.next)
    }

    /// Takes the next request if it is due by `now`: when it was due.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next().filter(|due| *due <= now)?;
        self.advance();
        Some(due)
    }

    fn advance(&mut self) {
        match &mut self.spread {
            Spread::Constant { start, offset_ns, gap_ns, taken } => {
                // From the count and not by adding, so that no error of rounding grows.
                self.next = start.plus_ns((*offset_ns + *gap_ns * *taken as f64) as u64);
                *taken += 1;
            }
            Spread::Poisson { random, gap_ns } => {
                self.next = self.next.plus_ns((random.exponential() * *gap_ns) as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn all(arrivals: Arrivals, rate: f64, threads_count: usize) -> Vec<u64> {
        let times = (Instant(0), Instant(10 * SECOND));
        let mut found = Vec::new();
        for number in 0..threads_count {
            let part = Part { number, count: threads_count };
            let mut schedule = Schedule::new(arrivals, rate, 7, part, times);
            while let Some(due) = schedule.take(Instant::NEVER) {
                found.push(due.0);
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn constant_arrivals_are_at_equal_distances_over_all_threads() {
        let due = all(Arrivals::Constant, 3_000.0, 3);
        assert_eq!(due.len(), 30_000);
        let gaps = due.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.into_iter().all(|gap| gap.abs_diff(333_333) <= 1));
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_its_variance() {
        let due = all(Arrivals::Poisson, 10_000.0, 2);
        // The count of 10 s has mean 100,000 and standard deviation 316.
        assert!(due.len().abs_diff(100_000) < 1_500, "{}", due.len());
        let mut counts = vec![0_f64; 1_000];
        for at in &due {
            counts[(at / (SECOND / 100)) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 1e3;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 1e3;
        assert!((0.85..1.15).contains(&(variance / mean)), "{variance} {mean}");
    }

    #[test]
    fn nothing_is_due_before_its_time_and_nothing_after_the_end() {
        let part = Part { number: 0, count: 1 };
        let times = (Instant(SECOND), Instant(2 * SECOND));
        let mut schedule = Schedule::new(Arrivals::Constant, 2.0, 0, part, times);
        assert_eq!(schedule.take(Instant(SECOND - 1)), None);
        assert_eq!(schedule.take(Instant(SECOND)), Some(Instant(SECOND)));
        assert_eq!(schedule.next(), Some(Instant(SECOND + SECOND / 2)));
        assert_eq!(schedule.take(Instant(9 * SECOND)), Some(Instant(SECOND + SECOND / 2)));
        assert_eq!(schedule.take(Instant(9 * SECOND)), None);
        assert_eq!(schedule.next(), None);
    }
}
