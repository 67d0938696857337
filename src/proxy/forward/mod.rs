//! To the upstream and back: a connection is opened and the head sent while a retry is still
//! safe; then both bodies flow at once.

mod chunks;
mod download;
mod head;
mod hold;
mod pieces;
mod upload;

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::http::framing::Body;
use crate::limits;
use crate::runtime::{Address, Errno, Instant, Segment};

use self::download::Download;
pub use self::hold::hold;
use self::upload::{Stop, Upload};
use super::exchange::{Changes, Client, Deadline, Exchange, HeadChanges, Input, Upstream};
use super::failure::{Failure, Retry};
use super::pools::{Grant, Permit};
use super::worker::Worker;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// What the uploading half tells the downloading one.
#[derive(Default)]
pub(crate) struct Progress {
    /// Body bytes taken from the client.
    pub(crate) bytes_in: Cell<u64>,
    /// The body was read to its end and handed on.
    pub(crate) request_complete: Cell<bool>,
    /// Nothing more goes up, whether or not all of it did.
    pub(crate) ended: Cell<bool>,
    /// When the whole body had been handed on.
    pub(crate) uploaded_at: Cell<Option<Instant>>,
    /// A final answer's head was queued for the client.
    pub(crate) response_began: Cell<bool>,
}

/// Makes a granted connection ready to carry this exchange: an idle one as it is, a new one by
/// dialling the endpoint.
///
/// # Errors
/// Refused, failed or too slow, each of which lets another endpoint be tried.
pub async fn connect(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    grant: Grant,
) -> Result<Upstream, Failure> {
    let upstream = match grant {
        Grant::Idle(socket, permit) => {
            Upstream { socket, input: Input::default(), permit, reused: true }
        }
        Grant::Dial(permit) => dial(worker, client, exchange, permit).await?,
    };
    let now = worker.runtime.now();
    exchange.facts.connected_at = Some(now);
    let stage = match exchange.facts.body {
        Body::Empty => Stage::UpstreamFirstByte,
        Body::Length(_) | Body::Chunked | Body::UntilClose => Stage::Upload,
    };
    exchange.facts.enter(&worker.block.stages, stage, now);
    Ok(upstream)
}

async fn dial(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    mut permit: Permit,
) -> Result<Upstream, Failure> {
    let now = worker.runtime.now();
    exchange.facts.enter(&worker.block.stages, Stage::Connect, now);
    let Some(endpoint) = exchange.endpoint() else {
        return Err(Failure::new(Reason::NoEndpoint));
    };
    let address = Address::Tcp(endpoint.address);
    let wait_max_ns = exchange.timeouts().connect_ns;
    let deadline = Deadline::new(exchange, now.plus_ns(wait_max_ns));
    client.timer.set(deadline.at);
    let failure = match client.timer.limit(worker.runtime.connect(&address)).await {
        Ok(Ok(socket)) => {
            permit.opened();
            return Ok(Upstream { socket, input: Input::default(), permit, reused: false });
        }
        Ok(Err(Errno::REFUSED)) => Failure::unsent(Reason::ConnectRefused),
        Ok(Err(_)) => Failure::unsent(Reason::ConnectFailed),
        Err(_) if deadline.total => Failure::new(Reason::TotalTimeout),
        Err(_) => Failure::unsent(Reason::ConnectTimeout),
    };
    if let Some(block) = worker.upstream_block(exchange) {
        block.connect_failures.add(1);
    }
    Err(failure)
}

/// Queues the request's head and, where no body follows it, waits for the first bytes of the
/// answer: until they come, a retry can be safe.
///
/// # Errors
/// [`Retry::NewConnection`] where a reused connection turned out to be dead and trying again is
/// safe; otherwise how the upstream failed.
pub async fn send(
    worker: &Worker,
    client: &Client,
    upstream: &mut Upstream,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    let mut block = worker.runtime.blocks().take();
    worker.step(&mut exchange.facts);
    head::encode(worker, client, exchange, &mut block);
    worker.stepped(&mut exchange.facts, Stage::Encode);
    let sent_bytes = upstream.socket.sent_bytes();
    upstream.socket.push(Segment::Block(block));
    let answered = match exchange.facts.body {
        Body::Empty => {
            let deadline = first_byte(exchange, worker.runtime.now());
            client.upstream_timer.set(deadline.at);
            let arrival = pin!(upstream.input.next(&upstream.socket));
            let answered = client.upstream_timer.limit(client.socket.while_there(arrival)).await;
            let late = |_| Failure::new(deadline.reason(Reason::FirstByteTimeout));
            answered.map_err(late)?.ok_or(Failure::new(Reason::ClientClosed))?
        }
        // In a box of its own: few routes hold bodies.
        _ if exchange.facts.holds_request => {
            Box::pin(hold::answer(worker, client, upstream, exchange)).await?
        }
        Body::Length(_) | Body::Chunked | Body::UntilClose => return Ok(()),
    };
    let ended = match answered {
        Ok(Some(lease)) => {
            exchange.facts.first_byte_at = Some(worker.runtime.now());
            upstream.input.put_back(lease);
            return Ok(());
        }
        Ok(None) => Reason::UpstreamClosed,
        Err(_) => Reason::UpstreamReset,
    };
    // RFC 9110 section 9.2.2: an idempotent request may be sent again after a failed connection.
    let safe = exchange.facts.method.is_idempotent() || upstream.socket.sent_bytes() == sent_bytes;
    let retry = if upstream.reused && safe { Retry::NewConnection } else { Retry::Never };
    Err(Failure { reason: ended, retry })
}

