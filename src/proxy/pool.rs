//! Which connection carries the exchange: one kept open for the endpoint, or the right to open
//! one; and what becomes of it afterwards.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::runtime::Instant;

use super::exchange::{Client, Exchange, Upstream};
use super::failure::Failure;
use super::pools::{Grant, Pool};
use super::worker::Worker;

use std::future::poll_fn;
use std::rc::Rc;

/// An idle connection of the pool, or the right to open one; waits in turn while all are in use.
///
/// With `fresh`, the idle ones are closed first: one of them has just turned out to be dead, and
/// what closed it has most likely closed the others.
///
/// # Errors
/// [`Reason::UpstreamConnectionsFull`] where too many wait already, or the wait took longer than
/// connecting may; [`Reason::TotalTimeout`] where the whole exchange did.
pub async fn check_out(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    pool: &Rc<Pool>,
    fresh: bool,
) -> Result<Grant, Failure> {
    if fresh {
        pool.close_idle();
    }
    if let Some(grant) = pool.take() {
        return Ok(grant);
    }
    let Some(waiting) = pool.enqueue() else {
        return Err(Failure::new(Reason::UpstreamConnectionsFull));
    };
    let now = worker.runtime.now();
    exchange.facts.enter(&worker.block.stages, Stage::PoolWait, now);
    let total = exchange.facts.total_deadline.unwrap_or(Instant::NEVER);
    let until = now.plus_ns(exchange.timeouts().connect_ns);
    client.timer.set(until.min(total));
    let granted = poll_fn(|context| waiting.poll_granted(&worker.runtime, context));
    match client.timer.limit(granted).await {
        // It may have ended, or said more than it was asked, since it was granted.
        Ok(Grant::Idle(socket, permit)) if socket.is_dead() => Ok(Grant::Dial(permit.emptied())),
        Ok(grant) => Ok(grant),
        Err(_) if total <= until => Err(Failure::new(Reason::TotalTimeout)),
        Err(_) => Err(Failure::new(Reason::UpstreamConnectionsFull)),
    }
}

/// Keeps a connection whose exchange ended cleanly for another one, or closes it.
pub fn check_in(worker: &Worker, upstream: Upstream, exchange: &Exchange) {
    let Upstream { socket, input, permit, .. } = upstream;
    let is_clean = input.is_empty() && socket.is_quiet() && socket.queued_bytes() == 0;
    if !is_clean || worker.is_draining() {
        return;
    }
    let configured_ns = exchange.generation.snapshot.pool.idle_timeout_ns;
    let idle_max_ns = configured_ns.min(exchange.facts.upstream_keeps_ns);
    // Up to a tenth less, so that connections opened together do not all end together.
    let jitter_ns = worker.random_below(idle_max_ns / 10);
    let until = worker.runtime.now().plus_ns(idle_max_ns - jitter_ns);
    permit.park(socket, until);
}
