//! From the client's bytes to the facts of a request.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::http::field::FieldId;
use crate::http::framing::{self, Body};
use crate::http::h1::parse::{self, Parsed};
use crate::http::head::{RequestHead, Version};
use crate::limits;
use crate::runtime::{Instant, Lease};

use super::exchange::{Client, Exchange, first_line};
use super::failure::{self, Failure};
use super::worker::Worker;

/// Waits for a request's first bytes, holding nothing but the connection; false when none will
/// come: the client left, or was idle for too long, which is not long where the gateway drains.
pub async fn first_bytes(worker: &Worker, client: &mut Client) -> bool {
    let timeouts = worker.timeouts();
    if client.socket.queued_bytes() > limits::ANSWERS_QUEUED_BYTES_MAX {
        // Who does not read his answers is not read from.
        client.timer.set(worker.runtime.now().plus_ns(timeouts.client_body_idle_ns));
        let drained = client.socket.drained(limits::ANSWERS_QUEUED_BYTES_MAX);
        if !matches!(client.timer.limit(drained).await, Ok(Ok(()))) {
            return false;
        }
    }
    client.pipelined_count = if client.input.is_empty() { 0 } else { client.pipelined_count + 1 };
    let wait_max_ns = match client.requests_count {
        0 => timeouts.client_header_ns,
        _ => timeouts.keep_alive_ns,
    };
    let deadline = worker.runtime.now().plus_ns(wait_max_ns);
    client.timer.set(deadline);
    let Client { socket, input, timer, .. } = client;
    let mut draining = false;
    let arrival = std::future::poll_fn(|context| {
        let arrived = input.poll_next(socket, context);
        // Nobody can take back a request that is on its way: it is answered, with the word that
        // it was the last one.
        if arrived.is_pending() && worker.is_draining() && !std::mem::replace(&mut draining, true) {
            timer.set(deadline.min(worker.runtime.now().plus_ms(limits::DRAIN_IDLE_MS)));
        }
        arrived
    });
    let Ok(Ok(Some(lease))) = timer.limit(arrival).await else { return false };
    client.input.put_back(lease);
    client.requests_count += 1;
    true
}

/// Reads the head to its end and decides how the body ends.
///
/// # Errors
/// What the head breaks, or [`Reason::ClientHeaderTimeout`]; [`Reason::ClientClosed`] where the
/// client left in the middle of it.
pub async fn request(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    let limits = exchange.generation.head_limits;
    let deadline = exchange.facts.started.plus_ns(exchange.timeouts().client_header_ns);
    loop {
        let Some(mut lease) = next_lease(client, deadline).await? else {
            return Err(Failure::new(Reason::ClientClosed));
        };
        worker.step(&mut exchange.facts);
        let Exchange { head, index, .. } = exchange;
        let carried_bytes = head.len();
        let parsed = if carried_bytes == 0 {
            parse::request(&lease, &limits, index)
        } else {
            head.extend_from_slice(&lease);
            parse::request(head, &limits, index)
        };
        let parsed = parsed.map_err(|error| {
            // What was understood of a broken head is not to be relied on.
            index.clear();
            if carried_bytes == 0 {
                head.extend_from_slice(first_line(&lease));
            }
            failure::of_head(error)
        })?;
        match parsed {
            Parsed::Partial if carried_bytes == 0 => head.extend_from_slice(&lease),
            Parsed::Partial => {}
            Parsed::Complete { head_bytes } => {
                if carried_bytes == 0 {
                    head.extend_from_slice(&lease[..head_bytes]);
                }
                head.truncate(head_bytes);
                lease.advance(head_bytes - carried_bytes);
                client.input.put_back(lease);
                break;
            }
        }
    }
    understand(worker.runtime.now(), client, exchange)?;
    worker.stepped(&mut exchange.facts, Stage::Parse);
    Ok(())
}

async fn next_lease(client: &mut Client, deadline: Instant) -> Result<Option<Lease>, Failure> {
    let Client { socket, input, timer, .. } = client;
    if !input.is_empty() {
        return input.next(socket).await.map_err(|_| Failure::new(Reason::ClientClosed));
    }
    timer.set(deadline);
    match timer.limit(input.next(socket)).await {
        Ok(received) => received.map_err(|_| Failure::new(Reason::ClientClosed)),
        Err(_) => Err(Failure::new(Reason::ClientHeaderTimeout)),
    }
}

fn understand(now: Instant, client: &Client, exchange: &mut Exchange) -> Result<(), Failure> {
    let Exchange { head, index, generation, facts, .. } = exchange;
    let request = RequestHead::new(head, index);
    facts.ready_at = now;
    facts.method = request.method();
    facts.version = request.version();
    let limits = &generation.snapshot.limits;
    facts.keep_alive = framing::request_keeps_alive(request)
        && !client.door_closed.get()
        && client.requests_count < limits.requests_per_connection_max
        && client.pipelined_count < limits.pipelined_requests_max;
    facts.body = framing::request(request)?;
    facts.request_complete = matches!(facts.body, Body::Empty | Body::Length(0));
    facts.tells_reason = request.known().contains(FieldId::FrysExplain)
        && client.trusted
        && request.first(FieldId::FrysExplain) == Some(b"1");
    facts.wants_trailers = request.known().contains(FieldId::Te) && request.accepts_trailers();
    if request.known().contains(FieldId::Expect) {
        expectation(exchange)?;
    }
    Ok(())
}

/// RFC 9110 section 10.1.1: only `100-continue` is known; from a 1.0 client it is ignored.
fn expectation(exchange: &mut Exchange) -> Result<(), Failure> {
    let request = exchange.request();
    for value in request.all(FieldId::Expect) {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Failure::new(Reason::ExpectationFailed));
        }
    }
    exchange.facts.expects_continue =
        exchange.facts.version == Version::Http11 && !exchange.facts.request_complete;
    Ok(())
}
