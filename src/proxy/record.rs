//! The end of an exchange: counted always, logged where a log is kept.

use crate::bridge::log;
use crate::bridge::metrics::Done;
use crate::http::field::FieldId;
use crate::http::head::Version;
use crate::runtime::Instant;

use super::exchange::{Client, Exchange, first_line};
use super::worker::Worker;

/// Counts the exchange and, where a log is kept, hands its record to the log's thread.
pub fn exchange(worker: &Worker, client: &Client, exchange: &Exchange) {
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
            connect_ns: since(Some(facts.head_at), facts.connected_at),
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
        }
    });
}

fn since(from: Option<Instant>, to: Option<Instant>) -> u64 {
    match (from, to) {
        (Some(from), Some(to)) => to.nanos_since(from),
        (None, _) | (_, None) => 0,
    }
}
