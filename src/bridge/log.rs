//! Access-log records from one worker to the log's thread, through a bounded ring of bytes.
//!
//! The worker writes facts and never text; names, escaping and files are the log thread's. A ring
//! without room costs the record, which is counted, and never the worker's time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use super::metrics::WorkerBlock;
use super::reason::Reason;
use crate::limits::{LOG_FIELD_BYTES_MAX, LOG_IDENTITY_BYTES_MAX, LOG_TEXTS_COUNT};
use crate::snapshot::filter::{FilterId, RuleId};
use crate::snapshot::{ExchangeId, RequestId, RouteId, UpstreamId};

/// One exchange, as the log wants it. Texts are raw peer bytes, cut at [`LOG_FIELD_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
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
    /// The address of that upstream that was tried; none on a Unix socket.
    pub endpoint: Option<SocketAddr>,
    /// The client's address; none on a Unix socket.
    pub client: Option<SocketAddr>,
    /// What the request is found again by.
    pub request_id: RequestId<'a>,
    /// How it ended.
    pub reason: Reason,
    /// The kernel's error number behind it; 0 where there is none.
    pub errno: u16,
    /// The status that the client was sent; 0 if no response was begun.
    pub status: u16,
    /// The upstream's own status; 0 if it sent none.
    pub upstream_status: u16,
    /// Attempts made on upstreams.
    pub attempts: u16,
    /// HTTP version of the request: 10 or 11; 0 if none was understood.
    pub version: u16,
    /// The connection's number within its worker.
    pub connection: u64,
    /// The exchange's number within its connection, from one.
    pub connection_request: u64,
    /// Bytes of head and body received from the client.
    pub bytes_in: u64,
    /// Bytes of head and body sent to the client.
    pub bytes_out: u64,
    /// Bytes of body sent to the client, without the coding of chunks.
    pub body_bytes_out: u64,
    /// From the head's first byte to the response's last.
    pub duration_ns: u64,
    /// Spent connecting; 0 on a reused connection.
    pub connect_ns: u64,
    /// From the request head's sending to the response head's arrival; 0 if there was no response.
    pub first_byte_ns: u64,
    /// From the request head's sending to the end of the exchange with the upstream.
    pub upstream_ns: u64,
    /// The request's method.
    pub method: &'a [u8],
    /// The request's target as it was sent.
    pub target: &'a [u8],
    /// The authority that was asked for.
    pub host: &'a [u8],
    /// `Referer`, or nothing.
    pub referer: &'a [u8],
    /// `User-Agent`, or nothing.
    pub user_agent: &'a [u8],
    /// The client's own `X-Forwarded-For`, or nothing.
    pub forwarded_for: &'a [u8],
    /// Who asked, as a filter found out; cut at [`LOG_IDENTITY_BYTES_MAX`].
    pub identity: &'a [u8],
    /// The filter that refused or answered the request, or that it was at when it ended.
    pub filter: Option<FilterId>,
    /// The rule of access that decided, and the filter that has it.
    pub rule: Option<(FilterId, RuleId)>,
    /// The first limit in shadow mode that would have refused the request.
    pub shadow: Option<FilterId>,
}

/// The worker's end.
pub struct Writer {
    ring: Producer<u8>,
    scratch: Vec<u8>,
    block: Arc<WorkerBlock>,
}

/// The log thread's end.
pub struct Reader {
    ring: Consumer<u8>,
    scratch: Vec<u8>,
}

/// A ring of `ring_bytes` for the worker of this block.
pub fn ring(ring_bytes: usize, block: &Arc<WorkerBlock>) -> (Writer, Reader) {
    let (producer, consumer) = RingBuffer::new(ring_bytes);
    let writer = Writer { ring: producer, scratch: Vec::new(), block: Arc::clone(block) };
    (writer, Reader { ring: consumer, scratch: Vec::new() })
}

impl Writer {
    /// Hands a record over, whole or not at all; false, and counted, if there was no room.
    pub fn push(&mut self, record: &Record<'_>) -> bool {
        self.scratch.clear();
        record.encode(&mut self.scratch);
        let taken = self.ring.push_entire_slice(&self.scratch).is_ok();
        self.block.log_pushed(taken);
        taken
    }
}

impl Reader {
    /// The oldest record not yet taken.
    pub fn pop(&mut self) -> Option<Record<'_>> {
        let mut length = [0; LENGTH_BYTES];
        self.ring.pop_entire_slice(&mut length).ok()?;
        self.scratch.resize(u32::from_le_bytes(length) as usize, 0);
        // The writer commits a record whole, so its rest is there with its length.
        self.ring.pop_entire_slice(&mut self.scratch).ok()?;
        Record::decode(&self.scratch)
    }
}

const LENGTH_BYTES: usize = 4;
const WORDS_COUNT: usize = 18;
/// Stands for no route, upstream and filter; all are counted from zero and bounded far below.
const ABSENT: u32 = u32::MAX;

