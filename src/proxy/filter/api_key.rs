//! Who may pass: clients with a known key.

use super::known::{Principals, refuse};
use super::{Flow, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::http::field::FieldId;
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::ApiKey;
use crate::snapshot::filter::source::{Found, Source, bearer};

use std::cell::RefCell;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {
    found: RefCell<Found>,
    principals: Principals,
}

pub(super) fn on_request(
    _: &Step<'_>,
    plan: &ApiKey,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let mut found = state.found.borrow_mut();
    found.clear();
    plan.look(exchange.request(), &mut found);
    match found.count {
        0 if plan.optional => {}
        0 => return Err(refuse(exchange, &plan.challenge, Reason::CredentialsMissing)),
        1 => {
            let number = plan.find(&found.bytes);
            let Some((number, owner)) = number.and_then(|at| Some((at, plan.owner(at)?))) else {
                return Err(refuse(exchange, &plan.challenge, Reason::CredentialsInvalid));
            };
            state.principals.enter(number, owner, "api_key", exchange);
        }
        // Which of them counts depends on who looks: here, and at the upstream.
        _ => return Err(refuse(exchange, &plan.challenge, Reason::CredentialsInvalid)),
    }
    if !plan.forward_credentials {
        plan.sources.iter().for_each(|source| keep(source, exchange));
    }
    Ok(Flow::Continue)
}

/// Keeps what stands in one place from the upstream. The check refuses that of the query.
fn keep(source: &Source, exchange: &mut Exchange) {
    let Exchange { head, index, passage, .. } = &mut *exchange;
    let head = crate::http::head::RequestHead::new(head, index);
    match source {
        Source::Header(_, name) => passage.request.remove(name),
        Source::Bearer => {
            if head.all(FieldId::Authorization).any(|value| bearer(value).is_some()) {
                passage.request.remove(b"authorization");
            }
        }
        Source::Query(_) => {}
        Source::Cookie(name) => passage.request.remove_cookie(head, name),
    }
}
