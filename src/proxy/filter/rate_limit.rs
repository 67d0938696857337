//! How many requests of one key pass in a time.

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::RateLimit;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &RateLimit,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let _ = (step, plan, state, exchange);
    Ok(Flow::Continue)
}
