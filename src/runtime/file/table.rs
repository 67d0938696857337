//! The state of every open file. A dropped one stays until its operation has completed, so that the
//! number of its descriptor means no other file to a thread of the kernel that looks late.

use crate::memory::{Block, Slab, Slot};

use super::super::Errno;
use super::super::descriptor::Descriptor;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::Outcome;
use super::super::socket::Ends;

pub(crate) struct Files {
    slab: Slab<State>,
}

struct State {
    /// None until it is open.
    descriptor: Option<Descriptor>,
    /// The one operation in flight.
    operation: Option<Slot>,
    answer: Option<Answer>,
    waiter: Waiter,
    /// The handle is gone.
    dropped: bool,
}

/// What an operation came to.
pub(super) enum Answer {
    Opened(Result<(), Errno>),
    Read(Result<usize, Errno>, Block),
    Filled(Result<usize, Errno>, Ends),
    /// Nothing was under way.
    Gone(Errno),
}

impl Files {
    pub(crate) fn new(files_count_max: usize) -> Files {
        Files { slab: Slab::new(files_count_max) }
    }

    /// A file that is still to be opened.
    pub(super) fn insert(&mut self) -> Result<Slot, Errno> {
        let state = State {
            descriptor: None,
            operation: None,
            answer: None,
            waiter: Waiter::Nobody,
            dropped: false,
        };
        self.slab.insert(state).map_err(|_| Errno::TOO_MANY_FILES)
    }

    pub(super) fn started(&mut self, file: Slot, operation: Slot) {
        if let Some(state) = self.slab.get_mut(file) {
            debug_assert!(state.operation.is_none(), "one operation at a time");
            state.operation = Some(operation);
        }
    }

    pub(super) fn descriptor(&self, file: Slot) -> Option<&Descriptor> {
        self.slab.get(file)?.descriptor.as_ref()
    }

    /// The descriptor, for another operation. What an earlier one came to and nobody took is
    /// dropped.
    ///
    /// # Errors
    /// `EBUSY` when one is in flight, `EBADF` when the file is not open.
    pub(super) fn idle(&mut self, file: Slot) -> Result<&Descriptor, Errno> {
        let state = self.slab.get_mut(file).ok_or(Errno::CLOSED)?;
        if state.operation.is_some() {
            return Err(Errno(libc::EBUSY));
        }
        state.answer = None;
        state.descriptor.as_ref().ok_or(Errno::CLOSED)
    }

    /// What the operation came to; `None` while it is in flight.
    pub(super) fn take_answer(&mut self, file: Slot) -> Option<Answer> {
        let Some(state) = self.slab.get_mut(file) else { return Some(Answer::Gone(Errno::CLOSED)) };
        let answer = state.answer.take();
        if answer.is_none() && state.operation.is_none() {
            return Some(Answer::Gone(Errno::CLOSED));
        }
        answer
    }

    pub(super) fn await_answer(&mut self, file: Slot, waiter: Waiter) {
        if let Some(state) = self.slab.get_mut(file) {
            state.waiter = waiter;
        }
    }

    /// The handle is gone: closes now, or when the operation in flight has ended.
    pub(super) fn release(&mut self, file: Slot, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(file) else { return };
        state.waiter = Waiter::Nobody;
        match state.operation {
            Some(operation) => {
                state.dropped = true;
                driver.cancel(operation);
            }
            None => self.close(file, driver),
        }
    }

    /// Hears how an operation ended. Returns whom to wake.
    pub(crate) fn completed(
        &mut self,
        file: Slot,
        outcome: Outcome,
        driver: &mut Driver,
    ) -> Waiter {
        let Some(state) = self.slab.get_mut(file) else { return Waiter::Nobody };
        state.operation = None;
        state.answer = match outcome {
            Outcome::Opened(Ok(descriptor)) => {
                state.descriptor = Some(descriptor);
                Some(Answer::Opened(Ok(())))
            }
            Outcome::Opened(Err(errno)) => Some(Answer::Opened(Err(errno))),
            Outcome::Read(result, block) => Some(Answer::Read(result, block)),
            Outcome::Filled(result, ends) => Some(Answer::Filled(result, ends)),
            Outcome::Accepted(_)
            | Outcome::Received(_)
            | Outcome::Sent(..)
            | Outcome::Connected(_)
            | Outcome::Ready(_) => None,
        };
        let waiter = std::mem::take(&mut state.waiter);
        if state.dropped {
            self.close(file, driver);
        }
        waiter
    }

    fn close(&mut self, file: Slot, driver: &mut Driver) {
        if let Some(State { descriptor: Some(descriptor), .. }) = self.slab.remove(file) {
            driver.close(descriptor);
        }
    }

    /// Files that are open, or being opened.
    pub(crate) fn count(&self) -> usize {
        self.slab.len()
    }

    /// Whether `operation` is the one that `file` knows to be in flight.
    pub(crate) fn owns(&self, file: Slot, operation: Slot) -> bool {
        self.slab.get(file).is_some_and(|state| state.operation == Some(operation))
    }

    /// Operations that files know to be in flight.
    pub(crate) fn operations_count(&self) -> usize {
        self.slab.iter().filter(|(_, state)| state.operation.is_some()).count()
    }
}