impl<'a> Record<'a> {
    /// The record's length and then the record, in the form that only this file reads.
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        for word in self.words() {
            out.extend_from_slice(&word.to_le_bytes());
        }
        encode_address(self.client, out);
        encode_address(self.endpoint, out);
        for text in self.texts() {
            encode_text(text, LOG_FIELD_BYTES_MAX, out);
        }
        encode_text(self.identity, LOG_IDENTITY_BYTES_MAX, out);
        let length = (out.len() - LENGTH_BYTES) as u32;
        out[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    fn words(&self) -> [u64; WORDS_COUNT] {
        let route = self.route.map_or(ABSENT, |id| id.0);
        let upstream = self.upstream.map_or(ABSENT, |id| id.0);
        let filter = self.filter.map_or(ABSENT, |id| id.0);
        let (of_rule, rule) = self.rule.map_or((ABSENT, 0), |(filter, rule)| (filter.0, rule.0));
        let shadow = self.shadow.map_or(ABSENT, |id| id.0);
        let ExchangeId(own) = match self.request_id {
            RequestId::Own(own) => own,
            RequestId::Kept(_) => ExchangeId::default(),
        };
        [
            self.wall_seconds,
            u64::from(self.wall_nanos)
                | (self.reason.index() as u64) << 32
                | u64::from(self.errno) << 48,
            self.generation,
            u64::from(route) | u64::from(upstream) << 32,
            u64::from(self.status)
                | u64::from(self.upstream_status) << 16
                | u64::from(self.attempts) << 32
                | u64::from(self.version) << 48,
            self.connection,
            self.connection_request,
            self.bytes_in,
            self.bytes_out,
            self.body_bytes_out,
            self.duration_ns,
            self.connect_ns,
            self.first_byte_ns,
            self.upstream_ns,
            own as u64,
            (own >> 64) as u64,
            u64::from(filter) | u64::from(of_rule) << 32,
            u64::from(rule) | u64::from(shadow) << 32,
        ]
    }

    fn texts(&self) -> [&'a [u8]; LOG_TEXTS_COUNT] {
        let kept: &[u8] = match self.request_id {
            RequestId::Own(_) => b"",
            RequestId::Kept(kept) => kept,
        };
        let Record { method, target, host, referer, user_agent, forwarded_for, .. } = *self;
        [method, target, host, referer, user_agent, forwarded_for, kept]
    }

    fn decode(bytes: &'a [u8]) -> Option<Record<'a>> {
        let mut rest = bytes;
        let mut words = [0; WORDS_COUNT];
        for word in &mut words {
            *word = u64::from_le_bytes(*take(&mut rest)?);
        }
        let [wall_seconds, nanos_reason, generation, ids, statuses, connection, more @ ..] = words;
        let [connection_request, bytes_in, bytes_out, body_bytes_out, times @ ..] = more;
        let [duration_ns, connect_ns, first_byte_ns, upstream_ns, own_low, own_high, filters @ ..] =
            times;
        let [filters, rule] = filters;
        let own = ExchangeId(u128::from(own_high) << 64 | u128::from(own_low));
        let record = Record {
            wall_seconds,
            wall_nanos: nanos_reason as u32,
            reason: Reason::from_index(usize::from((nanos_reason >> 32) as u16))?,
            errno: (nanos_reason >> 48) as u16,
            generation,
            route: present(ids as u32).map(RouteId),
            upstream: present((ids >> 32) as u32).map(UpstreamId),
            status: statuses as u16,
            upstream_status: (statuses >> 16) as u16,
            attempts: (statuses >> 32) as u16,
            version: (statuses >> 48) as u16,
            connection,
            connection_request,
            bytes_in,
            bytes_out,
            body_bytes_out,
            duration_ns,
            connect_ns,
            first_byte_ns,
            upstream_ns,
            request_id: RequestId::Own(own),
            client: decode_address(&mut rest)?,
            endpoint: decode_address(&mut rest)?,
            method: take_text(&mut rest)?,
            target: take_text(&mut rest)?,
            host: take_text(&mut rest)?,
            referer: take_text(&mut rest)?,
            user_agent: take_text(&mut rest)?,
            forwarded_for: take_text(&mut rest)?,
            identity: b"",
            filter: present(filters as u32).map(FilterId),
            rule: present((filters >> 32) as u32)
                .map(|filter| (FilterId(filter), RuleId(rule as u16))),
            shadow: present((rule >> 32) as u32).map(FilterId),
        };
        let record = match take_text(&mut rest)? {
            [] => record,
            kept => Record { request_id: RequestId::Kept(kept), ..record },
        };
        Some(Record { identity: take_text(&mut rest)?, ..record })
    }
}

fn present(id: u32) -> Option<u32> {
    (id != ABSENT).then_some(id)
}

fn encode_text(text: &[u8], bytes_max: usize, out: &mut Vec<u8>) {
    let text = text.get(..bytes_max).unwrap_or(text);
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text);
}

fn encode_address(address: Option<SocketAddr>, out: &mut Vec<u8>) {
    match address.map(|address| (address.ip(), address.port())) {
        None => out.push(0),
        Some((IpAddr::V4(ip), port)) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
            out.extend_from_slice(&port.to_le_bytes());
        }
        Some((IpAddr::V6(ip), port)) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
            out.extend_from_slice(&port.to_le_bytes());
        }
    }
}

