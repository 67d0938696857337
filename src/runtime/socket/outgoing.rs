//! The sending side of a socket: gathering a turn's segments, short sends, who waits for room.

use crate::limits;
use crate::memory::Slot;

use super::super::Errno;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::{Owner, Segment, Work};
use super::table::Sockets;

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
        self.mark_dirty(socket);
    }

    pub(super) fn mark_dirty(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket)
            && !state.flags.dirty
            && state.send.is_none()
        {
            state.flags.dirty = true;
            self.dirty.push(socket);
        }
    }

    /// Starts one gathered send for each socket that has something queued.
    pub(crate) fn flush(&mut self, driver: &mut Driver) {
        while let Some(socket) = self.dirty.pop() {
            if let Some(state) = self.slab.get_mut(socket) {
                state.flags.dirty = false;
                let waiter = self.send_next(socket, driver);
                debug_assert!(matches!(waiter, Waiter::Nobody));
            }
        }
    }

    /// Starts the send of one socket now.
    pub(crate) fn flush_one(&mut self, socket: Slot, driver: &mut Driver) {
        let waiter = self.send_next(socket, driver);
        debug_assert!(matches!(waiter, Waiter::Nobody), "nobody waits who is running");
    }

    fn send_next(&mut self, socket: Slot, driver: &mut Driver) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        if state.send.is_some() {
            return Waiter::Nobody;
        }
        let spare = &mut self.outgoing_spare;
        let work = if state.outgoing.len() > 1 {
            let mut list = self.lists_free.pop().unwrap_or_default();
            state.outgoing.drain_to(&mut list, limits::SEGMENTS_PER_SEND_MAX, spare);
            Work::SendMany(list)
        } else {
            match state.outgoing.pop_front(spare) {
                Some(segment) => Work::Send(segment),
                None => return Waiter::Nobody,
            }
        };
        self.start_send(socket, work, driver)
    }

    fn start_send(&mut self, socket: Slot, work: Work, driver: &mut Driver) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        match driver.start(Owner::Socket(socket), &state.descriptor, work) {
            Ok(operation) => {
                state.send = Some(operation);
                Waiter::Nobody
            }
            Err(errno) => self.fail_send(socket, errno),
        }
    }

    fn fail_send(&mut self, socket: Slot, errno: Errno) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        state.send_error = Some(errno);
        state.queued_bytes = 0;
        state.outgoing.clear(&mut self.outgoing_spare);
        std::mem::take(&mut state.writer)
    }

    /// Hears how the send ended; `work` still holds its bytes. Returns whom to wake.
    pub(crate) fn sent(
        &mut self,
        socket: Slot,
        result: Result<usize, Errno>,
        mut work: Work,
        driver: &mut Driver,
    ) -> Waiter {
        let Some(state) = self.slab.get_mut(socket) else { return Waiter::Nobody };
        state.send = None;
        let total = work.bytes();
        state.sent_bytes += result.map_or(0, |bytes| bytes as u64);
        let waiter = match result {
            Ok(bytes) if bytes >= total => {
                state.queued_bytes = state.queued_bytes.saturating_sub(total);
                self.keep_list(work);
                self.mark_dirty(socket);
                self.drained_writer(socket)
            }
            // A send that moves nothing and names no error would be repeated for ever.
            Ok(0) => self.fail_send(socket, Errno::BROKEN_PIPE),
            Ok(bytes) => {
                state.queued_bytes = state.queued_bytes.saturating_sub(bytes);
                work.advance(bytes);
                let failed = self.start_send(socket, work, driver);
                match failed {
                    Waiter::Nobody => self.drained_writer(socket),
                    Waiter::Task(_) | Waiter::Foreign(_) => failed,
                }
            }
            Err(errno) => self.fail_send(socket, errno),
        };
        self.after_send(socket, driver);
        waiter
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

    fn drained_writer(&mut self, socket: Slot) -> Waiter {
        match self.slab.get_mut(socket) {
            Some(state) if state.queued_bytes <= state.drain_below_bytes => {
                std::mem::take(&mut state.writer)
            }
            Some(_) | None => Waiter::Nobody,
        }
    }

    /// What waited for the queue to be empty: the end of the stream, the close.
    fn after_send(&mut self, socket: Slot, driver: &mut Driver) {
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

    pub(crate) fn sent_bytes(&self, socket: Slot) -> u64 {
        self.slab.get(socket).map_or(0, |state| state.sent_bytes)
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
            self.after_send(socket, driver);
        }
    }

    pub(crate) fn forget_writer(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.writer = Waiter::Nobody;
        }
    }
}
