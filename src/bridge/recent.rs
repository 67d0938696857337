//! The requests that ended last, of one worker: a ring of slots that the worker writes over and
//! control reads, for whoever asks later why a request went where it did.
//!
//! There is one writer and it never waits: a slot is written over whether or not somebody reads it.
//! Each slot begins with the number of its record, which is cleared while the slot is written; a
//! reader that finds the same number before and after has a whole record (Boehm, "Can seqlocks get
//! along with programming language memory models?", 2012). Only words are stored, so nothing here
//! is `unsafe`, and a torn record is noticed, never read.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::reason::Reason;
use crate::limits::{RECENT_HEAD_BYTES_MAX, RECENT_IDENTITY_BYTES_MAX, RECENT_SLOT_BYTES};
use crate::snapshot::filter::{FilterId, RuleId};
use crate::snapshot::{RouteId, UpstreamId};

/// How much of a request's head a record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kept {
    /// Request line and fields, but for those that are withheld.
    Head,
    /// The same, and there were more fields than had room.
    Part,
    /// The first line alone, or a part of it: the head was refused, or had no room.
    Line,
}

/// What is known of an exchange that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The request's id.
    pub id: u128,
    /// Unix seconds of the exchange's end.
    pub wall_seconds: u64,
    /// Nanoseconds within that second.
    pub wall_nanos: u32,
    /// The generation that the exchange began with.
    pub generation: u64,
    /// The route, unless none was found.
    pub route: Option<RouteId>,
    /// The upstream tried last, unless none was.
    pub upstream: Option<UpstreamId>,
    /// The address of that upstream that was tried.
    pub endpoint: Option<SocketAddr>,
    /// The peer's address; none on a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Whether `trusted_proxies` named the peer.
    pub is_trusted: bool,
    /// Whether the connection was encrypted.
    pub is_tls: bool,
    /// How it ended.
    pub reason: Reason,
    /// The status that the client was sent; 0 if no response was begun.
    pub status: u16,
    /// The upstream's own status; 0 if it sent none.
    pub upstream_status: u16,
    /// Attempts made on upstreams.
    pub attempts: u8,
    /// Bytes of head and body received from the client.
    pub bytes_in: u64,
    /// Bytes of head and body sent to the client.
    pub bytes_out: u64,
    /// From the head's first byte to the response's last.
    pub duration_ns: u64,
    /// Spent connecting; 0 on a reused connection.
    pub connect_ns: u64,
    /// From the request head's sending to the response head's arrival; 0 if there was no response.
    pub first_byte_ns: u64,
    /// How much of the head follows.
    pub kept: Kept,
    /// Secrets that the request had and the record has not: a bit for each of
    /// [`crate::http::field::SECRET`], [`WITHHELD_FIELD`] and [`WITHHELD_QUERY`].
    pub withheld: u8,
    /// Who asked, as a filter found out.
    pub identity: Identity,
    /// The filter that refused or answered the request, or that it was at when it ended.
    pub filter: Option<FilterId>,
    /// The rule of access that decided, and the filter that has it.
    pub rule: Option<(FilterId, RuleId)>,
}

/// The name of a client, in so far as it is kept: at most [`RECENT_IDENTITY_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    bytes: [u8; RECENT_IDENTITY_BYTES_MAX],
    count: u8,
}

impl Identity {
    /// Nobody's.
    pub const NONE: Identity = Identity { bytes: [0; RECENT_IDENTITY_BYTES_MAX], count: 0 };

    /// The name, or as much of it as is kept.
    pub fn new(name: &str) -> Identity {
        let name = &name[..name.floor_char_boundary(RECENT_IDENTITY_BYTES_MAX)];
        let mut identity = Identity { count: name.len() as u8, ..Identity::NONE };
        identity.bytes[..name.len()].copy_from_slice(name.as_bytes());
        identity
    }

    /// The name; empty where nobody is known.
    pub fn name(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.count)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Of [`Facts::withheld`]: a field in which the configuration looks for credentials. It was kept
/// with a mask for its value.
pub const WITHHELD_FIELD: u8 = 1 << 6;

/// Of [`Facts::withheld`]: a parameter of the query in which the configuration looks for
/// credentials. It was kept with a mask for its value.
pub const WITHHELD_QUERY: u8 = 1 << 7;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Its number among the worker's records, from one.
    pub number: u64,
    /// What is known.
    pub facts: Facts,
    /// As much of the head as [`Facts::kept`] says.
    pub head: Vec<u8>,
}

