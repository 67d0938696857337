//! The worker's clock: read once a turn, so that asking for the time costs a load.

use std::cell::Cell;
use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in one runtime's time: nanoseconds since it started, or since the epoch that it shares
/// with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// Unix time of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    /// Whole seconds since 1970.
    pub seconds: u64,
    /// Nanoseconds of the second.
    pub nanos: u32,
}

/// What the runtime keeps of time between two turns.
#[derive(Debug)]
pub(crate) struct Clock {
    /// `None` when time is virtual: then only the simulation moves it.
    start: Option<std::time::Instant>,
    now_ns: Cell<u64>,
    /// Unix time at `now_ns == 0`, corrected from time to time as the system's clock is set.
    wall_start_ns: Cell<u64>,
    wall_checked_ns: Cell<u64>,
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Unix time is taken from the system again after this long; between, it advances as `now` does.
const WALL_CHECK_NS: u64 = NANOS_PER_SECOND;

/// The virtual clock starts at 2026-01-01T00:00:00Z, a date whose text is easy to recognise.
const VIRTUAL_WALL_START_NS: u64 = 1_767_225_600 * NANOS_PER_SECOND;

impl Instant {
    /// A point that no clock reaches.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// Nanoseconds from `earlier` to here; zero when `earlier` is later.
    pub fn nanos_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Time from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// This instant and so many nanoseconds more; [`Instant::NEVER`] is never passed.
    pub fn plus_ns(self, nanoseconds: u64) -> Instant {
        Instant(self.0.saturating_add(nanoseconds))
    }

    /// The point `milliseconds` later; [`Instant::NEVER`] when that is beyond all time.
    pub fn plus_ms(self, milliseconds: u64) -> Instant {
        Instant(self.0.saturating_add(milliseconds.saturating_mul(1_000_000)))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(nanos))
    }
}

impl Clock {
    /// The system's, counted from a moment that is not to come; none is now.
    pub(crate) fn real(epoch: Option<std::time::Instant>) -> Clock {
        let start = epoch.unwrap_or_else(std::time::Instant::now);
        let elapsed_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(0);
        Clock {
            start: Some(start),
            now_ns: Cell::new(0),
            wall_start_ns: Cell::new(system_wall_ns().saturating_sub(elapsed_ns)),
            wall_checked_ns: Cell::new(0),
        }
    }

    #[allow(dead_code)] // Only the simulation makes one.
    pub(crate) fn simulated() -> Clock {
        Clock {
            start: None,
            now_ns: Cell::new(0),
            wall_start_ns: Cell::new(VIRTUAL_WALL_START_NS),
            wall_checked_ns: Cell::new(0),
        }
    }

    /// Moves time: to the system's, or to `simulated_ns` when time is virtual. Never backwards.
    pub(crate) fn turn(&self, simulated_ns: u64) {
        let Some(start) = self.start else {
            self.now_ns.set(self.now_ns.get().max(simulated_ns));
            return;
        };
        let now_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.now_ns.set(self.now_ns.get().max(now_ns));
        if now_ns.saturating_sub(self.wall_checked_ns.get()) >= WALL_CHECK_NS {
            self.wall_checked_ns.set(now_ns);
            self.wall_start_ns.set(system_wall_ns().saturating_sub(now_ns));
        }
    }

    /// The time as it is, not as it was at the turn's beginning.
    pub(crate) fn read(&self) -> Instant {
        match self.start {
            Some(start) => Instant(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            None => self.now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant(self.now_ns.get())
    }

    /// The time now rather than of the turn: one more reading of the system's clock, about 25 ns.
    /// Virtual time stands still within a turn.
    pub(crate) fn precise(&self) -> Instant {
        match self.start {
            Some(start) => Instant(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            None => self.now(),
        }
    }

    pub(crate) fn wall(&self) -> WallTime {
        let total_ns = self.wall_start_ns.get().saturating_add(self.now_ns.get());
        WallTime {
            seconds: total_ns / NANOS_PER_SECOND,
            nanos: (total_ns % NANOS_PER_SECOND) as u32,
        }
    }
}

fn system_wall_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_moves_only_when_told_and_never_back() {
        let clock = Clock::simulated();
        clock.turn(50);
        clock.turn(20);
        assert_eq!(clock.now(), Instant(50));
        assert_eq!(clock.wall(), WallTime { seconds: 1_767_225_600, nanos: 50 });
    }

    #[test]
    fn never_is_not_passed_by_adding_to_it() {
        assert_eq!(Instant::NEVER.plus_ms(1), Instant::NEVER);
        assert_eq!(Instant(3).nanos_since(Instant(9)), 0);
    }
}
