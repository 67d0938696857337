//! What transfers need, which read and write past the queues: a receive kept back, and polls in the
//! place of receives and sends.

use crate::memory::Slot;

use super::super::Errno;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::{Owner, Readiness, Work};
use super::table::Sockets;

/// Receives of one lease each after a transfer. Bodies that come as one in eight keep it so.
const SINGLES_AFTER_TRANSFER: u8 = 8;

impl Sockets {
    /// Keeps receives from being armed, and takes back the one in flight. True when it is gone.
    pub(crate) fn hold(&mut self, socket: Slot, driver: &mut Driver) -> bool {
        let Some(state) = self.slab.get_mut(socket) else { return true };
        state.flags.held = true;
        if let Some(operation) = state.receive
            && !state.flags.receive_cancelled
        {
            state.flags.receive_cancelled = true;
            driver.cancel(operation);
        }
        state.receive.is_none()
    }

    /// Ends [`Sockets::hold`]. What brought one large body will bring another: a multishot receive
    /// would bring its first hundreds of KiB here before the next transfer could begin.
    pub(crate) fn let_go(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.flags.held = false;
            state.singles_left = SINGLES_AFTER_TRANSFER;
        }
    }

    pub(crate) fn await_input(&mut self, socket: Slot, waiter: Waiter) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.reader = waiter;
        }
    }

    pub(crate) fn await_output(&mut self, socket: Slot, waiter: Waiter) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.writer = waiter;
        }
    }

    /// Starts waiting for readiness, in the place of a receive or a send.
    pub(crate) fn poll(
        &mut self,
        socket: Slot,
        readiness: Readiness,
        driver: &mut Driver,
    ) -> Result<(), Errno> {
        let state = self.slab.get_mut(socket).ok_or(Errno::CLOSED)?;
        let place = match readiness {
            Readiness::Readable => &mut state.receive,
            Readiness::Writable => &mut state.send,
        };
        if place.is_none() {
            let work = Work::Poll(readiness);
            *place = Some(driver.start(Owner::Socket(socket), &state.descriptor, work)?);
        }
        Ok(())
    }

    pub(crate) fn is_polling(&self, socket: Slot, readiness: Readiness) -> bool {
        self.slab.get(socket).is_some_and(|state| match readiness {
            Readiness::Readable => state.receive.is_some(),
            Readiness::Writable => state.send.is_some(),
        })
    }

    /// Hears that the descriptor is ready, or has failed, which the next call on it tells. Returns
    /// whom to wake.
    pub(crate) fn ready(&mut self, socket: Slot, readiness: Readiness) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        match readiness {
            Readiness::Readable => {
                state.receive = None;
                std::mem::take(&mut state.reader)
            }
            Readiness::Writable => {
                state.send = None;
                if !state.outgoing.is_empty() && state.may_send() {
                    self.dirty.push(socket);
                }
                std::mem::take(&mut state.writer)
            }
        }
    }
}
