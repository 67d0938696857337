//! Which client addresses may pass.

use super::{Flow, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::IpFilter;

pub(super) fn on_request(plan: &IpFilter, exchange: &mut Exchange) -> Verdict {
    let address = match plan.is_of_peer {
        false => exchange.client_address(),
        true => exchange.peer.map(|peer| peer.ip()),
    };
    match plan.passes(address) {
        true => Ok(Flow::Continue),
        false => Err(Failure::new(Reason::IpDenied)),
    }
}
