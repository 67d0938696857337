//! One precise wake-up a runtime, for tasks to which a wheel of milliseconds is too coarse.

use std::cell::{Cell, RefCell};
use std::task::Poll;
use std::time::Duration;

use super::clock::{Clock, Instant};
use super::executor::Waiter;

/// When the loop is to wake somebody, exactly; [`Instant::NEVER`] when nobody.
pub(super) struct Alarm {
    at: Cell<Instant>,
    waiter: RefCell<Waiter>,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm { at: Cell::new(Instant::NEVER), waiter: RefCell::default() }
    }
}

impl Alarm {
    /// Ready at `at`; until then `waiter` is woken for it.
    pub(super) fn poll(
        &self,
        now: Instant,
        at: Instant,
        waiter: impl FnOnce() -> Waiter,
    ) -> Poll<()> {
        if now >= at {
            return Poll::Ready(());
        }
        self.at.set(at);
        *self.waiter.borrow_mut() = waiter();
        Poll::Pending
    }

    /// How long until it, counted from now and not from the turn's beginning: what the turn took
    /// would be added to the wait otherwise.
    pub(super) fn until(&self, clock: &Clock) -> Option<Duration> {
        let at = self.at.get();
        (at != Instant::NEVER).then(|| at.since(clock.read()))
    }

    /// Who is to be woken, if it is time.
    pub(super) fn fire(&self, now: Instant) -> Waiter {
        if now < self.at.get() {
            return Waiter::Nobody;
        }
        self.at.set(Instant::NEVER);
        self.waiter.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_once_and_not_before_its_time() {
        let alarm = Alarm::default();
        assert_eq!(alarm.poll(Instant(5), Instant(9), || Waiter::Nobody), Poll::Pending);
        let clock = Clock::simulated();
        clock.turn(7);
        assert_eq!(alarm.until(&clock), Some(Duration::from_nanos(2)));
        alarm.fire(Instant(8));
        assert!(alarm.until(&clock).is_some());
        alarm.fire(Instant(9));
        assert_eq!(alarm.until(&clock), None);
        assert_eq!(alarm.poll(Instant(9), Instant(9), || Waiter::Nobody), Poll::Ready(()));
    }
}
