//! How many requests of one key may be under way at once.

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::ConcurrencyLimit;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &ConcurrencyLimit,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let _ = (step, plan, state, exchange);
    Ok(Flow::Continue)
}
