//! Changes of fields, to be named by several routes.

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::Headers;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Headers,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let _ = (step, plan, state, exchange);
    Ok(Flow::Continue)
}
