//! The simulated kernel and wires: ends with bounded buffers, events in virtual time, operations
//! that complete as the kernel's do.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::memory::{Block, Slab, Slot};

use super::super::Errno;
use super::super::buffers::{Buffers, Lease};
use super::super::operation::{Address, Owner, Work};
use super::super::ring::Counts;
use super::files::Tree;
use super::random::Random;
use super::state::{End, Event, Input, Kind, Operation, Output, What, copy};
use super::{Faults, Settings};

pub(super) struct Network {
    pub(super) faults: Faults,
    seed: u64,
    pub(super) random: Random,
    buffers: Buffers,
    pub(super) now_ns: u64,
    pub(super) ends: Slab<End>,
    pub(super) tree: Tree,
    listening: HashMap<Address, Slot>,
    pub(super) operations: Slab<Operation>,
    events: BinaryHeap<Reverse<Event>>,
    events_count: u64,
    heard: VecDeque<(Owner, bool, Heard)>,
    counts: Counts,
    trace: u64,
    ports_count: u16,
}

/// What an operation answers, ends by their keys.
#[derive(Debug)]
pub(super) enum Heard {
    Accepted(Result<Slot, Errno>),
    Connected(Result<Slot, Errno>),
    Received(Result<Option<Lease>, Errno>),
    Sent(Result<usize, Errno>, Work),
    Opened(Result<Slot, Errno>),
    Read(Result<usize, Errno>, Block),
}

/// What a system call costs in virtual time; also lets a busy loop see time pass.
const ENTER_NS: u64 = 1_000;

/// Completions that are this near are heard in one turn.
const TOGETHER_NS: u64 = 5_000;

const ENDS_COUNT_MAX: usize = 1 << 16;
const OPERATIONS_COUNT_MAX: usize = 1 << 18;

impl Network {
    pub(super) fn new(settings: Settings, buffers: Buffers) -> Network {
        Network {
            random: Random::new(settings.seed),
            seed: settings.seed,
            faults: settings.faults,
            buffers,
            now_ns: 0,
            ends: Slab::new(ENDS_COUNT_MAX),
            tree: Tree::default(),
            listening: HashMap::new(),
            operations: Slab::new(OPERATIONS_COUNT_MAX),
            events: BinaryHeap::new(),
            events_count: 0,
            heard: VecDeque::new(),
            counts: Counts::default(),
            trace: 0,
            ports_count: 0,
        }
    }

    pub(super) fn listen(&mut self, address: Address) -> Result<Slot, Errno> {
        if self.listening.contains_key(&address) {
            return Err(Errno(libc::EADDRINUSE));
        }
        let mut end = End::new(false);
        if let Address::Tcp(local) = address {
            end.local = Some(local);
        }
        let id = self.ends.insert(end).map_err(|_| Errno::TOO_MANY_FILES)?;
        self.listening.insert(address, id);
        Ok(id)
    }

    pub(super) fn start(&mut self, owner: Owner, end: Slot, work: Work) -> Result<Slot, Errno> {
        let kind = match work {
            Work::Accept => Kind::Accept,
            Work::Receive => Kind::Receive { once: false },
            Work::ReceiveOnce => Kind::Receive { once: true },
            work @ (Work::Send(_) | Work::SendMany(_)) => Kind::Send { work, sent_bytes: 0 },
            Work::Connect(_)
            | Work::Poll(_)
            | Work::Open { .. }
            | Work::Read(_)
            | Work::Fill(_) => return Err(Errno(libc::EINVAL)),
        };
        let sends = matches!(kind, Kind::Send { .. });
        let slot = self.insert(owner, end, kind)?;
        let now_ns = self.now_ns;
        let Some(state) = self.ends.get_mut(end) else { return Err(Errno::CLOSED) };
        if sends {
            assert!(state.send.replace(slot).is_none(), "two sends at once on one socket");
            self.schedule(now_ns, What::Send { end });
        } else {
            assert!(state.receive.replace(slot).is_none(), "two receives at once on one socket");
            self.schedule(now_ns, What::Serve { end });
        }
        Ok(slot)
    }

