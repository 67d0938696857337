//! A connection being made. Dropping the future cancels it; a descriptor that comes of it anyway
//! is closed.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::memory::Slot;

use super::Errno;
use super::core::Core;
use super::descriptor::Descriptor;
use super::executor::Waiter;
use super::operation::{Address, Owner};
use super::socket::Socket;

/// The future of [`Runtime::connect`](super::Runtime::connect).
pub(crate) struct Dial {
    core: Rc<Core>,
    state: Result<Slot, Errno>,
}

pub(crate) struct State {
    /// In flight until the outcome is there.
    pub(super) operation: Option<Slot>,
    pub(super) outcome: Option<Result<Descriptor, Errno>>,
    pub(super) waiter: Waiter,
}

impl Dial {
    pub(super) fn new(core: &Rc<Core>, address: &Address) -> Dial {
        let state = Dial::start(core, address);
        Dial { core: Rc::clone(core), state }
    }

    fn start(core: &Rc<Core>, address: &Address) -> Result<Slot, Errno> {
        let mut dials = core.dials.borrow_mut();
        let state = State { operation: None, outcome: None, waiter: Waiter::Nobody };
        let slot = dials.insert(state).map_err(|_| Errno::TOO_MANY_FILES)?;
        match core.driver.borrow_mut().connect(Owner::Dial(slot), address) {
            Ok(operation) => {
                if let Some(state) = dials.get_mut(slot) {
                    state.operation = Some(operation);
                }
                Ok(slot)
            }
            Err(errno) => {
                dials.remove(slot);
                Err(errno)
            }
        }
    }
}

impl State {
    /// Hears how it ended. Returns whom to wake.
    pub(super) fn connected(&mut self, result: Result<Descriptor, Errno>) -> Waiter {
        self.operation = None;
        self.outcome = Some(result);
        std::mem::take(&mut self.waiter)
    }
}

impl Future for Dial {
    type Output = Result<Socket, Errno>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let core = &self.core;
        let slot = match self.state {
            Ok(slot) => slot,
            Err(errno) => return Poll::Ready(Err(errno)),
        };
        let mut dials = core.dials.borrow_mut();
        let Some(state) = dials.get_mut(slot) else { return Poll::Ready(Err(Errno::CLOSED)) };
        let Some(outcome) = state.outcome.take() else {
            // Only a poll after the outcome was handed over finds neither.
            if state.operation.is_none() {
                return Poll::Ready(Err(Errno::CLOSED));
            }
            state.waiter = core.executor.waiter(context);
            return Poll::Pending;
        };
        drop(dials);
        Poll::Ready(outcome.and_then(|descriptor| Socket::new(core, descriptor)))
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        let Ok(slot) = self.state else { return };
        let Some(state) = self.core.dials.borrow_mut().remove(slot) else { return };
        let mut driver = self.core.driver.borrow_mut();
        if let Some(operation) = state.operation {
            driver.abandon(operation);
        }
        if let Some(Ok(descriptor)) = state.outcome {
            driver.close(descriptor);
        }
    }
}
