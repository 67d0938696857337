//! The state of every open socket, from its first descriptor to its close. Receiving is in
//! `incoming`, sending in `outgoing`, and what transfers do in `readiness`.
//!
//! Functions here run to completion and return whom to wake, so that nothing is woken while the
//! table is borrowed. Queues are boxed, pooled and returned when empty: an idle socket has none.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::memory::{Slab, Slot};

use super::super::Errno;
use super::super::buffers::Lease;
use super::super::clock::Instant;
use super::super::descriptor::Descriptor;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::Segment;
use super::queue::{Queue, Spare};

pub(crate) struct Sockets {
    pub(super) slab: Slab<State>,
    /// Sockets with something to send at the end of this turn.
    pub(super) dirty: Vec<Slot>,
    /// Sockets whose receive found no buffer, first come first served.
    pub(super) starved: VecDeque<Slot>,
    /// Dropped sockets that still send, oldest first, with the time at which they are cut.
    pub(super) lingering: VecDeque<(Instant, Slot)>,
    pub(super) outgoing_spare: Spare<Segment>,
    pub(super) unread_spare: Spare<Lease>,
    pub(super) lists_free: Vec<Vec<Segment>>,
    /// The socket whose bytes are thrown away.
    pub(super) bell: Option<Slot>,
    pub(crate) starved_count: u64,
}

pub(crate) struct State {
    pub(super) descriptor: Descriptor,
    pub(super) peer: Option<SocketAddr>,
    pub(super) reader: Waiter,
    /// The task that waited for input last: told of a failure though it waits for something else.
    pub(super) last_reader: Option<Slot>,
    pub(super) writer: Waiter,
    /// The receive in flight, or a poll for input.
    pub(super) receive: Option<Slot>,
    /// The send in flight, or a poll for room.
    pub(super) send: Option<Slot>,
    /// The oldest unread lease, and those after it.
    pub(super) unread_first: Option<Lease>,
    pub(super) unread_rest: Queue<Lease>,
    pub(super) outgoing: Queue<Segment>,
    pub(super) queued_bytes: usize,
    /// Bytes that the kernel took.
    pub(super) sent_bytes: u64,
    /// The writer is woken when no more than this is queued.
    pub(super) drain_below_bytes: usize,
    pub(super) input: Input,
    /// So many receives bring one lease each, then they are multishot again.
    pub(super) singles_left: u8,
    pub(super) send_error: Option<Errno>,
    pub(super) flags: Flags,
}

/// How the receiving side stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Open,
    Finished,
    Failed(Errno),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// Listed in `dirty`.
    pub(super) dirty: bool,
    /// Listed in `starved`.
    pub(super) starved: bool,
    /// Nobody reads, but the end of the stream must be noticed.
    pub(super) watched: bool,
    /// The receive was asked back.
    pub(super) receive_cancelled: bool,
    /// No more is sent once the queue is empty.
    pub(super) finishing: bool,
    pub(super) finished: bool,
    /// The handle is gone; the state stays until the queue is sent.
    pub(super) dropped: bool,
    /// A transfer reads past us: no receive may be armed.
    pub(super) held: bool,
}

impl Sockets {
    pub(crate) fn new(sockets_count_max: usize) -> Sockets {
        Sockets {
            slab: Slab::new(sockets_count_max),
            dirty: Vec::new(),
            starved: VecDeque::new(),
            lingering: VecDeque::new(),
            outgoing_spare: Spare::new(),
            unread_spare: Spare::new(),
            lists_free: Vec::new(),
            bell: None,
            starved_count: 0,
        }
    }

