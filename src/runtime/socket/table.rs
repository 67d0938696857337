//! The state of every open socket, and what happens to it: arming receives, gathering sends,
//! hearing completions, closing.
//!
//! Functions here run to completion and return whom to wake, so that nothing is woken while the
//! table is borrowed. Queues are boxed, pooled and returned when empty: an idle socket has none.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::limits;
use crate::memory::{Slab, Slot};

use super::super::Errno;
use super::super::buffers::Lease;
use super::super::clock::Instant;
use super::super::descriptor::Descriptor;
use super::super::driver::Driver;
use super::super::executor::Waiter;
use super::super::operation::{Owner, Readiness, Segment, Work};
use super::queue::{Queue, Spare};

pub(crate) struct Sockets {
    slab: Slab<State>,
    /// Sockets with something to send at the end of this turn.
    dirty: Vec<Slot>,
    /// Sockets whose receive found no buffer, first come first served.
    starved: VecDeque<Slot>,
    /// Dropped sockets that still send, oldest first, with the time at which they are cut.
    lingering: VecDeque<(Instant, Slot)>,
    outgoing_spare: Spare<Segment>,
    unread_spare: Spare<Lease>,
    lists_free: Vec<Vec<Segment>>,
    pub(crate) starved_count: u64,
}

pub(crate) struct State {
    descriptor: Descriptor,
    peer: Option<SocketAddr>,
    reader: Waiter,
    writer: Waiter,
    /// The receive in flight, or a poll for input.
    receive: Option<Slot>,
    /// The send in flight, or a poll for room.
    send: Option<Slot>,
    /// The oldest unread lease, and those after it.
    unread_first: Option<Lease>,
    unread_rest: Queue<Lease>,
    outgoing: Queue<Segment>,
    queued_bytes: usize,
    /// Bytes that the kernel took.
    sent_bytes: u64,
    /// The writer is woken when no more than this is queued.
    drain_below_bytes: usize,
    input: Input,
    /// So many receives bring one lease each, then they are multishot again.
    singles_left: u8,
    send_error: Option<Errno>,
    flags: Flags,
}

/// How the receiving side stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    Finished,
    Failed(Errno),
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// Listed in `dirty`.
    dirty: bool,
    /// Listed in `starved`.
    starved: bool,
    /// Nobody reads, but the end of the stream must be noticed.
    watched: bool,
    /// The receive was asked back.
    receive_cancelled: bool,
    /// No more is sent once the queue is empty.
    finishing: bool,
    finished: bool,
    /// The handle is gone; the state stays until the queue is sent.
    dropped: bool,
    /// A transfer reads past us: no receive may be armed.
    held: bool,
}

/// Receives of one lease each after a transfer. Bodies that come as one in eight keep it so.
const SINGLES_AFTER_TRANSFER: u8 = 8;

/// Unused lists of segments that are kept: as many as sends are likely in flight.
const LISTS_FREE_MAX: usize = 256;

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
            starved_count: 0,
        }
    }

    /// Takes a connected descriptor in; gives it back when the table is full.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<Slot, Descriptor> {
        let state = State {
            descriptor,
            peer: None,
            reader: Waiter::Nobody,
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

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
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

    pub(crate) fn descriptor(&self, socket: Slot) -> Option<&Descriptor> {
        self.slab.get(socket).map(|state| &state.descriptor)
    }

    // ---- receiving

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

    pub(crate) fn forget_writer(&mut self, socket: Slot) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.writer = Waiter::Nobody;
        }
    }

    /// Arms the receive though nobody waits.
    pub(crate) fn watch(&mut self, socket: Slot, driver: &mut Driver) {
        if let Some(state) = self.slab.get_mut(socket) {
            state.flags.watched = true;
            self.arm(socket, driver);
        }
    }

    pub(crate) fn is_dead(&self, socket: Slot) -> bool {
        self.slab.get(socket).is_none_or(|state| {
            state.input != Input::Open
                || state.send_error.is_some()
                || state.unread_first.is_some()
                || state.flags.starved
        })
    }

    fn arm(&mut self, socket: Slot, driver: &mut Driver) {
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
            Ok(Some(lease)) => {
                self.queue_unread(socket, lease, driver);
            }
            Ok(None) => state.input = Input::Finished,
            Err(Errno::NO_BUFFERS) => {
                self.starved_count += 1;
                if !matches!(state.reader, Waiter::Nobody) || state.flags.watched {
                    state.flags.starved = true;
                    self.starved.push_back(socket);
                }
                return Waiter::Nobody;
            }
            Err(Errno::CANCELLED) if state.flags.receive_cancelled => {
                if state.flags.held {
                    return std::mem::take(&mut state.reader);
                }
                // Whoever began to wait since finds the receive gone: arm it for him.
                if !matches!(state.reader, Waiter::Nobody) {
                    self.arm(socket, driver);
                }
                return Waiter::Nobody;
            }
            Err(errno) => state.input = Input::Failed(errno),
        }
        self.slab.get_mut(socket).map(|state| std::mem::take(&mut state.reader)).unwrap_or_default()
    }

    fn queue_unread(&mut self, socket: Slot, lease: Lease, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        if state.unread_first.is_none() {
            state.unread_first = Some(lease);
            return;
        }
        state.unread_rest.push_back(lease, &mut self.unread_spare);
        let too_many = state.unread_rest.len() + 1 > limits::LEASES_QUEUED_MAX;
        if let Some(operation) = state.receive
            && too_many
            && !state.flags.receive_cancelled
        {
            state.flags.receive_cancelled = true;
            driver.cancel(operation);
        }
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

    // ---- sending

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

    fn mark_dirty(&mut self, socket: Slot) {
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

    // ---- transfers, which read and write past the queues

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
                let waiter = std::mem::take(&mut state.writer);
                self.mark_dirty(socket);
                waiter
            }
        }
    }

    // ---- closing

    /// The handle is gone: close once what is queued was sent, or at `deadline` in any case.
    pub(crate) fn release(&mut self, socket: Slot, deadline: Instant, driver: &mut Driver) {
        let Some(state) = self.slab.get_mut(socket) else { return };
        state.reader = Waiter::Nobody;
        state.writer = Waiter::Nobody;
        if state.send.is_none() && state.outgoing.is_empty() {
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
    fn close(&mut self, socket: Slot, driver: &mut Driver) {
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
