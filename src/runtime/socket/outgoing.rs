//! The sending side of a socket: gathering a turn's segments, short sends, who waits for room.

use crate::limits;
use crate::memory::Slot;

use super::super::Errno;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::{Owner, Segment, Work};
use super::table::{Sockets, State};

/// Unused lists of segments that are kept: as many as sends are likely in flight.
const LISTS_FREE_MAX: usize = 256;

impl Sockets {
    /// Queues a segment for the end of the turn. Bytes for a failed or finished side are dropped.
    pub(crate) fn push(&mut self, socket: Slot, segment: Segment) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        let bytes = segment.len();
        if bytes == 0 || state.send_error.is_some() || state.flags.finishing {
            return;
        }
        state.queued_bytes += bytes;
        state.outgoing.push_back(segment, &mut self.outgoing_spare);
        if state.may_send() {
            self.dirty.push(socket);
        }
    }

    /// Starts one gathered send for each socket that has something queued. Whoever is to be woken,
    /// because it could not be started, is added to `woken`.
    pub(crate) fn flush(&mut self, driver: &mut Driver, woken: &mut Vec<Waiter>) {
        // First come, first sent; what is done here makes nothing dirty.
        for index in 0..self.dirty.len() {
            let Some(&socket) = self.dirty.get(index) else { break };
            if let Some(failed) = self.send_next(socket, driver) {
                woken.push(failed);
            }
        }
        self.dirty.clear();
    }

    /// Starts the send of one socket, if it has something queued and none in flight. Returns whom
    /// to wake when that failed.
    pub(crate) fn send_next(&mut self, socket: Slot, driver: &mut Driver) -> Option<Waiter> {
        let state = self.slab.get_mut(socket)?;
        state.flags.dirty = false;
        if state.send.is_some() {
            return None;
        }
        let spare = &mut self.outgoing_spare;
        let work = if state.outgoing.len() > 1 {
            let mut list = self.lists_free.pop().unwrap_or_default();
            state.outgoing.drain_to(&mut list, limits::SEGMENTS_PER_SEND_MAX, spare);
            Work::SendMany(list)
        } else {
            Work::Send(state.outgoing.pop_front(spare)?)
        };
        match driver.start(Owner::Socket(socket), &state.descriptor, work) {
            Ok(operation) => {
                state.send = Some(operation);
                None
            }
            Err(errno) => Some(self.fail_send(socket, errno, driver)),
        }
    }

    /// Nothing is sent any more. Returns whom to wake.
    #[cold]
    fn fail_send(&mut self, socket: Slot, errno: Errno, driver: &mut Driver) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        state.send_error = Some(errno);
        state.queued_bytes = 0;
        state.outgoing.clear(&mut self.outgoing_spare);
        let waiter = std::mem::take(&mut state.writer);
        self.after_last(socket, driver);
        waiter
    }

    /// Hears how the send ended; `work` still holds its bytes. Returns whom to wake.
    pub(crate) fn sent(
        &mut self,
        socket: Slot,
        result: Result<usize, Errno>,
        work: Work,
        driver: &mut Driver,
    ) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        state.send = None;
        state.sent_bytes += result.map_or(0, |bytes| bytes as u64);
        let total = work.bytes();
        if result != Ok(total) {
            return self.sent_short(socket, result, work, driver);
        }
        state.queued_bytes = state.queued_bytes.saturating_sub(total);
        let waiter = state.drained_writer();
        if state.outgoing.is_empty() {
            if state.flags.dropped || state.flags.finishing {
                self.after_last(socket, driver);
            }
        } else if state.may_send() {
            self.dirty.push(socket);
        }
        self.keep_list(work);
        waiter
    }

    /// Sends the rest of what was sent in part, or gives up.
    #[cold]
    fn sent_short(
        &mut self,
        socket: Slot,
        result: Result<usize, Errno>,
        mut work: Work,
        driver: &mut Driver,
    ) -> Waiter {
        let bytes = match result {
            // A send that moves nothing and names no error would be repeated for ever.
            Ok(0) => return self.fail_send(socket, Errno::BROKEN_PIPE, driver),
            Ok(bytes) => bytes,
            Err(errno) => return self.fail_send(socket, errno, driver),
        };
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        state.queued_bytes = state.queued_bytes.saturating_sub(bytes);
        work.advance(bytes);
        match driver.start(Owner::Socket(socket), &state.descriptor, work) {
            Ok(operation) => {
                state.send = Some(operation);
                state.drained_writer()
            }
            Err(errno) => self.fail_send(socket, errno, driver),
        }
    }

    /// Empty lists of segments are used again.
    fn keep_list(&mut self, work: Work) {
        if let Work::SendMany(mut list) = work
            && self.lists_free.len() < LISTS_FREE_MAX
        {
            list.clear();
            self.lists_free.push(list);
        }
    }

    /// What waited for the queue to be empty: the end of the stream, the close.
    fn after_last(&mut self, socket: Slot, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        if state.send.is_some() || !state.outgoing.is_empty() {
            return;
        }
        if state.flags.dropped {
            self.close(socket, driver);
        } else if state.flags.finishing && !state.flags.finished {
            state.flags.finished = true;
            state.descriptor.shutdown_write();
        }
    }

    /// Bytes that the kernel took.
    pub(crate) fn sent_bytes(&self, socket: Slot) -> u64 {
        self.slab.get(socket).map_or(0, |state| state.sent_bytes)
    }

    /// Counts bytes that the kernel took past the queue.
    pub(crate) fn count_sent(&mut self, socket: Slot, bytes: u64) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.sent_bytes += bytes;
        }
    }

    pub(crate) fn queued_bytes(&self, socket: Slot) -> usize {
        self.slab.get(socket).map_or(0, |state| state.queued_bytes)
    }

    pub(crate) fn send_error(&self, socket: Slot) -> Option<Errno> {
        self.slab.get(socket).map_or(Some(Errno::CLOSED), |state| state.send_error)
    }

    pub(crate) fn await_drained(&mut self, socket: Slot, below_bytes: usize, waiter: Waiter) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.drain_below_bytes = below_bytes;
            state.writer = waiter;
        }
    }

    pub(crate) fn shutdown_write(&mut self, socket: Slot, driver: &mut Driver) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.flags.finishing = true;
            self.after_last(socket, driver);
        }
    }

    pub(crate) fn forget_writer(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.writer = Waiter::Nobody;
        }
    }
}

impl State {
    /// Marks the socket as to be flushed. True when it was not yet, and no send is in flight whose
    /// end would see to it.
    pub(super) fn may_send(&mut self) -> bool {
        self.send.is_none() && !std::mem::replace(&mut self.flags.dirty, true)
    }

    /// Takes who waits for room, when there is enough.
    fn drained_writer(&mut self) -> Waiter {
        if self.queued_bytes <= self.drain_below_bytes {
            std::mem::take(&mut self.writer)
        } else {
            Waiter::Nobody
        }
    }
}
