//! The answer of a route that has no upstream: a redirect or a fixed text.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::http::date;
use crate::http::framing::Body;
use crate::http::h1::chunked::{Decoder, Event};
use crate::http::h1::reply::{self, Reply};
use crate::http::head::Version;
use crate::http::method::Method;
use crate::http::status::Status;
use crate::limits;
use crate::memory::Block;
use crate::runtime::{Lease, Segment};
use crate::snapshot::{Action, NoHost};

use super::exchange::{Client, Exchange};
use super::failure::Failure;
use super::filter::{self, Shown};
use super::worker::Worker;

use std::rc::Rc;

/// Answers, and reads over a body that came with the request where that is cheap, so that its
/// connection can go on.
///
/// # Errors
/// [`Reason::HostInvalid`] for a redirect to the host that was asked for, where none was, or to one
/// that there cannot be.
pub async fn run(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    answer(worker, client, exchange, None).await
}

/// Answers with what a filter of the route says, as [`run`] does.
///
/// # Errors
/// None by itself.
pub async fn reply(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
    reply: &filter::Reply,
) -> Result<(), Failure> {
    answer(worker, client, exchange, Some(reply)).await
}

async fn answer(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
    reply: Option<&filter::Reply>,
) -> Result<(), Failure> {
    worker.step(&mut exchange.facts);
    let facts = &mut exchange.facts;
    // RFC 9110 section 10.1.1: who was not told to go on may send the body or leave it, and the
    // next request could not be told from it.
    let reads_over = match facts.body {
        _ if facts.request_complete => false,
        _ if facts.expects_continue => false,
        // In place of an upstream's answer: how much of the body that upstream was sent is no
        // longer known.
        _ if facts.attempts_count > 0 => false,
        Body::Length(bytes) => bytes <= limits::DISCARD_BYTES_MAX,
        Body::Chunked => true,
        Body::Empty | Body::UntilClose => false,
    };
    if worker.is_draining() || !(facts.request_complete || reads_over) {
        facts.keep_alive = false;
    }
    let mut lines = std::mem::take(&mut exchange.lines);
    lines.clear();
    let queued = queue(worker, client, exchange, reply, &mut lines);
    exchange.lines = lines;
    let Queued { reason, status, body_bytes } = queued?;
    let facts = &mut exchange.facts;
    facts.reason = reason;
    facts.status = status.code();
    facts.bytes_out = body_bytes;
    facts.response_began = true;
    worker.stepped(facts, Stage::Answer);
    if reads_over {
        facts.enter(&worker.block.stages, Stage::Upload, worker.runtime.now());
        // In a box of its own: few such requests have a body.
        let is_over = Box::pin(read_over(worker, client, exchange)).await;
        exchange.facts.request_complete = is_over;
    }
    Ok(())
}

/// What was answered.
struct Queued {
    reason: Reason,
    status: Status,
    body_bytes: u64,
}

