//! When the whole server may answer: one queue with a fixed service rate, and stalls.

use crate::limits;

use super::delay::time_ns;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A server that answers nothing for a time, again and again. As text: `1s/10s`, for 1 s at the end
/// of each 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    length_ns: u64,
    period_ns: u64,
}

/// When answers may begin. Shared by the threads of a server; times are nanoseconds since its
/// start.
#[derive(Debug)]
pub(super) struct Schedule {
    stall: Option<Stall>,
    /// Between two answers; 0 for no bound.
    gap_ns: u64,
    /// When the request that was last taken is done.
    busy_until_ns: AtomicU64,
}

impl Schedule {
    /// A schedule of at most `service_rate` answers a second.
    pub(super) fn new(service_rate: Option<u64>, stall: Option<Stall>) -> Schedule {
        let gap_ns = service_rate.map_or(0, |rate| NANOS_PER_SECOND / rate.max(1));
        Schedule { stall, gap_ns, busy_until_ns: AtomicU64::new(0) }
    }

    /// Whether every answer may begin at once.
    pub(super) fn is_open(&self) -> bool {
        self.stall.is_none() && self.gap_ns == 0
    }

    /// Takes a request that was read at `now_ns` into the queue: when its answer begins, where that
    /// waits for `delay_ns` once it was served.
    pub(super) fn take(&self, now_ns: u64, delay_ns: u64) -> u64 {
        self.after_stall(self.serve(now_ns) + delay_ns)
    }

    /// When a request is served, and the next one's turn comes.
    fn serve(&self, now_ns: u64) -> u64 {
        if self.gap_ns == 0 {
            return now_ns;
        }
        let done = |busy_until: u64| self.after_stall(busy_until.max(now_ns)) + self.gap_ns;
        let taken = self
            .busy_until_ns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |busy| Some(done(busy)));
        // The closure never refuses.
        let (Ok(busy_until) | Err(busy_until)) = taken;
        done(busy_until)
    }

    /// `at_ns`, or the end of the stall that it lies in.
    fn after_stall(&self, at_ns: u64) -> u64 {
        let Some(Stall { length_ns, period_ns }) = self.stall else { return at_ns };
        let into_period_ns = at_ns % period_ns;
        if into_period_ns < period_ns - length_ns {
            at_ns
        } else {
            at_ns + (period_ns - into_period_ns)
        }
    }
}

impl FromStr for Stall {
    type Err = String;

    fn from_str(text: &str) -> Result<Stall, String> {
        let (length, period) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is no stall: write 1s/10s, length and period"))?;
        let (length_ns, period_ns) = (time_ns(length)?, time_ns(period)?);
        if length_ns == 0 || length_ns >= period_ns {
            return Err(format!("`{text}`: a stall is longer than nothing and ends in its period"));
        }
        Ok(Stall { length_ns, period_ns })
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}ns/{}ns", self.length_ns, self.period_ns)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

const _: () = assert!(*limits::UPSTREAM_SERVICE_RATE.end() <= NANOS_PER_SECOND / 1000);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = NANOS_PER_SECOND;

    #[test]
    fn requests_of_one_moment_are_served_in_order_at_equal_distances() {
        let schedule = Schedule::new(Some(1000), None);
        let served: Vec<u64> = (0..4).map(|_| schedule.take(5_000_000, 0)).collect();
        assert_eq!(served, [6_000_000, 7_000_000, 8_000_000, 9_000_000]);
    }

    #[test]
    fn an_idle_server_saves_no_capacity_up() {
        let schedule = Schedule::new(Some(1000), None);
        assert_eq!(schedule.take(0, 0), 1_000_000);
        assert_eq!(schedule.take(SECOND, 0), SECOND + 1_000_000);
        assert_eq!(schedule.take(SECOND, 0), SECOND + 2_000_000);
    }

    #[test]
    fn what_comes_in_a_stall_waits_for_its_end() {
        let schedule = Schedule::new(None, Some("1s/10s".parse().expect("a stall")));
        assert_eq!(schedule.take(0, 0), 0);
        assert_eq!(schedule.take(9 * SECOND - 1, 0), 9 * SECOND - 1);
        assert_eq!(schedule.take(9 * SECOND, 0), 10 * SECOND);
        assert_eq!(schedule.take(10 * SECOND - 1, 0), 10 * SECOND);
        assert_eq!(schedule.take(10 * SECOND, 0), 10 * SECOND);
        assert_eq!(schedule.take(29 * SECOND + 5, 0), 30 * SECOND);
    }

    #[test]
    fn nothing_is_served_while_stalled() {
        let stall = Some("1s/10s".parse().expect("a stall"));
        let schedule = Schedule::new(Some(2), stall);
        let now = 9 * SECOND - SECOND / 4;
        // The first is done in the stall and says so at its end; the second begins there.
        assert_eq!(schedule.take(now, 0), 10 * SECOND);
        assert_eq!(schedule.take(now, 0), 10 * SECOND + SECOND / 2);
        assert_eq!(schedule.take(now, 0), 11 * SECOND);
    }

    #[test]
    fn a_delay_keeps_nobody_else_waiting() {
        let schedule = Schedule::new(Some(1000), None);
        assert_eq!(schedule.take(0, SECOND), SECOND + 1_000_000);
        assert_eq!(schedule.take(0, 0), 2_000_000);
    }

    #[test]
    fn refuses_what_is_no_stall() {
        for text in ["", "1s", "0s/10s", "10s/10s", "11s/10s", "x/10s", "1s/", "1s/11m"] {
            assert!(text.parse::<Stall>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_stall_reads_back_as_it_is_written() {
        let stall: Stall = "1s/10s".parse().expect("a stall");
        assert_eq!(stall.to_string().parse(), Ok(stall));
    }
}
