//! Changes of fields, to be named by several routes.

use super::{Flow, Step, Verdict};
use crate::proxy::exchange::{Exchange, HeadChanges};
use crate::snapshot::Edits;
use crate::snapshot::filter::Headers;
use crate::snapshot::template::Values;

pub(super) fn on_request(step: &Step<'_>, plan: &Headers, exchange: &mut Exchange) -> Verdict {
    let mut request = std::mem::take(&mut exchange.passage.request);
    change(step, &plan.request, exchange, &mut request);
    exchange.passage.request = request;
    on_stop(step, plan, exchange);
    Ok(Flow::Continue)
}

/// The request goes no further; its answer is changed all the same.
pub(super) fn on_stop(step: &Step<'_>, plan: &Headers, exchange: &mut Exchange) {
    let mut response = std::mem::take(&mut exchange.passage.response);
    change(step, &plan.response, exchange, &mut response);
    exchange.passage.response = response;
}

fn change(step: &Step<'_>, edits: &Edits, exchange: &Exchange, changes: &mut HeadChanges) {
    if !edits.drop.is_empty() {
        changes.remove_names(&edits.drop);
    }
    if !edits.lines.is_empty() {
        let values = || Values { places: &step.link.parameters, ..exchange.values(step.worker) };
        changes.append_lines(|out| edits.lines.write(values, out));
    }
}
