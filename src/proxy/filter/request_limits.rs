//! Bounds on a route's requests, tighter than the gateway's.

use super::{Flow, Verdict};
use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::RequestLimits;

pub(super) fn on_request(plan: &RequestLimits, exchange: &mut Exchange) -> Verdict {
    let request = exchange.request();
    let query_bytes = request.query().map_or(0, <[u8]>::len);
    let too_long =
        request.target().len() > plan.target_bytes_max || query_bytes > plan.query_bytes_max;
    if too_long {
        return Err(Failure::new(Reason::RequestLineTooLong));
    }
    let too_large = exchange.index.fields_count() > plan.fields_count_max
        || request.fields_bytes() > plan.fields_bytes_max;
    if too_large {
        return Err(Failure::new(Reason::FieldsTooLarge));
    }
    if plan.body_bytes_max == u64::MAX {
        return Ok(Flow::Continue);
    }
    // What comes without a length is counted on its way.
    let before = exchange.passage.body_bytes_max.unwrap_or(u64::MAX);
    exchange.passage.body_bytes_max = Some(before.min(plan.body_bytes_max));
    match exchange.facts.body {
        Body::Length(bytes) if bytes > plan.body_bytes_max => {
            Err(Failure::new(Reason::BodyTooLarge))
        }
        Body::Empty | Body::Length(_) | Body::Chunked | Body::UntilClose => Ok(Flow::Continue),
    }
}