/// The ring: written by one thread, read by any.
pub struct Ring {
    words: Box<[AtomicU64]>,
    slots_count: u64,
    /// Records written since the start: the number of the newest.
    written: AtomicU64,
}

impl Ring {
    /// A ring of so many slots, at least one.
    pub fn new(slots_count: usize) -> Ring {
        let slots_count = slots_count.max(1);
        let words = (0..slots_count * SLOT_WORDS).map(|_| AtomicU64::new(0)).collect();
        Ring { words, slots_count: slots_count as u64, written: AtomicU64::new(0) }
    }

    /// Writes over the oldest record; only the owning thread may. Of a head that is longer than
    /// [`RECENT_HEAD_BYTES_MAX`] the end is lost.
    pub fn push(&self, facts: &Facts, head: &[u8]) {
        let number = self.written.load(Ordering::Relaxed) + 1;
        let head = head.get(..RECENT_HEAD_BYTES_MAX).unwrap_or(head);
        let Some((first, rest)) = self.slot(number).and_then(<[AtomicU64]>::split_first) else {
            return;
        };
        first.store(BEING_WRITTEN, Ordering::Relaxed);
        // Orders the clearing of the number before every word that follows.
        fence(Ordering::Release);
        let (fixed, text) = rest.split_at(FACTS_WORDS);
        for (to, from) in fixed.iter().zip(facts.words(head.len())) {
            to.store(from, Ordering::Relaxed);
        }
        let (chunks, tail) = head.as_chunks::<8>();
        for (to, from) in text.iter().zip(chunks) {
            to.store(u64::from_le_bytes(*from), Ordering::Relaxed);
        }
        if let (Some(to), false) = (text.get(chunks.len()), tail.is_empty()) {
            let mut last = [0; 8];
            last[..tail.len()].copy_from_slice(tail);
            to.store(u64::from_le_bytes(last), Ordering::Relaxed);
        }
        first.store(number, Ordering::Release);
        self.written.store(number, Ordering::Release);
    }

    /// The number of the newest record; 0 where there is none.
    pub fn newest(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The number of the oldest record that can still be there.
    pub fn oldest(&self) -> u64 {
        (self.newest() + 1).saturating_sub(self.slots_count).max(1)
    }

    /// The record of a number; none if it was written over, is being so, or was never there.
    pub fn read(&self, number: u64) -> Option<Recent> {
        let (first, rest) = self.slot(number)?.split_first()?;
        if number == BEING_WRITTEN || first.load(Ordering::Acquire) != number {
            return None;
        }
        let mut words = [0; SLOT_WORDS - 1];
        for (to, from) in words.iter_mut().zip(rest) {
            *to = from.load(Ordering::Relaxed);
        }
        // Orders every word above before the second look at the number.
        fence(Ordering::Acquire);
        if first.load(Ordering::Relaxed) != number {
            return None;
        }
        let (fixed, text) = words.split_first_chunk::<FACTS_WORDS>()?;
        let (facts, head_bytes) = Facts::of_words(fixed)?;
        let mut head = Vec::with_capacity(text.len() * 8);
        text.iter().for_each(|word| head.extend_from_slice(&word.to_le_bytes()));
        head.truncate(head_bytes);
        Some(Recent { number, facts, head })
    }

    fn slot(&self, number: u64) -> Option<&[AtomicU64]> {
        let index = usize::try_from(number % self.slots_count).ok()?;
        self.words.get(index * SLOT_WORDS..(index + 1) * SLOT_WORDS)
    }
}

/// No record has this number.
const BEING_WRITTEN: u64 = 0;
const SLOT_WORDS: usize = RECENT_SLOT_BYTES / 8;
const IDENTITY_WORDS: usize = RECENT_IDENTITY_BYTES_MAX / 8;
const FIXED_WORDS: usize = 20;
const FACTS_WORDS: usize = FIXED_WORDS + IDENTITY_WORDS;
/// Stands for no route, upstream and filter; all are counted from zero and bounded far below.
const ABSENT: u32 = u32::MAX;

const _: () = assert!(8 * (1 + FACTS_WORDS) + RECENT_HEAD_BYTES_MAX <= RECENT_SLOT_BYTES);
const _: () = assert!(RECENT_IDENTITY_BYTES_MAX.is_multiple_of(8));
const _: () = assert!(RECENT_IDENTITY_BYTES_MAX <= u8::MAX as usize);

impl Facts {
    fn words(&self, head_bytes: usize) -> [u64; FACTS_WORDS] {
        let route = self.route.map_or(ABSENT, |id| id.0);
        let upstream = self.upstream.map_or(ABSENT, |id| id.0);
        let filter = self.filter.map_or(ABSENT, |id| id.0);
        let (of_rule, rule) = self.rule.map_or((ABSENT, 0), |(filter, rule)| (filter.0, rule.0));
        let flags = u64::from(self.is_trusted)
            | u64::from(self.is_tls) << 1
            | u64::from(self.peer.is_some()) << 2
            | u64::from(self.endpoint.is_some()) << 3;
        let [peer_high, peer_low, peer_port] = address_words(self.peer);
        let [endpoint_high, endpoint_low, endpoint_port] = address_words(self.endpoint);
        let fixed: [u64; FIXED_WORDS] = [
            (self.id >> 64) as u64,
            self.id as u64,
            self.wall_seconds,
            u64::from(self.wall_nanos) | (head_bytes as u64) << 32,
            self.generation,
            u64::from(route) | u64::from(upstream) << 32,
            u64::from(self.status)
                | u64::from(self.upstream_status) << 16
                | u64::from(self.attempts) << 32
                | (self.reason.index() as u64) << 40
                | u64::from(self.withheld) << 48
                | (self.kept as u64) << 56,
            flags,
            self.bytes_in,
            self.bytes_out,
            self.duration_ns,
            self.connect_ns,
            self.first_byte_ns,
            peer_high,
            peer_low,
            endpoint_high,
            endpoint_low,
            peer_port | endpoint_port << 16,
            u64::from(filter) | u64::from(of_rule) << 32,
            u64::from(rule) | u64::from(self.identity.count) << 16,
        ];
        let mut words = [0; FACTS_WORDS];
        let (first, identity) = words.split_at_mut(FIXED_WORDS);
        first.copy_from_slice(&fixed);
        let (chunks, _) = self.identity.bytes.as_chunks::<8>();
        for (to, from) in identity.iter_mut().zip(chunks) {
            *to = u64::from_le_bytes(*from);
        }
        words
    }

