//! The receiving side of a socket: arming receives, what lies unread, who waits for it.

use crate::limits;
use crate::memory::Slot;

use super::super::Errno;
use super::super::buffers::Lease;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::{Owner, Work};
use super::table::{Input, Sockets, State};

impl Sockets {
    /// What has arrived or ended; `None` when there is nothing to tell yet.
    pub(crate) fn read(&mut self, socket: Slot) -> Option<Result<Option<Lease>, Errno>> {
        let Some(state) = self.slab.get_mut(socket) else { return Some(Err(Errno::CLOSED)) };
        if let Some(lease) = state.unread_first.take() {
            state.unread_first = state.unread_rest.pop_front(&mut self.unread_spare);
            return Some(Ok(Some(lease)));
        }
        match state.input {
            Input::Open => None,
            Input::Finished => Some(Ok(None)),
            Input::Failed(errno) => Some(Err(errno)),
        }
    }

    /// Puts a part of what was just read back, in front of what is unread.
    pub(crate) fn unread(&mut self, socket: Slot, lease: Lease) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        if let Some(second) = state.unread_first.replace(lease) {
            state.unread_rest.push_front(second, &mut self.unread_spare);
        }
    }

    /// Notes who waits for what arrives, and sees that a receive is armed.
    pub(crate) fn await_read(&mut self, socket: Slot, waiter: Waiter, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        if let Waiter::Task(task) = waiter {
            state.last_reader = Some(task);
        }
        state.reader = waiter;
        self.arm(socket, driver);
    }

    /// Whether somebody waits for what arrives.
    pub(crate) fn is_awaited(&self, socket: Slot) -> bool {
        self.slab.get(socket).is_some_and(|state| !matches!(state.reader, Waiter::Nobody))
    }

    /// Forgets who waits: his future is gone.
    pub(crate) fn forget_reader(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.reader = Waiter::Nobody;
        }
    }

    /// Arms the receive though nobody waits.
    pub(crate) fn watch(&mut self, socket: Slot, driver: &mut Driver) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.flags.watched = true;
            self.arm(socket, driver);
        }
    }

    /// Makes `socket` the one whose bytes are thrown away as they arrive.
    pub(crate) fn discard(&mut self, socket: Slot, driver: &mut Driver) {
        self.bell = Some(socket);
        self.watch(socket, driver);
    }

    pub(crate) fn is_dead(&self, socket: Slot) -> bool {
        self.slab.get(socket).is_none_or(|state| {
            state.input != Input::Open
                || state.send_error.is_some()
                || state.unread_first.is_some()
                || state.flags.starved
        })
    }

    pub(crate) fn has_failed(&self, socket: Slot) -> bool {
        self.slab.get(socket).is_none_or(|state| matches!(state.input, Input::Failed(_)))
    }

    pub(crate) fn is_quiet(&self, socket: Slot) -> bool {
        !self.is_dead(socket)
            && self
                .slab
                .get(socket)
                .is_some_and(|state| state.receive.is_some() || state.descriptor.is_quiet())
    }

    pub(super) fn arm(&mut self, socket: Slot, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        let armed = state.receive.is_some() || state.flags.starved;
        if armed || state.flags.held || state.input != Input::Open {
            return;
        }
        let work = if state.singles_left > 0 { Work::ReceiveOnce } else { Work::Receive };
        match driver.start(Owner::Socket(socket), &state.descriptor, work) {
            Ok(operation) => {
                state.singles_left = state.singles_left.saturating_sub(1);
                state.receive = Some(operation);
                state.flags.receive_cancelled = false;
            }
            Err(_) => {
                state.flags.starved = true;
                self.starved.push_back(socket);
            }
        }
    }

    /// Hears what the receive brought. Returns whom to wake.
    pub(crate) fn received(
        &mut self,
        socket: Slot,
        result: Result<Option<Lease>, Errno>,
        more: bool,
        driver: &mut Driver,
    ) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        if !more {
            state.receive = None;
        }
        match result {
            Ok(Some(_)) if self.bell == Some(socket) => {
                self.arm(socket, driver);
                Waiter::Nobody
            }
            Ok(Some(lease)) => {
                if state.unread_first.is_none() {
                    state.unread_first = Some(lease);
                } else {
                    state.unread_rest.push_back(lease, &mut self.unread_spare);
                    state.cancel_if_too_many(driver);
                }
                std::mem::take(&mut state.reader)
            }
            Ok(None) => {
                state.input = Input::Finished;
                std::mem::take(&mut state.reader)
            }
            Err(errno) => self.receive_failed(socket, errno, driver),
        }
    }

    #[cold]
    fn receive_failed(&mut self, socket: Slot, errno: Errno, driver: &mut Driver) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        let is_awaited = !matches!(state.reader, Waiter::Nobody);
        let ended_early = match errno {
            Errno::NO_BUFFERS | Errno::AGAIN | Errno::INTERRUPTED => true,
            Errno::CANCELLED => state.flags.receive_cancelled,
            _ => false,
        };
        if !ended_early {
            state.input = Input::Failed(errno);
            return match std::mem::take(&mut state.reader) {
                Waiter::Nobody => state.last_reader.map_or(Waiter::Nobody, Waiter::Task),
                reader @ (Waiter::Task(_) | Waiter::Foreign(_)) => reader,
            };
        }
        if state.flags.held {
            // A transfer waits for just this.
            return std::mem::take(&mut state.reader);
        }
        if errno == Errno::NO_BUFFERS {
            self.starved_count += 1;
            if is_awaited || state.flags.watched {
                state.flags.starved = true;
                self.starved.push_back(socket);
            }
        } else if is_awaited {
            // Whoever began to wait since the cancellation finds the receive gone: arm it for him.
            self.arm(socket, driver);
        }
        Waiter::Nobody
    }

    pub(crate) fn has_starved(&self) -> bool {
        !self.starved.is_empty()
    }

    /// Arms starved sockets again, as many as buffers came back.
    pub(crate) fn feed_starved(&mut self, available_count: usize, driver: &mut Driver) {
        for _ in 0..available_count.min(self.starved.len()) {
            let Some(socket) = self.starved.pop_front() else { return };
            if let Some(state) = self.slab.get_mut(socket) {
                state.flags.starved = false;
                self.arm(socket, driver);
            }
        }
    }
}

impl State {
    fn cancel_if_too_many(&mut self, driver: &mut Driver) {
        let too_many = self.unread_rest.len() + 1 > limits::LEASES_QUEUED_MAX;
        if let Some(operation) = self.receive
            && too_many
            && !self.flags.receive_cancelled
        {
            self.flags.receive_cancelled = true;
            driver.cancel(operation);
        }
    }
}
