//! What one thread's runtime consists of, and its turn: run what is ready, send what was queued,
//! enter the kernel once, hear what happened, fire what is due.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::limits;
use crate::memory::{Block, Blocks, Slab, Slot};

use super::alarm::Alarm;
use super::buffers::{Buffers, Lease};
use super::clock::{Clock, Instant};
use super::dial;
use super::driver::Driver;
use super::executor::{Executor, Waiter};
use super::file::table::Files;
use super::listener;
use super::operation::{Completion, Outcome, Owner};
use super::socket::Ends;
use super::socket::table::Sockets;
use super::wheel::Wheel;
use super::{Counters, Runtime};

pub(crate) struct Core {
    pub(super) executor: Executor,
    pub(super) sockets: RefCell<Sockets>,
    pub(super) listeners: RefCell<Slab<listener::State>>,
    pub(super) dials: RefCell<Slab<dial::State>>,
    pub(super) wheel: RefCell<Wheel>,
    pub(super) alarm: Alarm,
    pub(super) clock: Clock,
    pub(super) blocks: Blocks,
    pub(super) buffers: Buffers,
    pub(super) driver: RefCell<Driver>,
    /// Dropped behind the driver: a read that waits looks at its descriptor late.
    pub(super) files: RefCell<Files>,
    /// For parts of files.
    pub(super) chunks: Blocks,
    /// Empty pipes for the next transfer.
    pub(super) pipes: RefCell<Vec<Ends>>,
    pub(super) turns: Cell<u64>,
    pub(super) copied_bytes: Cell<u64>,
    pub(super) running: Cell<bool>,
    pub(super) after_turn: RefCell<Option<AfterTurn>>,
    pub(super) turn_sample: RefCell<Option<TurnSample>>,
    /// Turns until one is timed, that one included; zero where none is.
    pub(super) untimed_turns: Cell<u32>,
}

/// What a test wants to look at after each turn.
pub(super) type AfterTurn = Rc<dyn Fn(&Runtime)>;

/// Who is told how long turns take, and how seldom.
pub(super) struct TurnSample {
    pub(super) every: u32,
    pub(super) tell: Box<dyn Fn(u64)>,
}

impl Core {
    /// Counts bytes that were copied in user space.
    pub(super) fn count_copied(&self, bytes: usize) {
        self.copied_bytes.set(self.copied_bytes.get() + bytes as u64);
    }

    pub(super) fn is_simulated(&self) -> bool {
        matches!(&*self.driver.borrow(), Driver::Simulated(_))
    }

    /// A block with a copy of `bytes`.
    pub(super) fn copied(&self, bytes: &[u8]) -> Block {
        self.count_copied(bytes.len());
        let mut block = self.blocks.take();
        block.extend_from_slice(bytes);
        block
    }

    /// Moves bytes that may lie for long out of their buffer when buffers are scarce: a slow peer
    /// must not sit on what everybody receives with, or all wait for one another.
    pub(super) fn out_of_scarce(&self, lease: Lease) -> Lease {
        if lease.holds_buffer() && self.buffers.is_scarce() {
            Lease::of_block(self.copied(&lease))
        } else {
            lease
        }
    }

    /// Runs ready tasks, at most so many that the kernel is heard soon again. True when `main`
    /// was among them: the caller polls it, now.
    pub(super) fn run_ready(&self, mut main: impl FnMut(Slot) -> bool) -> bool {
        self.executor.collect_woken();
        for _ in 0..limits::POLLS_PER_TURN_MAX {
            let Some(task) = self.executor.next_ready() else { return false };
            if main(task) {
                return true;
            }
            self.executor.run(task);
        }
        false
    }

    /// The second half of a turn: from queued sends to fired timers.
    pub(super) fn enter(&self, longest: Option<Duration>) {
        self.flush();
        self.feed_starved();
        self.executor.collect_woken();
        let timeout = if self.executor.has_ready() {
            Some(Duration::ZERO)
        } else {
            [self.until_due(), longest, self.alarm.until(&self.clock)].into_iter().flatten().min()
        };
        self.time_turn();
        self.driver.borrow_mut().enter(timeout);
        self.clock.turn(self.driver.borrow().simulated_now_ns());
        self.turns.set(self.turns.get() + 1);
        self.hear();
        self.fire();
    }

    /// Tells of one turn in so many how long it took since the clock was read for it.
    fn time_turn(&self) {
        match self.untimed_turns.get() {
            0 => {}
            1 => {
                let busy_ns = self.clock.precise().nanos_since(self.clock.now());
                let sample = self.turn_sample.borrow();
                let Some(TurnSample { every, tell }) = &*sample else { return };
                self.untimed_turns.set(*every);
                tell(busy_ns);
            }
            count => self.untimed_turns.set(count - 1),
        }
    }

    /// How long until something is due; `None` when nothing ever is.
    fn until_due(&self) -> Option<Duration> {
        let lingering = self.sockets.borrow().linger_deadline();
        let due = [self.wheel.borrow().next(), lingering].into_iter().flatten().min()?;
        Some(due.since(self.clock.now()))
    }

    fn flush(&self) {
        let mut woken = Vec::new();
        self.sockets.borrow_mut().flush(&mut self.driver.borrow_mut(), &mut woken);
        for waiter in woken {
            self.executor.wake(waiter);
        }
    }

    fn feed_starved(&self) {
        let mut sockets = self.sockets.borrow_mut();
        if sockets.has_starved() {
            sockets.feed_starved(self.buffers.available(), &mut self.driver.borrow_mut());
        }
    }

