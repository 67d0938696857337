//! What those who are known may do.

use super::{Flow, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::router::condition::Subject;
use crate::snapshot::filter::rbac::{Decision, Memory, Rbac, Wish};
use std::cell::RefCell;
use std::rc::Rc;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {
    memory: RefCell<Memory>,
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Rbac,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let subject = Subject {
        head: Some(exchange.request()),
        peer: exchange.peer.map(|peer| peer.ip()),
        trusted: &exchange.generation.snapshot.trusted,
        is_tls: false,
        path: exchange.canonical_path(),
    };
    let wish = Wish {
        principal: exchange.passage.principal.as_deref(),
        method: exchange.facts.method,
        subject,
        parameters: &exchange.parameters,
    };
    let decision = plan.decide(&wish, &mut state.memory.borrow_mut());
    let (rule, verdict) = match decision {
        Decision::Allowed(rule) => (Some(rule), Ok(Flow::Continue)),
        Decision::Denied(rule) => (rule, Err(Failure::new(Reason::RbacDenied))),
        Decision::Unknown => (None, Err(Failure::new(unknown(exchange)))),
    };
    exchange.passage.rule = rule.map(|rule| (step.id, rule));
    verdict
}

/// Asks for the credentials that the route's filters take. 401 has to say which (RFC 9110 section
/// 15.5.2); where nobody can, the request is refused as one of a client that may not.
fn unknown(exchange: &mut Exchange) -> Reason {
    let generation = Rc::clone(&exchange.generation);
    let route = exchange.facts.route.map(|id| generation.snapshot.route(id));
    let links = route.and_then(|route| route.chain()).into_iter().flat_map(|chain| &chain.links);
    let mut is_asked = false;
    exchange.passage.response.append_lines(|lines| {
        for link in links {
            is_asked |= generation.snapshot.filter(link.filter).write_challenge(lines);
        }
    });
    if is_asked { Reason::CredentialsMissing } else { Reason::RbacDenied }
}