    fn of_words(words: &[u64; FACTS_WORDS]) -> Option<(Facts, usize)> {
        let [id_high, id_low, wall_seconds, nanos_bytes, generation, ids, packed, more @ ..] =
            *words;
        let [flags, bytes_in, bytes_out, duration_ns, connect_ns, first_byte_ns, addresses @ ..] =
            more;
        let [peer_high, peer_low, endpoint_high, endpoint_low, ports, filters, rule, name @ ..] =
            addresses;
        let mut bytes = [0; RECENT_IDENTITY_BYTES_MAX];
        for (to, from) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(name) {
            *to = from.to_le_bytes();
        }
        let is_set = |bit: u32| flags >> bit & 1 == 1;
        let facts = Facts {
            id: u128::from(id_high) << 64 | u128::from(id_low),
            wall_seconds,
            wall_nanos: nanos_bytes as u32,
            generation,
            route: present(ids as u32).map(RouteId),
            upstream: present((ids >> 32) as u32).map(UpstreamId),
            endpoint: is_set(3).then(|| address(endpoint_high, endpoint_low, (ports >> 16) as u16)),
            peer: is_set(2).then(|| address(peer_high, peer_low, ports as u16)),
            is_trusted: is_set(0),
            is_tls: is_set(1),
            reason: Reason::from_index((packed >> 40) as usize & 0xff)?,
            status: packed as u16,
            upstream_status: (packed >> 16) as u16,
            attempts: (packed >> 32) as u8,
            bytes_in,
            bytes_out,
            duration_ns,
            connect_ns,
            first_byte_ns,
            kept: Kept::of((packed >> 56) as u8)?,
            withheld: (packed >> 48) as u8,
            identity: Identity { bytes, count: (rule >> 16) as u8 },
            filter: present(filters as u32).map(FilterId),
            rule: present((filters >> 32) as u32)
                .map(|filter| (FilterId(filter), RuleId(rule as u16))),
        };
        Some((facts, (nanos_bytes >> 32) as usize))
    }
}

impl Kept {
    fn of(number: u8) -> Option<Kept> {
        [Kept::Head, Kept::Part, Kept::Line].into_iter().find(|kept| *kept as u8 == number)
    }
}

/// Both halves of the address as IPv6 has it, and the port.
fn address_words(address: Option<SocketAddr>) -> [u64; 3] {
    let Some(address) = address else { return [0; 3] };
    let bits = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    };
    [(bits >> 64) as u64, bits as u64, u64::from(address.port())]
}

fn address(high: u64, low: u64, port: u16) -> SocketAddr {
    let ip = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
    SocketAddr::new(IpAddr::V6(ip).to_canonical(), port)
}