    fn hear(&self) {
        loop {
            let completion = self.driver.borrow_mut().next();
            match completion {
                Some(completion) => {
                    let waiter = self.complete(completion);
                    self.executor.wake(waiter);
                }
                None => return,
            }
        }
    }

    /// Hands a completion to its owner, if he is still there. What it yields for nobody is dropped,
    /// outside of any borrow: buffers return, descriptors close.
    fn complete(&self, completion: Completion) -> Waiter {
        let Completion { owner, more, outcome } = completion;
        match (owner, outcome) {
            (Owner::Socket(socket), Outcome::Received(result)) => {
                let mut sockets = self.sockets.borrow_mut();
                let result = if self.buffers.is_scarce() && !sockets.is_awaited(socket) {
                    result.map(|lease| lease.map(|lease| self.out_of_scarce(lease)))
                } else {
                    result
                };
                sockets.received(socket, result, more, &mut self.driver.borrow_mut())
            }
            (Owner::Socket(socket), Outcome::Sent(result, work)) => {
                let mut sockets = self.sockets.borrow_mut();
                sockets.sent(socket, result, work, &mut self.driver.borrow_mut())
            }
            (Owner::Socket(socket), Outcome::Ready(readiness)) => {
                self.sockets.borrow_mut().ready(socket, readiness)
            }
            (Owner::Listener(listener), Outcome::Accepted(result)) => {
                let mut listeners = self.listeners.borrow_mut();
                match listeners.get_mut(listener) {
                    Some(state) => {
                        state.accepted(listener, result, more, &mut self.driver.borrow_mut())
                    }
                    None => Waiter::Nobody,
                }
            }
            (Owner::Dial(dial), Outcome::Connected(result)) => {
                let mut dials = self.dials.borrow_mut();
                match dials.get_mut(dial) {
                    Some(state) => state.connected(result),
                    None => Waiter::Nobody,
                }
            }
            (
                Owner::File(file),
                outcome @ (Outcome::Opened(_) | Outcome::Read(..) | Outcome::Filled(..)),
            ) => {
                let mut files = self.files.borrow_mut();
                files.completed(file, outcome, &mut self.driver.borrow_mut())
            }
            (
                Owner::Nobody
                | Owner::Socket(_)
                | Owner::Listener(_)
                | Owner::Dial(_)
                | Owner::File(_),
                Outcome::Accepted(_)
                | Outcome::Received(_)
                | Outcome::Sent(..)
                | Outcome::Connected(_)
                | Outcome::Ready(_)
                | Outcome::Opened(_)
                | Outcome::Read(..)
                | Outcome::Filled(..),
            ) => Waiter::Nobody,
        }
    }

    fn fire(&self) {
        let now = self.clock.now();
        self.wheel.borrow_mut().advance(now, |waiter| self.executor.wake(waiter));
        self.sockets.borrow_mut().expire_lingering(now, &mut self.driver.borrow_mut());
        self.executor.wake(self.alarm.fire(now));
    }

    /// Hands everything that was queued to the kernel, within the turn and without waiting.
    pub(super) fn submit(&self) {
        self.flush();
        self.driver.borrow_mut().submit();
    }

    /// Closes every socket and listener, cutting what is still queued.
    pub(super) fn close_all(&self) {
        let sockets = self.sockets.borrow().slots();
        for socket in sockets {
            self.sockets.borrow_mut().abort(socket, &mut self.driver.borrow_mut());
        }
    }

    pub(super) fn counters(&self) -> Counters {
        let counts = self.driver.borrow().counts();
        let sockets = self.sockets.borrow();
        Counters {
            turns: self.turns.get(),
            enters: counts.enters,
            entries: counts.entries,
            completions: counts.completions,
            stale_completions: counts.stale,
            operations_in_flight: self.driver.borrow().in_flight(),
            copied_bytes: self.copied_bytes.get(),
            buffers_out: self.buffers.out_count(),
            blocks_out: self.blocks.out_count() + self.chunks.out_count(),
            blocks_allocated: self.blocks.allocated_count() + self.chunks.allocated_count(),
            sockets_open: sockets.open_count(),
            files_open: self.files.borrow().count(),
            receives_starved: sockets.starved_count,
            tasks: self.executor.tasks_count(),
            timers: self.wheel.borrow().len(),
        }
    }

    /// Whether what the parts know of one another fits together. For tests: it walks everything.
    pub(super) fn check(&self) -> Result<(), String> {
        self.buffers.check()?;
        let sockets = self.sockets.borrow();
        let listeners = self.listeners.borrow();
        let dials = self.dials.borrow();
        let files = self.files.borrow();
        let mut in_flight = 0;
        for (slot, owner, cancelled) in self.driver.borrow().owners() {
            let known = match owner {
                Owner::Nobody => {
                    if !cancelled {
                        return Err(format!("{slot:?} has no owner and was not cancelled"));
                    }
                    continue;
                }
                Owner::Socket(socket) => sockets.owns(socket, slot),
                Owner::Listener(listener) => {
                    listeners.get(listener).is_some_and(|state| state.operation() == Some(slot))
                }
                Owner::File(file) => files.owns(file, slot),
                Owner::Dial(dial) => {
                    dials.get(dial).is_some_and(|state| state.operation == Some(slot))
                }
            };
            if !known {
                return Err(format!("{slot:?} has the owner {owner:?}, who does not know it"));
            }
            in_flight += 1;
        }
        let expected = sockets.operations_count()
            + files.operations_count()
            + listeners.iter().filter(|(_, state)| state.operation().is_some()).count()
            + dials.iter().filter(|(_, state)| state.operation.is_some()).count();
        if expected != in_flight {
            return Err(format!("{expected} operations are awaited, {in_flight} are in flight"));
        }
        Ok(())
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }
}
