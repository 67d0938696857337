//! Which client addresses may pass.

use super::{Flow, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::IpFilter;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(
    _: &Step<'_>,
    plan: &IpFilter,
    _: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let address = match plan.is_of_peer {
        false => exchange.client_address(),
        true => exchange.peer.map(|peer| peer.ip()),
    };
    match plan.passes(address) {
        true => Ok(Flow::Continue),
        false => Err(Failure::new(Reason::IpDenied)),
    }
}
