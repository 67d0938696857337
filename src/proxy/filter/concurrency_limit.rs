//! How many requests of one key may be under way at once.

use super::limit_key::{self, Found};
use super::rate_limit::refuse;
use super::{Flow, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::{Exchange, Held};
use crate::proxy::worker::Worker;
use crate::quota::Entered;
use crate::snapshot::filter::{ConcurrencyLimit, Step as Plan};

/// What one worker keeps for it.
#[derive(Debug)]
pub struct State {
    requests_max: u64,
}

impl State {
    pub(super) fn new(worker: &Worker, plan: &ConcurrencyLimit) -> State {
        let workers_count = worker.workers_count() as u64;
        let is_shared = !plan.key.is_per_worker;
        let share = plan.requests_max.div_ceil(workers_count);
        State { requests_max: if is_shared { plan.requests_max } else { share } }
    }
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &ConcurrencyLimit,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let reason = Reason::ConcurrencyLimited;
    let key = match limit_key::find(step, &plan.key, plan.tally.secret(), exchange) {
        Found::Key(key) => key,
        Found::Pass => return Ok(Flow::Continue),
        Found::Refuse => return refuse(step, plan.is_shadow, reason, exchange, 0),
    };
    match plan.tally.enter(key, state.requests_max) {
        Entered::Place(place) => {
            step.block().held.add(1);
            exchange.passage.held.push(Held { filter: step.id, place });
            Ok(Flow::Continue)
        }
        Entered::Full | Entered::NoRoom => {
            refuse(step, plan.is_shadow, reason, exchange, WAIT_SECONDS)
        }
    }
}

/// The exchange is over, however: what it was counted in is told so.
pub(super) fn end(worker: &Worker, exchange: &mut Exchange) {
    while let Some(Held { filter, place }) = exchange.passage.held.pop() {
        // Of the exchange's own generation, so the filter is the one that counted it.
        let filter = exchange.generation.snapshot.filter(filter);
        if let Plan::ConcurrencyLimit(plan) = &filter.step {
            plan.tally.leave(place);
            filter.series.of(worker.number()).held.subtract(1);
        }
    }
}

/// Nobody knows when a request will end; as soon as whole seconds allow.
const WAIT_SECONDS: u64 = 1;