    /// Takes a connected descriptor in; gives it back when the table is full.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<Slot, Descriptor> {
        let state = State {
            descriptor,
            peer: None,
            reader: Waiter::Nobody,
            last_reader: None,
            writer: Waiter::Nobody,
            receive: None,
            send: None,
            unread_first: None,
            unread_rest: Queue::new(),
            outgoing: Queue::new(),
            queued_bytes: 0,
            sent_bytes: 0,
            drain_below_bytes: 0,
            input: Input::Open,
            singles_left: 0,
            send_error: None,
            flags: Flags::default(),
        };
        self.slab.insert(state).map_err(|state| state.descriptor)
    }

    /// Sockets, without the runtime's own.
    pub(crate) fn open_count(&self) -> usize {
        let own = self.bell.is_some_and(|bell| self.slab.get(bell).is_some());
        self.slab.len() - usize::from(own)
    }

    /// Whether `operation` is one that `socket` knows to be in flight.
    pub(crate) fn owns(&self, socket: Slot, operation: Slot) -> bool {
        self.slab.get(socket).is_some_and(|state| state.operations().any(|one| one == operation))
    }

    /// Operations that sockets know to be in flight.
    pub(crate) fn operations_count(&self) -> usize {
        self.slab.iter().map(|(_, state)| state.operations().count()).sum()
    }

    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.slab.iter().map(|(slot, _)| slot).collect()
    }

    pub(crate) fn peer_address(&mut self, socket: Slot) -> Option<SocketAddr> {
        let state = self.slab.get_mut(socket)?;
        if state.peer.is_none() {
            state.peer = state.descriptor.peer_address();
        }
        state.peer
    }

    pub(crate) fn local_address(&self, socket: Slot) -> Option<SocketAddr> {
        self.slab.get(socket)?.descriptor.local_address()
    }

    pub(crate) fn silent_ms(&self, socket: Slot) -> Option<u32> {
        self.slab.get(socket)?.descriptor.silent_ms()
    }

    pub(crate) fn descriptor(&self, socket: Slot) -> Option<&Descriptor> {
        self.slab.get(socket).map(|state| &state.descriptor)
    }

    // ---- closing

    /// The handle is gone: close once what is queued was sent, or at `deadline` in any case.
    pub(crate) fn release(&mut self, socket: Slot, deadline: Instant, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        state.reader = Waiter::Nobody;
        state.writer = Waiter::Nobody;
        // A poll for room, left by a transfer that was dropped, has nothing to send.
        if state.queued_bytes == 0 {
            self.close(socket, driver);
            return;
        }
        state.flags.dropped = true;
        if self.lingering.len() > 2 * self.slab.len() {
            // Behind one that hangs, those that closed in time would pile up.
            let slab = &self.slab;
            self.lingering.retain(|(_, socket)| slab.get(*socket).is_some());
        }
        self.lingering.push_back((deadline, socket));
    }

    /// Drops what is queued and closes with a reset.
    pub(crate) fn abort(&mut self, socket: Slot, driver: &mut Driver) {
        if let Some(state) = self.slab.get(socket) {
            state.descriptor.reset_on_close();
            self.close(socket, driver);
        }
    }

    /// Forgets the socket. Its operations end by themselves and reach nobody; the descriptor closes
    /// behind their cancellation.
    pub(super) fn close(&mut self, socket: Slot, driver: &mut Driver) {
        let Some(mut state) = self.slab.remove(socket) else { return };
        for operation in state.operations() {
            driver.abandon(operation);
        }
        state.outgoing.clear(&mut self.outgoing_spare);
        state.unread_rest.clear(&mut self.unread_spare);
        driver.close(state.descriptor);
    }

    /// Whether a dropped socket still sends.
    pub(crate) fn has_lingering(&self) -> bool {
        self.lingering.iter().any(|(_, socket)| self.slab.get(*socket).is_some())
    }

    /// When the next lingering socket is to be cut.
    pub(crate) fn linger_deadline(&self) -> Option<Instant> {
        self.lingering.front().map(|(deadline, _)| *deadline)
    }

    /// Cuts the sockets that lingered too long, and forgets those that closed in time.
    pub(crate) fn expire_lingering(&mut self, now: Instant, driver: &mut Driver) {
        while let Some(&(deadline, socket)) = self.lingering.front() {
            let gone = self.slab.get(socket).is_none();
            if !gone && deadline > now {
                return;
            }
            self.lingering.pop_front();
            self.abort(socket, driver);
        }
    }
}

impl State {
    fn operations(&self) -> impl Iterator<Item = Slot> + use<> {
        [self.receive, self.send].into_iter().flatten()
    }
}
