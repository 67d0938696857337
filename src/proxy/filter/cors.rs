//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::{Flow, Reply, Step, Text, Verdict};
use crate::bridge::reason::Reason;
use crate::http::head::RequestHead;
use crate::http::origin;
use crate::http::status::Status;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::{Asker, Cors, CorsCache};
use std::cell::RefCell;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {
    cache: RefCell<CorsCache>,
}

pub(super) fn on_request(
    _: &Step<'_>,
    plan: &Cors,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let Exchange { head, index, passage, .. } = exchange;
    let request = RequestHead::new(head, index);
    let asker = plan.judge(request, &mut state.cache.borrow_mut());
    passage.response.remove_known(Cors::REMOVED);
    passage.response.remove(Cors::REMOVED_TOO);
    let Some(method) = origin::preflight_method(request) else {
        passage.response.append_known(Cors::WRITTEN, |out| plan.write(asker, out));
        return match (plan.rejects, asker) {
            (true, Asker::Denied) => Err(Failure::new(Reason::CorsDenied)),
            (_, Asker::Own | Asker::Allowed(_) | Asker::Denied) => Ok(Flow::Continue),
        };
    };
    passage.response.append_lines(|out| plan.write_preflight(asker, request, out));
    if plan.rejects && (asker == Asker::Denied || !plan.takes(request, method)) {
        return Err(Failure::new(Reason::CorsDenied));
    }
    Ok(Flow::Respond(Reply {
        reason: Reason::PreflightAnswered,
        status: Status::NO_CONTENT,
        text: Text::Own { content_type: Vec::new(), body: Vec::new() },
    }))
}

/// An earlier filter has ended the request: pages that may read its answer.
pub(super) fn on_stop(plan: &Cors, state: &State, exchange: &mut Exchange) {
    let Exchange { head, index, passage, .. } = exchange;
    let asker = plan.judge(RequestHead::new(head, index), &mut state.cache.borrow_mut());
    passage.response.append_known(Cors::WRITTEN, |out| plan.write(asker, out));
}
