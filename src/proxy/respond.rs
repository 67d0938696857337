//! The gateway's own answers, and the end of a client's connection.

use crate::bridge::reason::Reason;
use crate::http::date;
use crate::http::framing::Body;
use crate::http::h1::encode::decimal;
use crate::http::h1::reply::{self, Reply};
use crate::http::method::Method;
use crate::http::status::Status;
use crate::limits;
use crate::runtime::{Segment, Socket, Timer};

use super::exchange::{Client, Exchange, OwnLines};
use super::failure;
use super::filter::{self, Shown};
use super::worker::Worker;

/// What becomes of a client's connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another request may come.
    Request,
    /// It is closed once the answer is out.
    Close,
    /// It is closed once the answer is out, and what the client still sends is read over, so that
    /// its kernel does not throw the answer away (RFC 9112 section 9.6).
    Linger,
    /// It is reset: an answer that began cannot be completed, and must not look complete.
    Abort,
}

/// Ends an exchange: answers for the gateway where the upstream did not, and decides what becomes
/// of the connection.
pub fn end(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    outcome: Result<(), Reason>,
) -> Next {
    let Err(reason) = outcome else {
        return match (exchange.facts.keep_alive, exchange.facts.request_complete) {
            (true, true) => Next::Request,
            (false, true) if client.input.is_empty() => Next::Close,
            // More was sent than will be answered.
            (true | false, true | false) => Next::Linger,
        };
    };
    exchange.facts.reason = reason;
    if exchange.facts.response_began {
        // Where the answer's length or its last chunk is missing, its end shows that it broke off.
        let is_told = !exchange.facts.close_delimited && reason != Reason::ClientClosed;
        return if is_told { Next::Close } else { Next::Abort };
    }
    if failure::text(reason).is_empty() {
        exchange.facts.status = reason.status().unwrap_or(0);
        return Next::Close;
    }
    own(worker, client, exchange, reason)
}

/// Queues the gateway's own answer.
fn own(worker: &Worker, client: &Client, exchange: &mut Exchange, reason: Reason) -> Next {
    let Exchange { index, lines, generation, facts, .. } = exchange;
    // Where the request ends is known only of one that was understood and has no body, or one that
    // was read to its end.
    let is_read = matches!(facts.body, Body::Empty | Body::Length(0)) || facts.holds_request;
    let whole = is_read && index.is_complete();
    let keeps =
        whole && facts.keep_alive && failure::keeps_connection(reason) && !worker.is_draining();
    lines.clear();
    if reason == Reason::MethodNotAllowed {
        let mut separator: &[u8] = b"Allow: ";
        for method in generation.snapshot.router.methods(facts.allowed) {
            lines.extend_from_slice(separator);
            lines.extend_from_slice(method.as_str().as_bytes());
            separator = b", ";
        }
        lines.extend_from_slice(b"\r\n");
    }
    if reason == Reason::RangeNotSatisfiable {
        lines.extend_from_slice(b"Content-Range: bytes */");
        decimal(facts.file_bytes, lines);
        lines.extend_from_slice(b"\r\n");
    }
    let mut lines = std::mem::take(lines);
    let status = status_of(reason);
    let shown = Shown::own((status, reason), &lines, reply::PLAIN_TEXT);
    let other = filter::own_response(worker, exchange, &shown);
    if other.is_some() {
        // They belong to the answer that is not sent.
        lines.clear();
    }
    proxy_status(reason, &mut lines);
    exchange.tell_reason(worker, reason, &mut lines);
    let own = exchange.own_lines(worker, &mut lines);
    let facts = &mut exchange.facts;
    let ending = Ending { close: !keeps, head_only: facts.method == Method::HEAD };
    let mut block = worker.runtime.blocks().take();
    facts.bytes_out = match &other {
        Some(other) => {
            facts.status = other.status.code();
            let (content_type, body) = other.text(&exchange.generation.snapshot);
            let text = Text { body, content_type };
            write(worker, (other.status, text), ending, (own, &lines), &mut block)
        }
        None => {
            facts.status = reason.status().unwrap_or(0);
            write_reason(worker, reason, ending, (own, &lines), &mut block)
        }
    };
    exchange.lines = lines;
    client.socket.push(Segment::Block(block));
    match (keeps, whole) {
        (true, _) => Next::Request,
        (false, true) if client.input.is_empty() => Next::Close,
        (false, true | false) => Next::Linger,
    }
}