fn decode_address(rest: &mut &[u8]) -> Option<Option<SocketAddr>> {
    let [family] = *take(rest)?;
    let ip = match family {
        0 => return Some(None),
        4 => IpAddr::V4(Ipv4Addr::from(*take::<4>(rest)?)),
        _ => IpAddr::V6(Ipv6Addr::from(*take::<16>(rest)?)),
    };
    Some(Some(SocketAddr::new(ip, u16::from_le_bytes(*take(rest)?))))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_le_bytes(*take(rest)?);
    let (text, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    Some(text)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A record with something in every field.
    pub(crate) fn record() -> Record<'static> {
        Record {
            wall_seconds: 1_700_000_000,
            wall_nanos: 123_456_789,
            generation: 7,
            route: Some(RouteId(1)),
            upstream: Some(UpstreamId(2)),
            endpoint: Some(SocketAddr::from(([10, 0, 0, 1], 8080))),
            client: Some(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 40_000))),
            request_id: RequestId::Own(ExchangeId(0x0123_4567_89ab_cdef << 64 | 0xfedc)),
            reason: Reason::Ok,
            errno: 5,
            status: 200,
            upstream_status: 201,
            attempts: 2,
            version: 11,
            connection: 3,
            connection_request: 4,
            bytes_in: 100,
            bytes_out: 2_000,
            body_bytes_out: 1_800,
            duration_ns: 1_234_567,
            connect_ns: 200_000,
            first_byte_ns: 900_000,
            upstream_ns: 1_000_000,
            method: b"GET",
            target: b"/a?b=c",
            host: b"example.com",
            referer: b"",
            user_agent: b"curl/8",
            forwarded_for: b"192.0.2.1",
            identity: b"ann",
            filter: Some(FilterId(0)),
            rule: Some((FilterId(0), RuleId(1))),
            shadow: Some(FilterId(0)),
        }
    }

    #[test]
    fn gives_back_every_field() {
        let block = WorkerBlock::new(0);
        let (mut writer, mut reader) = ring(4096, &block);
        let absent = Record {
            route: None,
            upstream: None,
            endpoint: None,
            client: None,
            identity: b"",
            filter: None,
            rule: None,
            shadow: None,
            ..record()
        };
        assert!(writer.push(&record()));
        let kept = Record { request_id: RequestId::Kept(b"of-a-proxy"), ..record() };
        assert!(writer.push(&absent));
        assert!(writer.push(&kept));
        assert_eq!(reader.pop(), Some(record()));
        assert_eq!(reader.pop(), Some(absent));
        assert_eq!(reader.pop(), Some(kept));
        assert_eq!(reader.pop(), None);
        assert_eq!((block.log_written(), block.log_dropped()), (3, 0));
    }

    #[test]
    fn drops_and_counts_when_the_ring_is_full() {
        let block = WorkerBlock::new(0);
        let (mut writer, mut reader) = ring(1024, &block);
        let taken = (0..100).filter(|_| writer.push(&record())).count();
        assert!(taken > 1);
        assert!(taken < 100);
        assert_eq!(block.log_written(), taken as u64);
        assert_eq!(block.log_dropped(), 100 - taken as u64);
        // What was taken is whole, and there is room again.
        for _ in 0..taken {
            assert_eq!(reader.pop(), Some(record()));
        }
        assert_eq!(reader.pop(), None);
        assert!(writer.push(&record()));
        assert_eq!(reader.pop(), Some(record()));
    }

    #[test]
    fn cuts_a_text_that_is_too_long() {
        let block = WorkerBlock::new(0);
        let (mut writer, mut reader) = ring(64 * 1024, &block);
        let long = vec![b'a'; LOG_FIELD_BYTES_MAX + 1];
        assert!(writer.push(&Record { target: &long, ..record() }));
        let taken = reader.pop().expect("it was pushed");
        assert_eq!(taken.target.len(), LOG_FIELD_BYTES_MAX);
        assert_eq!(taken.user_agent, record().user_agent);
    }

    #[test]
    fn keeps_what_was_written_before_the_writer_ended() {
        let block = WorkerBlock::new(0);
        let (mut writer, mut reader) = ring(4096, &block);
        writer.push(&record());
        drop(writer);
        assert_eq!(reader.pop(), Some(record()));
    }

    proptest! {
        #[test]
        fn survives_any_sequence_of_texts(
            targets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..60)
        ) {
            let block = WorkerBlock::new(0);
            let (mut writer, mut reader) = ring(1500, &block);
            let mut expected = std::collections::VecDeque::new();
            for target in &targets {
                while !writer.push(&Record { target, ..record() }) {
                    let next: &Vec<u8> = expected.pop_front().expect("an empty ring has room");
                    prop_assert_eq!(reader.pop().map(|record| record.target), Some(&next[..]));
                }
                expected.push_back(target);
            }
            for target in expected {
                prop_assert_eq!(reader.pop().map(|record| record.target), Some(&target[..]));
            }
        }
    }
}
