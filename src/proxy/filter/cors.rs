//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::Cors;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Cors,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let _ = (step, plan, state, exchange);
    Ok(Flow::Continue)
}
