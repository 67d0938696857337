//! Fields that tell browsers to be careful.

use super::{Flow, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::SecurityHeaders;

pub(super) fn on_request(plan: &SecurityHeaders, exchange: &mut Exchange) -> Verdict {
    on_stop(plan, exchange);
    Ok(Flow::Continue)
}

/// Whoever makes the answer, it says so.
pub(super) fn on_stop(plan: &SecurityHeaders, exchange: &mut Exchange) {
    let has_hsts = !plan.hsts.is_empty() && exchange.is_encrypted();
    let response = &mut exchange.passage.response;
    response.remove_names(&plan.names);
    response.append_lines(|out| out.extend_from_slice(&plan.lines));
    if has_hsts {
        response.set(b"Strict-Transport-Security", &plan.hsts);
    }
}
