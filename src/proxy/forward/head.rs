//! The head that goes upstream: written anew from what was understood, never copied unparsed.

use crate::http::field::{FieldId, FieldSet};
use crate::http::forwarded::{self, Hop};
use crate::http::h1::encode::{self, Edits, Framing, Target};
use crate::http::head::RequestHead;

use super::super::exchange::{Client, Course, Exchange};
use super::super::worker::Worker;

/// Writes the request's head for the upstream.
pub(super) fn encode(worker: &Worker, client: &Client, exchange: &mut Exchange, out: &mut Vec<u8>) {
    let mut lines = std::mem::take(&mut exchange.lines);
    lines.clear();
    let Exchange { head, index, generation, facts, target, host: other_host, .. } = &*exchange;
    let request = RequestHead::new(head, index);
    let host = request.authority();
    let hop = Hop { peer: client.ip(), trusted: client.trusted, proto: "http", host };
    let changes = exchange.request_changes();
    forwarded::request(request, &hop, changes.drop, &mut lines);
    if facts.wants_trailers {
        // RFC 9110 section 10.1.4: TE is listed in Connection, since it is for the next hop only.
        lines.extend_from_slice(b"TE: trailers\r\nConnection: TE\r\n");
    }
    if facts.expects_continue {
        lines.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    if !changes.are_none() {
        changes.write(exchange, worker, &mut lines);
    }
    let framing = match exchange.passage.request_course {
        // What filters leave of a body that they read piece by piece has any length.
        Course::Stream => Framing::Chunked,
        Course::Pass | Course::Hold { .. } | Course::Describe => Framing::from(facts.body),
    };
    let drop = forwarded::drop_set(client.trusted).union(ANSWERED);
    let edits =
        Edits { drop: drop.union(changes.drop), others: changes.others, framing, append: &lines };
    // RFC 9112 section 3.2: only a 1.0 client may have sent no Host.
    let own = facts.upstream.map(|id| &*generation.snapshot.upstream(id).authority);
    let other_host = Some(other_host.as_slice()).filter(|host| !host.is_empty());
    let host = other_host.or(host).or(own).unwrap_or_default();
    let target = if target.is_empty() { Target::Received } else { Target::Rewritten(target) };
    encode::request(request, target, host, &edits, out);
    exchange.lines = lines;
}

/// Fields that the gateway answers itself.
const ANSWERED: FieldSet = FieldSet::of(&[FieldId::Expect, FieldId::FrysExplain]);
