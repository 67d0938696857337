//! How many requests of one key pass in a time.

use super::limit_key::{self, Found};
use super::{Flow, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::http::field::{FieldId, FieldSet};
use crate::http::h1::encode::decimal;
use crate::proxy::exchange::{Exchange, Quota};
use crate::proxy::failure::Failure;
use crate::proxy::worker::Worker;
use crate::quota::{Leases, Rate, Terms};
use crate::snapshot::filter::RateLimit;

/// What one worker keeps for it.
#[derive(Debug)]
pub struct State {
    leases: Leases,
}

impl State {
    pub(super) fn new(worker: &Worker, plan: &RateLimit) -> State {
        let workers_count = worker.workers_count() as u64;
        let terms = if plan.key.is_per_worker {
            let burst = (plan.rate.burst / workers_count).max(u64::from(plan.cost_max));
            let interval_ns = plan.rate.interval_ns.saturating_mul(workers_count);
            Terms::alone(Rate { interval_ns, burst })
        } else {
            Terms::shared(plan.rate, workers_count)
        };
        State { leases: Leases::new(terms) }
    }
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &RateLimit,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let key = match limit_key::find(step, &plan.key, plan.rates.secret(), exchange) {
        Found::Key(key) => key,
        Found::Pass => return Ok(Flow::Continue),
        Found::Refuse => return refuse(step, plan.is_shadow, Reason::RateLimited, exchange, 0),
    };
    let now_ns = step.worker.runtime.now().0;
    let cost = u64::from(step.link.cost);
    let taken = state.leases.spend(&plan.rates, key, now_ns, cost);
    let rate = &state.leases.terms().rate;
    if plan.has_headers && !plan.is_shadow {
        exchange.passage.tell_quota(Quota {
            limit: rate.burst,
            remaining: rate.free(taken.full_at_ns, now_ns),
            reset_seconds: seconds(taken.full_at_ns.saturating_sub(now_ns)),
        });
    }
    if taken.tokens > 0 {
        return Ok(Flow::Continue);
    }
    let wait_seconds = seconds(rate.wait_ns(taken.full_at_ns, now_ns, cost)).max(1);
    refuse(step, plan.is_shadow, Reason::RateLimited, exchange, wait_seconds)
}

/// Refuses, or where a limit only watches counts and notes that it would have; 0 seconds to wait
/// are not told.
pub(super) fn refuse(
    step: &Step<'_>,
    is_shadow: bool,
    reason: Reason,
    exchange: &mut Exchange,
    wait_seconds: u64,
) -> Verdict {
    if is_shadow {
        step.block().shadowed.add(1);
        exchange.passage.shadow.get_or_insert(step.id);
        return Ok(Flow::Continue);
    }
    if wait_seconds > 0 {
        let response = &mut exchange.passage.response;
        response.remove(b"Retry-After");
        response.append_lines(|lines| line(b"Retry-After: ", wait_seconds, lines));
    }
    Err(Failure::new(reason))
}

const TOLD: FieldSet =
    FieldSet::of(&[FieldId::RateLimitLimit, FieldId::RateLimitRemaining, FieldId::RateLimitReset]);

/// Writes what is left of the tightest limit, once all filters have had their say.
pub(super) fn tell(exchange: &mut Exchange) {
    let Some(quota) = exchange.passage.take_quota() else { return };
    let response = &mut exchange.passage.response;
    // What an upstream says of a limit of its own is another limit.
    response.remove_fields(TOLD);
    response.append_known(TOLD, |lines| {
        line(b"RateLimit-Limit: ", quota.limit, lines);
        line(b"RateLimit-Remaining: ", quota.remaining, lines);
        line(b"RateLimit-Reset: ", quota.reset_seconds, lines);
    });
}

fn line(name: &[u8], number: u64, lines: &mut Vec<u8>) {
    lines.extend_from_slice(name);
    decimal(number, lines);
    lines.extend_from_slice(b"\r\n");
}

/// Whole seconds, rounded up: who waits for less comes too early.
fn seconds(ns: u64) -> u64 {
    ns.div_ceil(1_000_000_000)
}