/// Queues an answer for a connection of which nothing is known.
pub fn refuse(worker: &Worker, socket: &Socket, reason: Reason) {
    worker.block.note(reason);
    let mut block = worker.runtime.blocks().take();
    let mut lines = Vec::new();
    proxy_status(reason, &mut lines);
    let ending = Ending { close: true, head_only: false };
    write_reason(worker, reason, ending, (OwnLines::ALL, &lines), &mut block);
    socket.push(Segment::Block(block));
}

/// Appends the `Proxy-Status` (RFC 9209) by which the answer is told from an upstream's.
fn proxy_status(reason: Reason, lines: &mut Vec<u8>) {
    lines.extend_from_slice(b"Proxy-Status: frys");
    if let Some(token) = reason.error_token() {
        lines.extend_from_slice(b"; error=");
        lines.extend_from_slice(token.as_bytes());
    }
    lines.extend_from_slice(b"; details=\"");
    lines.extend_from_slice(reason.label().as_bytes());
    lines.extend_from_slice(b"\"\r\n");
}

/// What an answer says beyond its head.
struct Text<'a> {
    body: &'a [u8],
    content_type: &'a [u8],
}

/// What follows an answer's head.
#[derive(Clone, Copy)]
struct Ending {
    /// Nothing follows the answer.
    close: bool,
    /// The body is left out.
    head_only: bool,
}

fn status_of(reason: Reason) -> Status {
    reason.status().and_then(Status::new).unwrap_or(Status::BAD_GATEWAY)
}

/// Writes the answer that a reason has; returns the bytes of its body.
fn write_reason(
    worker: &Worker,
    reason: Reason,
    ending: Ending,
    lines: (OwnLines, &[u8]),
    out: &mut Vec<u8>,
) -> u64 {
    let status = status_of(reason);
    let mut body = worker.runtime.blocks().take();
    body.extend_from_slice(&status.digits());
    body.push(b' ');
    body.extend_from_slice(failure::text(reason).as_bytes());
    body.push(b'\n');
    let text = Text { body: &body, content_type: reply::PLAIN_TEXT };
    write(worker, (status, text), ending, lines, out)
}

/// Writes an answer; returns the bytes of its body.
fn write(
    worker: &Worker,
    (status, text): (Status, Text<'_>),
    Ending { close, head_only }: Ending,
    (own, lines): (OwnLines, &[u8]),
    out: &mut Vec<u8>,
) -> u64 {
    let date = date::imf_fixdate(worker.runtime.wall().seconds);
    let reply = Reply {
        status,
        body: text.body,
        content_type: if own.content_type { text.content_type } else { b"" },
        date: if own.date { &date } else { b"" },
        close,
        head_only,
        append: lines,
    };
    reply::encode(&reply, out);
    if reply.has_body() { text.body.len() as u64 } else { 0 }
}

/// Closes a client's connection, within a bound of time.
pub async fn close(worker: &Worker, client: Client, next: Next) {
    match next {
        Next::Abort => return client.socket.abort(),
        Next::Request | Next::Close | Next::Linger => {}
    }
    if client.socket.queued_bytes() == 0 && next != Next::Linger {
        return;
    }
    if next == Next::Linger {
        return linger(worker, &client.socket, &client.timer).await;
    }
    // As long as a body may stand still: a slow reader is still owed what is queued.
    client.timer.set(worker.runtime.now().plus_ns(worker.timeouts().client_body_idle_ns));
    let drained = client.timer.limit(client.socket.drained(0)).await;
    if !matches!(drained, Ok(Ok(()))) {
        client.socket.abort();
    }
}

/// Sends what is queued, ends the sending side, and reads over what the client still sends.
pub async fn linger(worker: &Worker, socket: &Socket, timer: &Timer) {
    timer.set(worker.runtime.now().plus_ns(worker.timeouts().client_body_idle_ns));
    let drained = timer.limit(socket.drained(0)).await;
    if !matches!(drained, Ok(Ok(()))) {
        return socket.abort();
    }
    socket.shutdown_write();
    timer.set(worker.runtime.now().plus_ms(limits::LINGER_MS));
    let mut read_bytes = 0;
    // Bounded by the timer and by the bytes: whoever still sends after that is cut off.
    while read_bytes < limits::LINGER_BYTES_MAX {
        match timer.limit(socket.receive()).await {
            Ok(Ok(Some(lease))) => read_bytes += lease.len(),
            Ok(Ok(None) | Err(_)) | Err(_) => return,
        }
    }
}
