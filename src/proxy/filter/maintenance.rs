//! An answer in place of the route's own, while something is being mended.

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::Maintenance;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Maintenance,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let _ = (step, plan, state, exchange);
    Ok(Flow::Continue)
}
