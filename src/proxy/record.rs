//! The end of an exchange: counted always, logged where a log is kept.

use crate::bridge::log;
use crate::bridge::metrics::Done;
use crate::bridge::recent::{self, Identity, Kept};
use crate::http::field::{self, FieldId, FieldSet};
use crate::http::head::{RequestHead, Version};
use crate::limits::RECENT_HEAD_BYTES_MAX;
use crate::runtime::Instant;

use super::exchange::{Client, Exchange, first_line};
use super::worker::Worker;

/// Counts the exchange, keeps it among the recent ones and, where a log is kept, hands its record
/// to the log's thread.
pub fn exchange(worker: &Worker, client: &Client, exchange: &mut Exchange) {
    keep(worker, client, exchange);
    let facts = &exchange.facts;
    let now = worker.runtime.now();
    facts.leave(&worker.block.stages, now);
    let first_byte_ns = since(facts.connected_at, facts.first_byte_at);
    let bytes_in = exchange.head.len() as u64 + facts.bytes_in;
    let bytes_out = client.given_bytes().saturating_sub(facts.given_before_bytes);
    worker.block.request_done(&Done {
        route: worker.route_block(exchange),
        upstream: worker.upstream_block(exchange),
        status: facts.status,
        upstream_status: facts.upstream_status,
        reason: facts.reason,
        bytes_in,
        bytes_out,
        duration_ns: now.nanos_since(facts.started),
        upstream_first_byte_ns: first_byte_ns,
    });
    let method = if exchange.index.is_complete() { facts.method.as_str() } else { "" };
    worker.log(|| {
        // Of a head that was refused only its first line is told, as it came.
        let request = exchange.index.is_complete().then(|| exchange.request());
        let field = |id| request.and_then(|request| request.first(id)).unwrap_or_default();
        let wall = worker.runtime.wall();
        log::Record {
            wall_seconds: wall.seconds,
            wall_nanos: wall.nanos,
            generation: exchange.generation.snapshot.generation,
            route: facts.route,
            upstream: facts.upstream,
            endpoint: exchange.endpoint().map(|endpoint| endpoint.address),
            client: client.address,
            request_id: exchange.request_id(worker),
            reason: facts.reason,
            errno: u16::try_from(facts.errno).unwrap_or(0),
            status: facts.status,
            upstream_status: facts.upstream_status,
            attempts: u16::from(facts.attempts_count),
            version: match facts.version {
                Version::Http10 => 10,
                Version::Http11 => 11,
            },
            connection: client.seat.number,
            connection_request: client.requests_count,
            bytes_in,
            bytes_out,
            body_bytes_out: facts.bytes_out,
            duration_ns: now.nanos_since(facts.started),
            connect_ns: since(Some(facts.ready_at), facts.connected_at),
            first_byte_ns,
            upstream_ns: since(facts.connected_at, Some(now)),
            method: method.as_bytes(),
            target: match request {
                Some(request) => request.target(),
                None => first_line(&exchange.head),
            },
            host: request.and_then(|request| request.authority()).unwrap_or_default(),
            referer: field(FieldId::Referer),
            user_agent: field(FieldId::UserAgent),
            forwarded_for: field(FieldId::XForwardedFor),
            identity: exchange.passage.identity().as_bytes(),
            filter: exchange.passage.reached,
            rule: exchange.passage.rule,
            shadow: exchange.passage.shadow,
        }
    });
}

/// Keeps the exchange among the recent ones, without the fields that nobody else may see.
fn keep(worker: &Worker, client: &Client, exchange: &mut Exchange) {
    let Some(ring) = worker.block.recent() else { return };
    let now = worker.runtime.now();
    let wall = worker.runtime.wall();
    let endpoint = exchange.endpoint().map(|endpoint| endpoint.address);
    let Exchange { head, index, lines, generation, facts, passage, .. } = exchange;
    let (text, kept, withheld) = if index.is_complete() {
        kept_head(RequestHead::new(head, index), head, lines)
    } else {
        (first_line(head), Kept::Line, 0)
    };
    let facts = recent::Facts {
        id: worker.exchange_id(facts.number).0,
        wall_seconds: wall.seconds,
        wall_nanos: wall.nanos,
        generation: generation.snapshot.generation,
        route: facts.route,
        upstream: facts.upstream,
        endpoint,
        peer: client.address,
        is_trusted: client.trusted,
        is_tls: false,
        reason: facts.reason,
        status: facts.status,
        upstream_status: facts.upstream_status,
        attempts: facts.attempts_count,
        bytes_in: head.len() as u64 + facts.bytes_in,
        bytes_out: client.given_bytes().saturating_sub(facts.given_before_bytes),
        duration_ns: now.nanos_since(facts.started),
        connect_ns: since(Some(facts.ready_at), facts.connected_at),
        first_byte_ns: since(facts.connected_at, facts.first_byte_at),
        kept,
        withheld,
        identity: match passage.identity() {
            "" => Identity::NONE,
            name => Identity::new(name),
        },
        filter: passage.reached,
        rule: passage.rule,
    };
    ring.push(&facts, text);
}

/// The head as it may be kept, which secret fields it lacks, and whether others had no room.
fn kept_head<'a>(
    request: RequestHead<'_>,
    head: &'a [u8],
    lines: &'a mut Vec<u8>,
) -> (&'a [u8], Kept, u8) {
    let mut withheld = 0;
    for (bit, id) in field::SECRET.iter().enumerate() {
        withheld |= u8::from(request.known().contains(*id)) << bit;
    }
    if withheld == 0 && head.len() <= RECENT_HEAD_BYTES_MAX {
        return (head, Kept::Head, 0);
    }
    lines.clear();
    // An empty line may stand before it (RFC 9112 section 2.2).
    let line = head.trim_ascii_start();
    let line_bytes = memchr::memchr(b'\r', line).unwrap_or(line.len());
    lines.extend_from_slice(&line[..line_bytes]);
    lines.extend_from_slice(b"\r\n");
    // The host first: without it, what is left would be no head.
    for host in request.all(FieldId::Host) {
        push_field(b"Host", host, lines);
    }
    // The empty line at the end needs its room too.
    if lines.len() + 2 > RECENT_HEAD_BYTES_MAX {
        return (first_line(head), Kept::Line, withheld);
    }
    let mut kept = Kept::Head;
    for field in request.fields() {
        if LEFT_OUT.contains(field.id) {
            continue;
        }
        if lines.len() + field.name.len() + field.value.len() + 6 > RECENT_HEAD_BYTES_MAX {
            kept = Kept::Part;
            continue;
        }
        push_field(field.name, field.value, lines);
    }
    lines.extend_from_slice(b"\r\n");
    (lines, kept, withheld)
}

fn push_field(name: &[u8], value: &[u8], lines: &mut Vec<u8>) {
    lines.extend_from_slice(name);
    lines.extend_from_slice(b": ");
    lines.extend_from_slice(value);
    lines.extend_from_slice(b"\r\n");
}

/// What is withheld, and the host, which is written first.
const LEFT_OUT: FieldSet = FieldSet::of(&field::SECRET).with(FieldId::Host);

fn since(from: Option<Instant>, to: Option<Instant>) -> u64 {
    match (from, to) {
        (Some(from), Some(to)) => to.nanos_since(from),
        (None, _) | (_, None) => 0,
    }
}
