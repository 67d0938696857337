//! The head that goes upstream: written anew from what was understood, never copied unparsed.

use crate::bridge::reason::Reason;
use crate::http::field::{FieldId, FieldSet};
use crate::http::forwarded::{self, Hop};
use crate::http::h1::encode::{self, Edits, Framing, Target};
use crate::http::head::RequestHead;
use crate::http::target::authority_is_valid;

use super::super::exchange::{Client, Exchange};
use super::super::failure::Failure;
use super::super::worker::Worker;

/// Writes the request's head for the upstream.
///
/// # Errors
/// [`Reason::HostInvalid`] where the route's `Host` came to none that a request can have, and what
/// [`Exchange::rewrite`] says.
pub(super) fn encode(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let is_rewritten = exchange.rewrite(worker)?;
    let mut lines = std::mem::take(&mut exchange.lines);
    lines.clear();
    let written = write(worker, client, exchange, is_rewritten, &mut lines, out);
    exchange.lines = lines;
    written
}

fn write(
    worker: &Worker,
    client: &Client,
    exchange: &Exchange,
    is_rewritten: bool,
    lines: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let Exchange { head, index, generation, facts, .. } = exchange;
    let request = RequestHead::new(head, index);
    let host_bytes = other_host(worker, exchange, lines)?;
    let host = request.authority();
    let hop = Hop { peer: client.ip(), trusted: client.trusted, proto: "http", host };
    let changes = exchange.request_changes();
    forwarded::request(request, &hop, changes.drop, lines);
    if facts.wants_trailers {
        // RFC 9110 section 10.1.4: TE is listed in Connection, since it is for the next hop only.
        lines.extend_from_slice(b"TE: trailers\r\nConnection: TE\r\n");
    }
    if facts.expects_continue {
        lines.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    if !changes.are_none() {
        changes.write(exchange, worker, lines);
    }
    let (other, append) = lines.split_at(host_bytes);
    let drop = forwarded::drop_set(client.trusted).union(FieldSet::of(&[FieldId::Expect]));
    let edits = Edits {
        drop: drop.union(changes.drop),
        others: changes.others,
        framing: Framing::from(facts.body),
        append,
    };
    // RFC 9112 section 3.2: only a 1.0 client may have sent no Host.
    let own = facts.upstream.map(|id| &*generation.snapshot.upstream(id).authority);
    let host = if other.is_empty() { host.or(own).unwrap_or_default() } else { other };
    let target = if is_rewritten { Target::Rewritten(&exchange.target) } else { Target::Received };
    encode::request(request, target, host, &edits, out);
    Ok(())
}

/// Writes the route's own `Host`, where it has one; its length.
fn other_host(worker: &Worker, exchange: &Exchange, lines: &mut Vec<u8>) -> Result<usize, Failure> {
    let extra = exchange.route().and_then(|route| route.extra.as_deref());
    let Some(host) = extra.and_then(|extra| extra.host.as_ref()) else { return Ok(0) };
    host.write(&exchange.values(worker), lines);
    if authority_is_valid(lines) { Ok(lines.len()) } else { Err(Failure::new(Reason::HostInvalid)) }
}