/// Writes the answer and queues it.
fn queue(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    reply: Option<&filter::Reply>,
    lines: &mut Vec<u8>,
) -> Result<Queued, Failure> {
    let generation = Rc::clone(&exchange.generation);
    let route = exchange.facts.route.map(|id| generation.snapshot.route(id));
    let action = route.map(|route| &route.action);
    let (reason, status, body, content_type): (_, _, &[u8], &[u8]) = match (reply, action) {
        (Some(reply), _) => {
            let (content_type, body) = reply.text(&generation.snapshot);
            (reply.reason, reply.status, body, content_type)
        }
        (None, Some(Action::Redirect(redirect))) => {
            lines.extend_from_slice(b"Location: ");
            redirect
                .write(&exchange.values(worker), lines)
                .map_err(|NoHost| Failure::new(Reason::HostInvalid))?;
            lines.extend_from_slice(b"\r\n");
            (Reason::Redirected, redirect.status, b"", b"")
        }
        (None, Some(Action::Respond(respond))) => {
            (Reason::Responded, respond.status, &respond.body, &respond.content_type)
        }
        // `route::find` sends their requests elsewhere.
        (None, Some(Action::Cluster(_) | Action::Split(_) | Action::Files(_)) | None) => {
            return Err(Failure::new(Reason::RouteNotFound));
        }
    };
    let shown = Shown::own((status, reason), lines, content_type);
    let other = filter::own_response(worker, exchange, &shown);
    let (reason, status, body, content_type) = match &other {
        Some(other) => {
            lines.clear();
            let (content_type, body) = other.text(&generation.snapshot);
            (other.reason, other.status, body, content_type)
        }
        None => (reason, status, body, content_type),
    };
    exchange.tell_reason(worker, reason, lines);
    let own = exchange.own_lines(worker, lines);
    let facts = &exchange.facts;
    if facts.keep_alive && facts.version == Version::Http10 {
        lines.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    let date = date::imf_fixdate(worker.runtime.wall().seconds);
    let reply = Reply {
        status,
        body,
        content_type: if own.content_type { content_type } else { b"" },
        date: if own.date { &date } else { b"" },
        close: !facts.keep_alive,
        head_only: facts.method == Method::HEAD,
        append: lines,
    };
    let mut block = worker.runtime.blocks().take();
    reply::encode_head(&reply, &mut block);
    let body = if reply.has_body() { body } else { b"" };
    push(worker, client, block, body);
    Ok(Queued { reason, status, body_bytes: body.len() as u64 })
}

/// Queues a head and the body behind it.
fn push(worker: &Worker, client: &Client, mut head: Block, body: &[u8]) {
    let (first, rest) = body.split_at(body.len().min(limits::COPY_BYTES_MAX));
    head.extend_from_slice(first);
    client.socket.push(Segment::Block(head));
    // A block that grew far would not be kept.
    for piece in rest.chunks(limits::COPY_BYTES_MAX) {
        let mut block = worker.runtime.blocks().take();
        block.extend_from_slice(piece);
        client.socket.push(Segment::Block(block));
    }
}

/// Reads over the request's body; whether its end was found within the bounds of time and bytes.
async fn read_over(worker: &Worker, client: &mut Client, exchange: &mut Exchange) -> bool {
    let bytes_max = exchange.body_bytes_max().min(limits::DISCARD_BYTES_MAX);
    let idle_ns = exchange.timeouts().client_body_idle_ns;
    let mut left_bytes = match exchange.facts.body {
        Body::Length(bytes) => bytes,
        Body::Empty | Body::Chunked | Body::UntilClose => 0,
    };
    let mut decoder = Decoder::new(exchange.generation.chunk_limits);
    let mut trailers = Vec::new();
    let is_chunked = matches!(exchange.facts.body, Body::Chunked);
    loop {
        let at = worker.runtime.now().plus_ns(idle_ns);
        client.timer.set(exchange.facts.total_deadline.map_or(at, |total| total.min(at)));
        let Client { socket, input, timer, .. } = &mut *client;
        let Ok(Ok(Some(mut lease))) = timer.limit(input.next(socket)).await else { return false };
        let is_ended = if is_chunked {
            let over = over_chunks(&mut decoder, &lease, &mut trailers);
            let Some(over) = over else { return false };
            exchange.facts.bytes_in += over.data_bytes;
            lease.advance(over.consumed_bytes);
            decoder.is_ended()
        } else {
            let taken_bytes = left_bytes.min(lease.len() as u64);
            left_bytes -= taken_bytes;
            exchange.facts.bytes_in += taken_bytes;
            lease.advance(taken_bytes as usize);
            left_bytes == 0
        };
        client.input.put_back(lease);
        if is_ended || exchange.facts.bytes_in > bytes_max {
            return is_ended;
        }
    }
}

/// How far a piece of a chunked body was read over.
#[derive(Default)]
struct Over {
    consumed_bytes: usize,
    data_bytes: u64,
}

/// Reads over all of the body that a lease holds; none where it is malformed.
fn over_chunks(decoder: &mut Decoder, lease: &Lease, trailers: &mut Vec<u8>) -> Option<Over> {
    let mut over = Over::default();
    while over.consumed_bytes < lease.len() {
        let step = decoder.decode(&lease[over.consumed_bytes..], trailers).ok()?;
        over.consumed_bytes += step.consumed;
        match step.event {
            Event::Data(range) => over.data_bytes += range.len() as u64,
            Event::NeedMore | Event::End => break,
        }
    }
    Some(over)
}