    pub(super) fn connect(&mut self, owner: Owner, address: &Address) -> Result<Slot, Errno> {
        let slow = self.random.per_mille(self.faults.slow_per_mille);
        let mut end = End::new(slow);
        end.local = Some(self.fresh_address());
        let id = self.ends.insert(end).map_err(|_| Errno::TOO_MANY_FILES)?;
        let operation = self.insert(owner, id, Kind::Connect)?;
        let at_ns = self.now_ns + self.delay(false);
        if self.random.per_mille(self.faults.hang_per_mille) {
            return Ok(operation);
        }
        let what = if self.random.per_mille(self.faults.refuse_per_mille) {
            What::Refuse { operation }
        } else {
            What::Establish { operation, address: address.clone() }
        };
        self.schedule(at_ns, what);
        Ok(operation)
    }

    pub(super) fn insert(&mut self, owner: Owner, end: Slot, kind: Kind) -> Result<Slot, Errno> {
        self.counts.entries += 1;
        let operation = Operation { owner, cancelled: false, end, kind };
        self.operations.insert(operation).map_err(|_| Errno::NO_BUFFERS)
    }

    fn fresh_address(&mut self) -> SocketAddr {
        self.ports_count = self.ports_count.wrapping_add(1);
        SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000u16.wrapping_add(self.ports_count)))
    }

    pub(super) fn cancel(&mut self, slot: Slot) {
        self.counts.entries += 1;
        let Some(operation) = self.operations.get_mut(slot) else { return };
        if !std::mem::replace(&mut operation.cancelled, true) {
            // Late, so that the operation may still bring something: it must reach nobody wrong.
            let at_ns = self.now_ns + self.random.up_to(self.faults.delay_ns_max);
            self.schedule(at_ns, What::Cancel { operation: slot });
        }
    }

    pub(super) fn disown(&mut self, slot: Slot) {
        if let Some(operation) = self.operations.get_mut(slot) {
            operation.owner = Owner::Nobody;
        }
    }

    /// Lets time pass until something is heard, at most `timeout`.
    pub(super) fn enter(&mut self, timeout: Option<Duration>) {
        self.counts.enters += 1;
        self.now_ns += ENTER_NS;
        let deadline_ns = timeout.map(|timeout| {
            self.now_ns.saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX))
        });
        while self.heard.is_empty() {
            let next_ns = self.events.peek().map(|Reverse(event)| event.at_ns);
            match (next_ns, deadline_ns) {
                (Some(at_ns), deadline_ns) if deadline_ns.is_none_or(|latest| at_ns <= latest) => {
                    self.now_ns = self.now_ns.max(at_ns);
                    self.happen_until(self.now_ns + TOGETHER_NS);
                }
                (_, Some(deadline_ns)) => {
                    self.now_ns = self.now_ns.max(deadline_ns);
                    return;
                }
                (_, None) => panic!("seed {}: nothing can happen any more", self.seed),
            }
        }
    }

    fn happen_until(&mut self, latest_ns: u64) {
        while let Some(Reverse(event)) = self.events.peek()
            && event.at_ns <= latest_ns
        {
            let Some(Reverse(event)) = self.events.pop() else { return };
            self.now_ns = self.now_ns.max(event.at_ns);
            self.happen(event.what);
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Establish { operation, address } => self.establish(operation, &address),
            What::Refuse { operation } => self.finish_connect(operation, Err(Errno::REFUSED)),
            What::Arrive { end, bytes } => {
                if let Some(state) = self.ends.get_mut(end) {
                    state.arriving_bytes -= bytes.len();
                    if state.input == Input::Open {
                        state.inbox.extend(&bytes);
                    }
                    self.serve(end);
                }
            }
            What::Finish { end } => {
                if let Some(state) = self.ends.get_mut(end) {
                    if state.input == Input::Open {
                        state.input = Input::Finished;
                    }
                    self.serve(end);
                }
            }
            What::Reset { end } => {
                if let Some(state) = self.ends.get_mut(end) {
                    state.input = Input::Reset;
                    state.output = Output::Broken;
                    state.peer = None;
                    self.serve(end);
                    self.go_on_sending(end);
                }
            }
            What::Serve { end } => self.serve(end),
            What::Send { end } => self.go_on_sending(end),
            What::Disk { operation } => self.answer_from_disk(operation),
            What::Cancel { operation } => self.finish_cancelled(operation),
        }
    }

    // ---- connecting and accepting

    fn establish(&mut self, operation: Slot, address: &Address) {
        let Some(client) = self.operations.get(operation).map(|operation| operation.end) else {
            return;
        };
        let listener = self.listening.get(address).copied();
        let room = listener
            .and_then(|listener| self.ends.get(listener))
            .map_or(0, |listener| self.faults.backlog_count.saturating_sub(listener.backlog.len()));
        let (Some(listener), true) = (listener, room > 0) else {
            return self.finish_connect(operation, Err(Errno::REFUSED));
        };
        let slow = self.random.per_mille(self.faults.slow_per_mille);
        let mut server = End::new(slow);
        server.peer = Some(client);
        server.remote = self.ends.get(client).and_then(|client| client.local);
        if let Address::Tcp(local) = address {
            server.local = Some(*local);
        }
        let (local, Ok(server)) = (server.local, self.ends.insert(server)) else {
            return self.finish_connect(operation, Err(Errno::REFUSED));
        };
        if let Some(client) = self.ends.get_mut(client) {
            client.peer = Some(server);
            client.remote = local;
        }
        if let Some(listener) = self.ends.get_mut(listener) {
            listener.backlog.push_back(server);
        }
        self.finish_connect(operation, Ok(()));
        self.serve(listener);
    }

    fn finish_connect(&mut self, slot: Slot, result: Result<(), Errno>) {
        let Some(operation) = self.operations.remove(slot) else { return };
        if result.is_err() {
            self.ends.remove(operation.end);
        }
        let heard = Heard::Connected(result.map(|()| operation.end));
        self.hear(slot, operation.owner, false, heard);
    }

    // ---- receiving

    /// Answers the accept or the receive of an end with what is there.
    fn serve(&mut self, end: Slot) {
        loop {
            let Some(state) = self.ends.get(end) else { return };
            let Some(slot) = state.receive else { return };
            let is_accept = match self.operations.get(slot) {
                Some(operation) => matches!(operation.kind, Kind::Accept),
                None => return,
            };
            let go_on = if is_accept { self.accept(end, slot) } else { self.receive(end, slot) };
            if !go_on {
                return;
            }
        }
    }

    fn accept(&mut self, listener: Slot, slot: Slot) -> bool {
        let Some(connection) = self.ends.get_mut(listener).and_then(|end| end.backlog.pop_front())
        else {
            return false;
        };
        self.answer_multishot(listener, slot, Heard::Accepted(Ok(connection)))
    }

    fn receive(&mut self, end: Slot, slot: Slot) -> bool {
        let starve = self.random.per_mille(self.faults.starve_per_mille);
        let split = self.random.per_mille(self.faults.split_per_mille);
        let Some(state) = self.ends.get_mut(end) else { return false };
        if state.inbox.is_empty() {
            let result = match state.input {
                Input::Open => return false,
                Input::Finished => Ok(None),
                Input::Reset => Err(Errno::RESET),
            };
            self.end_receive(end, slot, Heard::Received(result));
            return false;
        }
        let mut bytes = state.inbox.make_contiguous();
        if split {
            let count = 1 + self.random.up_to(bytes.len() as u64 - 1) as usize;
            bytes = &mut bytes[..count];
        }
        let lease = if starve { None } else { self.buffers.deliver(bytes) };
        let Some(lease) = lease else {
            self.end_receive(end, slot, Heard::Received(Err(Errno::NO_BUFFERS)));
            return false;
        };
        state.inbox.drain(..lease.len());
        let peer = state.peer;
        let go_on = self.answer_multishot(end, slot, Heard::Received(Ok(Some(lease))));
        let now_ns = self.now_ns;
        if let Some(peer) = peer {
            self.schedule(now_ns, What::Send { end: peer });
        }
        if go_on && split {
            let at_ns = now_ns + self.delay(false);
            self.schedule(at_ns, What::Serve { end });
        }
        go_on && !split
    }

    /// Answers an operation that stays in flight, unless it is its lot to end now.
    fn answer_multishot(&mut self, end: Slot, slot: Slot, heard: Heard) -> bool {
        let once = self
            .operations
            .get(slot)
            .is_some_and(|operation| matches!(operation.kind, Kind::Receive { once: true }));
        if once || self.random.per_mille(self.faults.end_multishot_per_mille) {
            self.end_receive(end, slot, heard);
            return false;
        }
        if let Some(owner) = self.operations.get(slot).map(|operation| operation.owner) {
            self.hear(slot, owner, true, heard);
        }
        true
    }

    fn end_receive(&mut self, end: Slot, slot: Slot, heard: Heard) {
        if let Some(state) = self.ends.get_mut(end) {
            state.receive = None;
        }
        if let Some(operation) = self.operations.remove(slot) {
            self.hear(slot, operation.owner, false, heard);
        }
    }

    // ---- sending

    /// Moves what the peer has room for; ends the send when all is moved, or it is to be short.
    fn go_on_sending(&mut self, end: Slot) {
        let Some(state) = self.ends.get(end) else { return };
        let (peer, output) = (state.peer, state.output);
        let Some(slot) = state.send else { return };
        if output != Output::Open {
            return self.end_send(end, slot, Err(Errno::BROKEN_PIPE));
        }
        let room = peer.and_then(|peer| self.ends.get(peer)).map_or(usize::MAX, |peer| {
            let full = peer.inbox.len() + peer.arriving_bytes;
            self.faults.socket_buffer_bytes.saturating_sub(full)
        });
        let Some(Operation { kind: Kind::Send { work, sent_bytes }, .. }) =
            self.operations.get_mut(slot)
        else {
            return;
        };
        // Read at this moment, as the kernel does: a change of the bytes meanwhile is found out.
        let piece = copy(work, *sent_bytes, room);
        *sent_bytes += piece.len();
        let (sent_bytes, all) = (*sent_bytes, *sent_bytes == work.bytes());
        if !piece.is_empty() {
            self.travel(end, peer, piece);
        }
        let short = sent_bytes > 0 && self.random.per_mille(self.faults.short_send_per_mille);
        if all || short {
            self.end_send(end, slot, Ok(sent_bytes));
        }
    }

    fn travel(&mut self, from: Slot, to: Option<Slot>, bytes: Vec<u8>) {
        let reset = self.random.per_mille(self.faults.reset_per_mille);
        let Some(peer) = to else {
            // Nobody is there: the first bytes are answered with a reset.
            let at_ns = self.now_ns + self.delay(false);
            return self.schedule(at_ns, What::Reset { end: from });
        };
        let at_ns = self.arrival_ns(peer);
        if reset {
            self.schedule(at_ns, What::Reset { end: from });
            return self.schedule(at_ns, What::Reset { end: peer });
        }
        if let Some(state) = self.ends.get_mut(peer) {
            state.arriving_bytes += bytes.len();
            self.schedule(at_ns, What::Arrive { end: peer, bytes });
        }
    }

    fn end_send(&mut self, end: Slot, slot: Slot, result: Result<usize, Errno>) {
        if let Some(state) = self.ends.get_mut(end) {
            state.send = None;
        }
        if let Some(Operation { owner, kind: Kind::Send { work, .. }, .. }) =
            self.operations.remove(slot)
        {
            self.hear(slot, owner, false, Heard::Sent(result, work));
        }
    }

    // ---- ending

    fn finish_cancelled(&mut self, slot: Slot) {
        let Some(operation) = self.operations.get(slot) else { return };
        let end = operation.end;
        match operation.kind {
            Kind::Connect => self.finish_connect(slot, Err(Errno::CANCELLED)),
            Kind::Accept => self.end_receive(end, slot, Heard::Accepted(Err(Errno::CANCELLED))),
            Kind::Receive { .. } => {
                self.end_receive(end, slot, Heard::Received(Err(Errno::CANCELLED)))
            }
            Kind::Open { .. } => self.finish_open(slot, Err(Errno::CANCELLED)),
            Kind::Read { .. } => self.finish_read(slot, Err(Errno::CANCELLED)),
            Kind::Send { sent_bytes: 0, .. } => self.end_send(end, slot, Err(Errno::CANCELLED)),
            Kind::Send { sent_bytes, .. } => self.end_send(end, slot, Ok(sent_bytes)),
        }
    }

    pub(super) fn shutdown_write(&mut self, end: Slot) {
        let Some(state) = self.ends.get_mut(end) else { return };
        if state.output != Output::Open {
            return;
        }
        state.output = Output::Shut;
        if let Some(peer) = state.peer {
            let at_ns = self.arrival_ns(peer);
            self.schedule(at_ns, What::Finish { end: peer });
        }
    }

    pub(super) fn reset_on_close(&mut self, end: Slot) {
        if let Some(state) = self.ends.get_mut(end) {
            state.reset_on_close = true;
        }
    }

    pub(super) fn close(&mut self, end: Slot) {
        self.listening.retain(|_, listener| *listener != end);
        let Some(state) = self.ends.remove(end) else { return };
        for waiting in state.backlog {
            self.reset_on_close(waiting);
            self.close(waiting);
        }
        let Some(peer) = state.peer else { return };
        let at_ns = self.arrival_ns(peer);
        let cut = state.reset_on_close || !state.inbox.is_empty();
        self.schedule(
            at_ns,
            if cut { What::Reset { end: peer } } else { What::Finish { end: peer } },
        );
        if let Some(peer) = self.ends.get_mut(peer) {
            peer.peer = None;
        }
        self.schedule(at_ns, What::Send { end: peer });
    }

    // ---- time and accounts

    fn delay(&mut self, slow: bool) -> u64 {
        let slow_ns = if slow { self.random.up_to(self.faults.slow_ns_max) } else { 0 };
        slow_ns + self.random.up_to(self.faults.delay_ns_max)
    }

    /// When what is sent to `end` now arrives: not before what was sent earlier.
    fn arrival_ns(&mut self, end: Slot) -> u64 {
        let slow = self.ends.get(end).is_some_and(|end| end.slow);
        let at_ns = self.now_ns + self.delay(slow);
        let Some(end) = self.ends.get_mut(end) else { return at_ns };
        end.last_arrival_ns = end.last_arrival_ns.max(at_ns);
        end.last_arrival_ns
    }

    pub(super) fn schedule(&mut self, at_ns: u64, what: What) {
        self.events_count += 1;
        self.events.push(Reverse(Event { at_ns, number: self.events_count, what }));
    }

    pub(super) fn hear(&mut self, slot: Slot, owner: Owner, more: bool, heard: Heard) {
        self.counts.completions += 1;
        let result = match &heard {
            Heard::Accepted(result) | Heard::Connected(result) | Heard::Opened(result) => {
                result.map(Slot::to_bits)
            }
            Heard::Received(result) => match result {
                Ok(lease) => Ok(lease.as_ref().map_or(0, |lease| lease.len() as u64)),
                Err(errno) => Err(*errno),
            },
            Heard::Sent(result, _) | Heard::Read(result, _) => result.map(|bytes| bytes as u64),
        };
        let number = result.unwrap_or_else(|errno| u64::MAX - errno.0.unsigned_abs() as u64);
        for word in [self.now_ns, slot.to_bits(), u64::from(more), number] {
            self.trace = Random::new(self.trace ^ word).bits();
        }
        self.heard.push_back((owner, more, heard));
    }

    pub(super) fn next(&mut self) -> Option<(Owner, bool, Heard)> {
        self.heard.pop_front()
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    pub(super) fn trace_hash(&self) -> u64 {
        self.trace
    }

    pub(super) fn in_flight(&self) -> usize {
        self.operations.len()
    }

    pub(super) fn ends_count(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn owners(&self) -> Vec<(Slot, Owner, bool)> {
        self.operations.iter().map(|(slot, one)| (slot, one.owner, one.cancelled)).collect()
    }

    /// The local and the remote address of an end.
    pub(super) fn addresses(&self, end: Slot) -> (Option<SocketAddr>, Option<SocketAddr>) {
        self.ends.get(end).map_or((None, None), |end| (end.local, end.remote))
    }
}
