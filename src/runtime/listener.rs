//! A listening socket with one accept in flight that yields every connection.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::limits;
use crate::memory::Slot;

use super::Errno;
use super::core::Core;
use super::descriptor::Descriptor;
use super::driver::Driver;
use super::executor::Waiter;
use super::operation::{Owner, Work};
use super::socket::Socket;

/// Accepts connections until it is closed or dropped.
pub struct Listener {
    core: Rc<Core>,
    slot: Slot,
}

pub(crate) struct State {
    descriptor: Option<Descriptor>,
    accept: Option<Slot>,
    accept_cancelled: bool,
    /// Accepted and not yet asked for.
    waiting: VecDeque<Descriptor>,
    failure: Option<Errno>,
    waiter: Waiter,
}

impl Listener {
    pub(super) fn new(core: &Rc<Core>, descriptor: Descriptor) -> Result<Listener, Errno> {
        let state = State {
            descriptor: Some(descriptor),
            accept: None,
            accept_cancelled: false,
            waiting: VecDeque::new(),
            failure: None,
            waiter: Waiter::Nobody,
        };
        let inserted = core.listeners.borrow_mut().insert(state);
        let slot = inserted.map_err(|_| Errno::TOO_MANY_FILES)?;
        Ok(Listener { core: Rc::clone(core), slot })
    }

    /// The next connection. One task at a time may wait.
    ///
    /// # Errors
    /// What the kernel refused the accept with: after `EMFILE` or `ENFILE` wait before the next
    /// call. `EMFILE` also when the runtime has as many sockets as it may. `EBADF` when closed.
    pub async fn accept(&self) -> Result<Socket, Errno> {
        let descriptor = poll_fn(|context| self.poll_accept(context)).await?;
        Socket::new(&self.core, descriptor)
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<Result<Descriptor, Errno>> {
        let core = &*self.core;
        let mut listeners = core.listeners.borrow_mut();
        let Some(state) = listeners.get_mut(self.slot) else {
            return Poll::Ready(Err(Errno::CLOSED));
        };
        if let Some(descriptor) = state.waiting.pop_front() {
            return Poll::Ready(Ok(descriptor));
        }
        if let Some(errno) = state.failure.take() {
            return Poll::Ready(Err(errno));
        }
        if let Err(errno) = state.arm(self.slot, &mut core.driver.borrow_mut()) {
            return Poll::Ready(Err(errno));
        }
        state.waiter = core.executor.waiter(context);
        Poll::Pending
    }

    /// The address listened at; `None` on a Unix socket and when closed.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let listeners = self.core.listeners.borrow();
        listeners.get(self.slot)?.descriptor.as_ref()?.local_address()
    }

    /// Stops listening. Connections that were accepted and not asked for are closed.
    pub fn close(&self) {
        let core = &*self.core;
        let closed = core.listeners.borrow_mut().get_mut(self.slot).map(State::close);
        let Some((accept, descriptors, waiter)) = closed else { return };
        let mut driver = core.driver.borrow_mut();
        if let Some(accept) = accept {
            driver.abandon(accept);
        }
        for descriptor in descriptors {
            driver.close(descriptor);
        }
        drop(driver);
        core.executor.wake(waiter);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
        self.core.listeners.borrow_mut().remove(self.slot);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Listener({:?})", self.local_address())
    }
}

impl State {
    fn arm(&mut self, slot: Slot, driver: &mut Driver) -> Result<(), Errno> {
        let Some(descriptor) = &self.descriptor else { return Err(Errno::CLOSED) };
        if self.accept.is_none() {
            self.accept = Some(driver.start(Owner::Listener(slot), descriptor, Work::Accept)?);
            self.accept_cancelled = false;
        }
        Ok(())
    }

    /// Hears what the accept yielded. Returns whom to wake.
    pub(crate) fn accepted(
        &mut self,
        slot: Slot,
        result: Result<Descriptor, Errno>,
        more: bool,
        driver: &mut Driver,
    ) -> Waiter {
        if !more {
            self.accept = None;
        }
        match result {
            Ok(descriptor) => self.waiting.push_back(descriptor),
            Err(Errno::CANCELLED) if self.accept_cancelled => {}
            Err(errno) => self.failure = Some(errno),
        }
        let too_many = self.waiting.len() >= limits::ACCEPTS_QUEUED_MAX;
        match self.accept {
            Some(accept) if too_many && !self.accept_cancelled => {
                self.accept_cancelled = true;
                driver.cancel(accept);
            }
            // A cancelled accept that somebody waits for again goes on.
            None if self.waiting.is_empty() && !matches!(self.waiter, Waiter::Nobody) => {
                if self.failure.is_none() {
                    self.failure = self.arm(slot, driver).err();
                }
            }
            Some(_) | None => {}
        }
        if self.waiting.is_empty() && self.failure.is_none() {
            return Waiter::Nobody;
        }
        std::mem::take(&mut self.waiter)
    }

    fn close(&mut self) -> (Option<Slot>, Vec<Descriptor>, Waiter) {
        let mut descriptors: Vec<Descriptor> = self.waiting.drain(..).collect();
        descriptors.extend(self.descriptor.take());
        (self.accept.take(), descriptors, std::mem::take(&mut self.waiter))
    }

    /// The operation that it knows to be in flight.
    pub(crate) fn operation(&self) -> Option<Slot> {
        self.accept
    }
}
