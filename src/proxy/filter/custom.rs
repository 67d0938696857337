//! A filter of the embedding program.

use super::{Flow, Reply, Shown, Step, Text, Verdict};
use crate::bridge::question::{Answer, Question};
use crate::bridge::reason::Reason;
use crate::extension::{
    self, BodySink, BuildContext, Direction, FilterContext, FilterParts, Needs, Outcome,
};
use crate::http::changes::HeadChanges;
use crate::http::h1::reply::PLAIN_TEXT;
use crate::http::head::{Form, RequestHead};
use crate::http::status::Status;
use crate::limits;
use crate::proxy::exchange::{Exchange, Kept, Passage, Visit};
use crate::proxy::failure::Failure;
use crate::proxy::worker::Worker;
use crate::router::Parameters;
use crate::snapshot::filter::{BodyNeed, Custom};

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What one worker keeps for it.
pub struct State {
    built: RefCell<Built>,
}

/// The filter, or why there is none.
#[derive(Clone)]
enum Built {
    Ready(Rc<dyn extension::Filter>, Needs),
    Failed {
        /// When another attempt may be made.
        again_ms: u64,
        /// What the next attempt is handed.
        previous: Option<Rc<dyn extension::Filter>>,
    },
}

impl State {
    /// Makes the filter; where that fails, it is said and tried again later.
    pub(super) fn new(worker: &Worker, name: &str, plan: &Custom, before: Option<&State>) -> State {
        let previous = before.and_then(|before| match &*before.built.borrow() {
            Built::Ready(filter, _) => Some(Rc::clone(filter)),
            Built::Failed { previous, .. } => previous.clone(),
        });
        State { built: RefCell::new(build(worker, name, plan, previous)) }
    }

    /// The filter, if it could be made.
    fn filter(&self, step: &Step<'_>, plan: &Custom) -> Option<(Rc<dyn extension::Filter>, Needs)> {
        let now_ms = now_ms(step.worker);
        let previous = match &*self.built.borrow() {
            Built::Ready(filter, needs) => return Some((Rc::clone(filter), *needs)),
            Built::Failed { again_ms, .. } if now_ms < *again_ms => return None,
            Built::Failed { previous, .. } => previous.clone(),
        };
        let built = build(step.worker, &step.filter.name, plan, previous);
        *self.built.borrow_mut() = built.clone();
        match built {
            Built::Ready(filter, needs) => Some((filter, needs)),
            Built::Failed { .. } => None,
        }
    }
}

#[cold]
fn build(
    worker: &Worker,
    name: &str,
    plan: &Custom,
    previous: Option<Rc<dyn extension::Filter>>,
) -> Built {
    let (number, workers_count) = (worker.number(), worker.workers_count());
    let settings = &plan.settings;
    let handed = previous.clone();
    let context = BuildContext { name, settings, worker: number, workers_count, previous: handed };
    match plan.factory.build(&context) {
        Ok(filter) => {
            let needs = filter.needs();
            Built::Ready(filter, needs)
        }
        Err(error) => {
            tracing::error!(filter = name, worker = number, "the filter cannot be made: {error}");
            Built::Failed { again_ms: now_ms(worker) + limits::FILTER_BUILD_AGAIN_MS, previous }
        }
    }
}

fn now_ms(worker: &Worker) -> u64 {
    worker.runtime.now().0 / 1_000_000
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Custom,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let Some((filter, needs)) = state.filter(step, plan) else {
        return Err(Failure::new(Reason::FilterFailed));
    };
    exchange.passage.visits.push(Visit { at: step.at, filter, needs, kept: Kept::NOTHING });
    let visit = exchange.passage.visits.len() - 1;
    let flow = call(step.worker, exchange, visit, |filter, heads, context| {
        filter.on_request(&mut heads.request(), context)
    });
    verdict(flow, exchange)
}

/// What the filter that saw the request last asked for is there.
pub(super) fn on_answer(step: &Step<'_>, answer: Answer, exchange: &mut Exchange) -> Verdict {
    let answer = extension::Answer::new(match answer {
        Answer::Task(result) => Some(result),
        // Nobody asks for these here.
        Answer::Password(_) | Answer::Forward(_) | Answer::Keys(_) | Answer::Failed => None,
    });
    let Some(visit) = visit_of(exchange, step.at) else {
        return Err(Failure::new(Reason::FilterFailed));
    };
    let flow = call(step.worker, exchange, visit, |filter, heads, context| {
        filter.on_answer(answer, &mut heads.request(), context)
    });
    verdict(flow, exchange)
}

fn verdict(flow: extension::Flow, exchange: &mut Exchange) -> Verdict {
    match flow {
        extension::Flow::Continue => Ok(Flow::Continue),
        extension::Flow::Respond(reply) => answered(reply, exchange).map(Flow::Respond),
        extension::Flow::Ask(question) => Ok(Flow::Ask(Question::Task(question.into_task()))),
    }
}

/// An answer whose fields stand where those of all answers do.
fn answered(reply: extension::Reply, exchange: &mut Exchange) -> Result<Reply, Failure> {
    let extension::Reply { status, content_type, body, lines } = reply;
    if status.is_informational() {
        return Err(Failure::new(Reason::FilterFailed));
    }
    exchange.passage.response.append_lines(|out| out.extend_from_slice(&lines));
    let text = Text::Own { content_type, body };
    Ok(Reply { reason: Reason::FilterReplied, status, text })
}