/// Carries the request's body up and the answer down, at once, until the answer ended; whether
/// the upstream's connection can carry another exchange.
///
/// # Errors
/// How either side failed; `facts.response_began` says whether the client can still be told.
pub async fn relay(
    worker: &Worker,
    client: &mut Client,
    upstream: &mut Upstream,
    exchange: &mut Exchange,
) -> Result<bool, Failure> {
    let progress = Progress::default();
    let is_sent = matches!(exchange.facts.body, Body::Empty) || exchange.facts.holds_request;
    let reusable = if is_sent {
        if upstream.socket.queued_bytes() == 0 {
            // No attempt will follow: a long answer need not keep the request's body.
            exchange.passage.held_body = None;
        }
        progress.bytes_in.set(exchange.facts.bytes_in);
        progress.request_complete.set(true);
        progress.ended.set(true);
        let Client { socket, upstream_timer, .. } = client;
        let down = Download::new(worker, (socket, upstream_timer), upstream, exchange, &progress);
        let reusable = down.run().await;
        // An answer can come before a held body is all sent.
        reusable.map(|reusable| reusable && upstream.socket.queued_bytes() == 0)
    } else {
        // The trailers lose what the head has lost, and the exchange is in the other half's hands.
        let changes = std::mem::take(&mut exchange.passage.request);
        let ends = (client, upstream);
        // In a box of its own: clients without a body, most of them idle, need not have the room.
        let reusable = Box::pin(both(worker, ends, exchange, &changes, &progress)).await;
        exchange.passage.request = changes;
        reusable
    };
    if exchange.facts.stage == Stage::Upload
        && let Some(at) = progress.uploaded_at.get()
    {
        // All went up, and no answer came.
        exchange.facts.enter(&worker.block.stages, Stage::UpstreamFirstByte, at);
    }
    exchange.facts.bytes_in = progress.bytes_in.get();
    exchange.facts.request_complete = progress.request_complete.get();
    reusable
}

async fn both(
    worker: &Worker,
    (client, upstream): (&mut Client, &mut Upstream),
    exchange: &mut Exchange,
    changes: &HeadChanges,
    progress: &Progress,
) -> Result<bool, Failure> {
    let Client { socket, input, timer, upstream_timer, .. } = client;
    let first_byte_ns = exchange.timeouts().first_byte_ns;
    let total_deadline = exchange.facts.total_deadline;
    let Upstream { socket: upstream_socket, input: upstream_input, .. } = upstream;
    let generation = Rc::clone(&exchange.generation);
    let changes = Changes::of_request(&generation, &exchange.facts, changes);
    let ends = ((&*socket, input, &*timer), &*upstream_socket);
    let up = Upload::new(worker, ends, exchange, changes, progress);
    let mut up = pin!(up.run());
    let ends = (&*upstream_socket, upstream_input);
    let down = Download::between(worker, (socket, upstream_timer), ends, exchange, progress);
    let mut down = pin!(down.run());
    let mut uploading = true;
    std::future::poll_fn(|context| {
        if uploading && let Poll::Ready(end) = up.as_mut().poll(context) {
            uploading = false;
            progress.ended.set(true);
            match end {
                Ok(()) => {
                    progress.request_complete.set(true);
                    progress.uploaded_at.set(Some(worker.runtime.now()));
                }
                Err(Stop::Client(failure)) => return Poll::Ready(Err(failure)),
                // The upstream may have answered before it stopped reading: look for that first.
                Err(Stop::Upstream) => {}
            }
            if !progress.response_began.get() {
                let at = worker.runtime.now().plus_ns(first_byte_ns);
                upstream_timer.set(total_deadline.map_or(at, |total| total.min(at)));
            }
        }
        down.as_mut().poll(context)
    })
    .await
}

/// The deadline of the answer's first byte.
fn first_byte(exchange: &Exchange, now: Instant) -> Deadline {
    Deadline::new(exchange, now.plus_ns(exchange.timeouts().first_byte_ns))
}

/// Bytes that may wait in a socket's send queue before the sender is made to wait.
pub(crate) const QUEUE_BYTES_MAX: usize = limits::SEND_QUEUE_BYTES_MAX;
