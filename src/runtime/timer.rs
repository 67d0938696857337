//! A timer of one task, and what it limits.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::memory::Slot;

use super::clock::Instant;
use super::core::Core;

/// A deadline that can be moved at every step for the price of a store. Belongs to one task;
/// dropping it cancels it.
pub struct Timer {
    core: Rc<Core>,
    /// `None` when the wheel was full: the timer then never fires.
    slot: Option<Slot>,
}

/// The deadline passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

impl Timer {
    pub(super) fn new(core: &Rc<Core>) -> Timer {
        let slot = core.wheel.borrow_mut().insert();
        debug_assert!(slot.is_some(), "more timers than the runtime was made for");
        Timer { core: Rc::clone(core), slot }
    }

    /// Sets or moves the deadline. It fires within 1 ms after it.
    pub fn set(&self, deadline: Instant) {
        if let Some(slot) = self.slot {
            self.core.wheel.borrow_mut().set(slot, deadline);
        }
    }

    /// Unsets the deadline.
    pub fn clear(&self) {
        self.set(Instant::NEVER);
    }

    /// Whether a deadline is set and has passed.
    pub fn expired(&self) -> bool {
        self.slot.is_some_and(|slot| self.core.wheel.borrow().expired(slot, self.core.clock.now()))
    }

    /// Polls `future` until it is ready or the deadline passes, which may be moved meanwhile. What
    /// is ready at the deadline still counts.
    ///
    /// # Errors
    /// `Expired` when the deadline passed first; the future is dropped.
    pub async fn limit<T>(&self, future: impl Future<Output = T>) -> Result<T, Expired> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            if self.expired() {
                return Poll::Ready(Err(Expired));
            }
            if let Some(slot) = self.slot {
                let waiter = self.core.executor.waiter(context);
                self.core.wheel.borrow_mut().wait(slot, waiter);
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.core.wheel.borrow_mut().remove(slot);
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Timer")
    }
}

impl fmt::Display for Expired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the deadline passed")
    }
}

impl std::error::Error for Expired {}