fn present(id: u32) -> Option<u32> {
    (id != ABSENT).then_some(id)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    /// Facts with something in every field.
    pub(crate) fn facts() -> Facts {
        Facts {
            id: 0x0123_4567_89ab_cdef_0011_2233_4455_6677,
            wall_seconds: 1_700_000_000,
            wall_nanos: 123_456_789,
            generation: 7,
            route: Some(RouteId(1)),
            upstream: Some(UpstreamId(2)),
            endpoint: Some(SocketAddr::from(([10, 0, 0, 1], 8080))),
            peer: Some(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 40_000))),
            is_trusted: true,
            is_tls: false,
            reason: Reason::Ok,
            status: 200,
            upstream_status: 201,
            attempts: 2,
            bytes_in: 100,
            bytes_out: 2_000,
            duration_ns: 1_234_567,
            connect_ns: 200_000,
            first_byte_ns: 900_000,
            kept: Kept::Part,
            withheld: 5,
            identity: Identity::new("ann"),
            filter: Some(FilterId(0)),
            rule: Some((FilterId(0), RuleId(1))),
        }
    }

    #[test]
    fn gives_back_every_field() {
        let ring = Ring::new(4);
        let absent = Facts {
            route: None,
            upstream: None,
            endpoint: None,
            peer: None,
            is_trusted: false,
            is_tls: true,
            reason: *Reason::ALL.last().expect("there are reasons"),
            kept: Kept::Line,
            withheld: 0,
            identity: Identity::NONE,
            filter: None,
            rule: None,
            ..facts()
        };
        for head in [&b""[..], b"GET / HT", b"GET /abc HTTP/1.1"] {
            ring.push(&facts(), head);
            ring.push(&absent, head);
            let number = ring.newest();
            let read = |number| ring.read(number).expect("it was just written");
            assert_eq!(
                read(number - 1),
                Recent { number: number - 1, facts: facts(), head: head.into() }
            );
            assert_eq!(read(number), Recent { number, facts: absent, head: head.into() });
        }
    }

    #[test]
    fn keeps_the_newest_and_only_them() {
        let ring = Ring::new(3);
        assert_eq!((ring.newest(), ring.oldest()), (0, 1));
        assert_eq!(ring.read(0), None);
        assert_eq!(ring.read(1), None);
        for number in 1..=10u64 {
            ring.push(&Facts { bytes_in: number, ..facts() }, b"x");
        }
        assert_eq!((ring.newest(), ring.oldest()), (10, 8));
        assert_eq!(ring.read(7), None);
        assert_eq!(ring.read(11), None);
        for number in 8..=10 {
            assert_eq!(ring.read(number).map(|recent| recent.facts.bytes_in), Some(number));
        }
    }

    #[test]
    fn cuts_a_head_that_is_too_long() {
        let ring = Ring::new(1);
        ring.push(&facts(), &[b'a'; RECENT_HEAD_BYTES_MAX + 9]);
        let read = ring.read(1).expect("it was just written");
        assert_eq!(read.head, [b'a'; RECENT_HEAD_BYTES_MAX]);
    }

    #[test]
    fn cuts_a_name_between_characters() {
        let long = "é".repeat(RECENT_IDENTITY_BYTES_MAX);
        assert_eq!(Identity::new(&long).name(), "é".repeat(RECENT_IDENTITY_BYTES_MAX / 2));
        let odd = format!("a{long}");
        assert_eq!(Identity::new(&odd).name().len(), RECENT_IDENTITY_BYTES_MAX - 1);
        assert_eq!((Identity::new("ann").name(), Identity::NONE.name()), ("ann", ""));
    }

    #[test]
    fn a_reader_beside_the_writer_never_sees_half_a_record() {
        const RECORDS_COUNT: u64 = 20_000;
        let ring = Arc::new(Ring::new(2));
        let written = Arc::clone(&ring);
        let writing = std::thread::spawn(move || {
            for number in 1..=RECORDS_COUNT {
                let head = [number as u8; 333];
                written.push(&Facts { bytes_in: number, bytes_out: number, ..facts() }, &head);
            }
        });
        let mut seen_count = 0;
        while ring.newest() < RECORDS_COUNT || seen_count == 0 {
            let newest = ring.newest();
            let Some(recent) = ring.read(newest) else { continue };
            seen_count += 1;
            assert_eq!(recent.facts.bytes_in, newest);
            assert_eq!(recent.facts.bytes_out, newest);
            assert_eq!(recent.head, [newest as u8; 333]);
        }
        writing.join().expect("the writer does not panic");
    }
}
