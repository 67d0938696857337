//! A request's body that is read whole before an upstream is picked, and sent from memory: also a
//! second time, where the first connection turned out to be dead.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::extension::Direction;
use crate::http::framing::Body;
use crate::runtime::{Errno, Lease, Segment, Socket};

use super::super::exchange::{Client, Course, Deadline, Exchange, Full, Growing, Input, Upstream};
use super::super::failure::Failure;
use super::super::filter::body;
use super::super::worker::Worker;
use super::first_byte;
use super::pieces::Pieces;

use std::pin::pin;
use std::task::Poll;

/// Reads the body whole and shows it to the filters that want it so. Does nothing where none does.
///
/// # Errors
/// It is too long for the route or for a filter, malformed, or its client broke off or is too slow;
/// a filter refuses it; or there is no memory left for it.
pub async fn hold(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    if matches!(exchange.facts.body, Body::Empty | Body::Length(0)) {
        return Ok(());
    }
    let Course::Hold { bytes_max } = body::of_request(worker, exchange)? else { return Ok(()) };
    if let Body::Length(bytes) = exchange.facts.body
        && bytes > bytes_max as u64
    {
        return Err(Failure::new(Reason::BodyNotBuffered));
    }
    exchange.facts.enter(&worker.block.stages, Stage::Upload, worker.runtime.now());
    if std::mem::take(&mut exchange.facts.expects_continue) && client.input.is_empty() {
        // RFC 9110 section 10.1.1: who wants the body is not the upstream.
        client.socket.push(Segment::Static(CONTINUE));
    }
    let mut growing = read(worker, client, exchange, bytes_max).await?;
    exchange.facts.request_complete = true;
    body::whole(worker, exchange, (Direction::Request, bytes_max), &mut growing)?;
    let held = growing.finish();
    exchange.facts.body = Body::Length(held.len() as u64);
    exchange.facts.holds_request = true;
    exchange.passage.held_body = Some(held);
    Ok(())
}

async fn read(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
    bytes_max: usize,
) -> Result<Growing, Failure> {
    let body_bytes_max = exchange.body_bytes_max();
    let mut pieces = Pieces::new(exchange.facts.body, exchange.generation.chunk_limits);
    let mut growing = Growing::new(worker.runtime.blocks(), &worker.ledger);
    loop {
        let mut lease = next(worker, client, exchange).await?;
        while !lease.is_empty() && !pieces.are_over() {
            let piece = pieces.read(&lease)?;
            let bytes = growing.len() + piece.data.len();
            exchange.facts.bytes_in = bytes as u64;
            if bytes as u64 > body_bytes_max {
                return Err(Failure::new(Reason::BodyTooLarge));
            }
            if bytes > bytes_max {
                return Err(Failure::new(Reason::BodyNotBuffered));
            }
            growing.extend(&lease[piece.data])?;
            lease.advance(piece.consumed_bytes);
        }
        client.input.put_back(lease);
        if pieces.are_over() {
            return Ok(growing);
        }
    }
}

async fn next(worker: &Worker, client: &mut Client, exchange: &Exchange) -> Result<Lease, Failure> {
    let at = worker.runtime.now().plus_ns(exchange.timeouts().client_body_idle_ns);
    let deadline = Deadline::new(exchange, at);
    client.timer.set(deadline.at);
    let Client { socket, input, timer, .. } = client;
    match timer.limit(input.next(socket)).await {
        Ok(Ok(Some(lease))) => Ok(lease),
        Ok(Ok(None) | Err(_)) => Err(Failure::new(Reason::ClientClosed)),
        Err(_) => Err(Failure::new(deadline.reason(Reason::ClientBodyTimeout))),
    }
}

/// Sends the held body behind the head and waits for the first bytes of the answer. An upstream
/// that takes the body slowly has as long for each part of it as for that of any other body.
///
/// # Errors
/// It takes none of it for too long, or does not answer in time once it has it.
pub(super) async fn answer(
    worker: &Worker,
    client: &Client,
    upstream: &mut Upstream,
    exchange: &mut Exchange,
) -> Result<Result<Option<Lease>, Errno>, Failure> {
    if let Some(held) = exchange.passage.held_body.as_ref().filter(|held| !held.is_empty()) {
        upstream.socket.push(Segment::Lease(held.share()));
    }
    let Upstream { socket, input, .. } = upstream;
    let timer = &client.upstream_timer;
    loop {
        let queued_bytes = socket.queued_bytes();
        if queued_bytes == 0 {
            break;
        }
        let at = worker.runtime.now().plus_ns(exchange.timeouts().upstream_idle_ns);
        let deadline = Deadline::new(exchange, at);
        timer.set(deadline.at);
        match timer.limit(answered_or_sent(socket, input)).await {
            Ok(Some(answered)) => return Ok(answered),
            Ok(None) => break,
            // The timer is armed once an idle span, not once a piece: look what has moved.
            Err(_) if !deadline.total && socket.queued_bytes() != queued_bytes => {}
            Err(_) => return Err(Failure::new(deadline.reason(Reason::UpstreamIdleTimeout))),
        }
    }
    let now = worker.runtime.now();
    exchange.facts.enter(&worker.block.stages, Stage::UpstreamFirstByte, now);
    let deadline = first_byte(exchange, now);
    timer.set(deadline.at);
    match timer.limit(client.socket.while_there(pin!(input.next(socket)))).await {
        Ok(Some(answered)) => Ok(answered),
        Ok(None) => Err(Failure::new(Reason::ClientClosed)),
        Err(_) => Err(Failure::new(deadline.reason(Reason::FirstByteTimeout))),
    }
}

/// The first bytes of an answer, or none once all that was queued is sent. Where sending fails an
/// answer may have come before, so that is waited for.
async fn answered_or_sent(
    socket: &Socket,
    input: &mut Input,
) -> Option<Result<Option<Lease>, Errno>> {
    let mut sent = pin!(socket.drained(0));
    let mut has_failed = false;
    std::future::poll_fn(|context| {
        if let Poll::Ready(answered) = input.poll_next(socket, context) {
            return Poll::Ready(Some(answered));
        }
        if has_failed {
            return Poll::Pending;
        }
        match sent.as_mut().poll(context) {
            Poll::Ready(Ok(())) => Poll::Ready(None),
            Poll::Ready(Err(_)) => {
                has_failed = true;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

impl From<Full> for Failure {
    fn from(Full: Full) -> Self {
        Failure::new(Reason::HeldBodiesFull)
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