/// Shows an answer to the filter in a place of the route, if it wants to see it.
pub(super) fn on_response(
    worker: &Worker,
    exchange: &mut Exchange,
    at: usize,
    shown: &Shown<'_>,
) -> Option<Reply> {
    let visit = visit_of(exchange, at)?;
    if !exchange.passage.visits[visit].needs.response {
        return None;
    }
    let flow = call(worker, exchange, visit, |filter, heads, context| {
        let mut response = extension::Response {
            status: shown.status,
            reason: shown.reason.label(),
            source: shown.source,
            changes: heads.response,
        };
        filter.on_response(&mut response, context)
    });
    match flow {
        extension::Flow::Continue => None,
        extension::Flow::Respond(reply) => {
            Some(answered(reply, exchange).unwrap_or_else(|_| failed()))
        }
        // The client has waited long enough, and an upstream's answer cannot be put aside.
        extension::Flow::Ask(_) => Some(failed()),
    }
}

/// In place of an answer that could not be judged.
fn failed() -> Reply {
    Reply {
        reason: Reason::FilterFailed,
        status: Status::INTERNAL_SERVER_ERROR,
        text: Text::Own {
            content_type: PLAIN_TEXT.to_vec(),
            body: b"500 the answer could not be judged\n".to_vec(),
        },
    }
}

/// How a filter that has seen the request reads a body.
pub(super) fn need(visit: &Visit, direction: Direction) -> Option<BodyNeed> {
    let need = match direction {
        Direction::Request => visit.needs.request_body,
        Direction::Response => visit.needs.response_body,
    };
    match need {
        extension::BodyNeed::Nothing => None,
        extension::BodyNeed::Pieces => Some(BodyNeed::Stream),
        extension::BodyNeed::Whole(bytes_max) => Some(BodyNeed::Hold { bytes_max }),
    }
}

/// Shows a piece of a body to the filter in a place of the route.
pub(super) fn on_body(
    (worker, exchange): (&Worker, &mut Exchange),
    at: usize,
    direction: Direction,
    (chunk, end): (&[u8], bool),
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let Some(visit) = visit_of(exchange, at) else {
        return Err(Failure::new(Reason::FilterFailed));
    };
    call(worker, exchange, visit, |filter, _, context| {
        let mut sink = BodySink::new(out);
        filter.on_body(direction, chunk, end, &mut sink, context);
        super::body::passed(sink.has_failed())
    })
}

/// Tells the filters that the exchange is over, the last of them first.
pub(super) fn end(worker: &Worker, exchange: &mut Exchange) {
    let generation = Rc::clone(&exchange.generation);
    let facts = exchange.facts;
    let upstream = facts.upstream.map(|id| &*generation.snapshot.upstream(id).name);
    let outcome = Outcome {
        status: facts.status,
        reason: facts.reason.label(),
        upstream,
        upstream_status: facts.upstream_status,
        attempts_count: facts.attempts_count,
        body_bytes_in: facts.bytes_in,
        body_bytes_out: facts.bytes_out,
        duration: worker.runtime.now().since(facts.started),
    };
    for visit in (0..exchange.passage.visits.len()).rev() {
        if exchange.passage.visits[visit].needs.end {
            call(worker, exchange, visit, |filter, _, context| filter.on_end(&outcome, context));
        }
    }
}

fn visit_of(exchange: &Exchange, at: usize) -> Option<usize> {
    exchange.passage.visits.iter().position(|visit| visit.at == at)
}

/// The heads of an exchange, as a filter may read and change them.
pub(super) struct Heads<'a> {
    head: RequestHead<'a>,
    path: &'a [u8],
    names: &'a [String],
    parameters: &'a Parameters,
    request: &'a mut HeadChanges,
    response: &'a mut HeadChanges,
}

impl<'a> Heads<'a> {
    fn request(self) -> extension::Request<'a> {
        extension::Request {
            head: self.head,
            path: self.path,
            names: self.names,
            parameters: self.parameters,
            changes: self.request,
            answer: self.response,
        }
    }
}

/// Calls the filter of a visit with what it may see of the exchange.
pub(super) fn call<R>(
    worker: &Worker,
    exchange: &mut Exchange,
    visit: usize,
    call: impl FnOnce(&dyn extension::Filter, Heads<'_>, &mut FilterContext<'_>) -> R,
) -> R {
    let Exchange { head, index, path, parameters, passage, generation, facts, .. } = exchange;
    let Passage { request, response, principal, visits, balance_key, .. } = passage;
    let snapshot = &generation.snapshot;
    let route = facts.route.map(|id| snapshot.route(id));
    let head = RequestHead::new(head, index);
    let path = match facts.path_is_raw {
        true if head.form() == Form::Asterisk => b"/",
        true => head.path(),
        false => path,
    };
    let names = route.and_then(|route| route.chain()).map_or(&[][..], |chain| &chain.parameters);
    let heads = Heads { head, path, names, parameters, request, response };
    let Visit { filter, kept: keeps, .. } = &mut visits[visit];
    let kept = &mut keeps.take();
    let wall = worker.runtime.wall();
    let mut context = FilterContext::new(FilterParts {
        head,
        route: route.map_or("", |route| &route.id),
        peer: exchange.peer,
        trusted: exchange.is_trusted.then_some(&snapshot.trusted),
        worker: worker.number(),
        now: Duration::from_nanos(worker.runtime.now().0),
        wall: Duration::new(wall.seconds, wall.nanos),
        principal,
        balance_key,
        kept,
    });
    let called = call(&**filter, heads, &mut context);
    keeps.put(kept.take());
    called
}
