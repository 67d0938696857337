//! An answer in place of the route's own, while something is being mended.

use super::{Flow, Reply, Step, Text, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::Maintenance;

pub(super) fn on_request(step: &Step<'_>, plan: &Maintenance, exchange: &mut Exchange) -> Verdict {
    if plan.passes(exchange.client_address()) {
        return Ok(Flow::Continue);
    }
    let response = &mut exchange.passage.response;
    if !plan.retry_after.is_empty() {
        response.set(b"Retry-After", &plan.retry_after);
    }
    let Some(answer) = &plan.answer else { return Err(Failure::new(Reason::Maintenance)) };
    // As of every other refusal: an upstream's 503 is told from this one.
    response.append_lines(|out| {
        out.extend_from_slice(b"Proxy-Status: frys; details=\"");
        out.extend_from_slice(Reason::Maintenance.label().as_bytes());
        out.extend_from_slice(b"\"\r\n");
    });
    Ok(Flow::Respond(Reply {
        reason: Reason::Maintenance,
        status: answer.status,
        text: Text::Fixed(step.id),
    }))
}
