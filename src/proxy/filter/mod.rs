//! What a route's filters do with a request and its answer.
//!
//! Filters are synchronous. One that needs something slow asks for it ([`Flow::Ask`]), and is given
//! the answer of the control plane.

mod ip_filter;
mod maintenance;
mod request_limits;
mod cors;
#[cfg(feature = "rate_limiting")]
mod limit_key;
#[cfg(feature = "rate_limiting")]
mod rate_limit;
#[cfg(not(feature = "rate_limiting"))]
#[path = "rate_limit_absent.rs"]
mod rate_limit;
#[cfg(feature = "authentication")]
mod auth;
#[cfg(not(feature = "authentication"))]
#[path = "auth_absent.rs"]
mod auth;
#[cfg(feature = "authentication")]
mod api_key;
#[cfg(not(feature = "authentication"))]
#[path = "api_key_absent.rs"]
mod api_key;
#[cfg(feature = "authentication")]
mod basic_auth;
#[cfg(not(feature = "authentication"))]
#[path = "basic_auth_absent.rs"]
mod basic_auth;
#[cfg(feature = "authentication")]
mod forward_auth;
#[cfg(not(feature = "authentication"))]
#[path = "forward_auth_absent.rs"]
mod forward_auth;
mod rbac;
#[cfg(feature = "rate_limiting")]
mod concurrency_limit;
#[cfg(not(feature = "rate_limiting"))]
#[path = "concurrency_limit_absent.rs"]
mod concurrency_limit;
mod headers;
mod security_headers;
mod transform;
mod custom;
#[cfg(feature = "authentication")]
mod known;
pub mod body;
pub mod stream;

use crate::bridge::question::{Answer, Question};
use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::extension::{Direction, ResponseSource};
use crate::http::origin;
use crate::http::status::Status;
use crate::meters::FilterBlock;
use crate::runtime::{Instant, Socket};
use crate::snapshot::Snapshot;
use crate::snapshot::filter::{self, Filter, FilterId, Link};

use super::exchange::Exchange;
use super::failure::Failure;
use super::worker::{Generation, Worker};

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

/// What a filter wants to become of a request.
#[derive(Debug)]
pub enum Flow {
    /// The next filter sees it.
    Continue,
    /// It is answered with this.
    Respond(Reply),
    /// The control plane has to be asked first; the filter's `on_answer` goes on.
    Ask(Question),
}

/// What a filter says: how to go on, or why the request is refused. Lines that belong to the
/// refusal (`WWW-Authenticate`, `Retry-After`) stand in the response's changes of the passage.
pub type Verdict = Result<Flow, Failure>;

/// An answer in place of the upstream's. Its fields stand in the response's changes of the passage.
#[derive(Debug)]
pub struct Reply {
    /// As the log tells it.
    pub reason: Reason,
    /// Its status.
    pub status: Status,
    /// What it says.
    pub text: Text,
}

/// What an answer says beyond its head.
#[derive(Debug)]
pub enum Text {
    /// Something of its own.
    Own {
        /// `Content-Type`, where there is a body.
        content_type: Vec<u8>,
        /// Its body.
        body: Vec<u8>,
    },
    /// What every answer of this filter says, a `maintenance`: it is read where it was compiled.
    Fixed(FilterId),
}

impl Reply {
    /// `Content-Type` and body; `snapshot` is the one of the exchange.
    pub fn text<'a>(&'a self, snapshot: &'a Snapshot) -> (&'a [u8], &'a [u8]) {
        let id = match &self.text {
            Text::Own { content_type, body } => return (content_type, body),
            Text::Fixed(id) => *id,
        };
        // Nobody else's answers are fixed.
        let filter::Step::Maintenance(plan) = &snapshot.filter(id).step else {
            return (b"", b"");
        };
        plan.text()
    }
}

/// A filter as one worker has it: the same one in all generations in which the filter is the same.
pub struct Local {
    /// What every worker shares.
    pub filter: Arc<Filter>,
    /// What this one keeps.
    pub state: State,
}

/// What one worker keeps for a filter.
pub enum State {
    /// Nothing: its decision needs the request and what was compiled alone.
    Nothing,
    /// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
    Cors(cors::State),
    /// How many requests of one key pass in a time.
    RateLimit(rate_limit::State),
    /// Who may pass: bearers of a JSON Web Token (RFC 7519).
    Auth(auth::State),
    /// Who may pass: clients with a known key.
    ApiKey(api_key::State),
    /// Who may pass: users with a password (RFC 7617).
    BasicAuth(basic_auth::State),
    /// What those who are known may do.
    Rbac(rbac::State),
    /// How many requests of one key may be under way at once.
    ConcurrencyLimit(concurrency_limit::State),
    /// Changes of bodies.
    Transform(transform::State),
    /// A filter of the embedding program.
    Custom(custom::State),
}

/// A filter at its place in a route.
pub struct Step<'a> {
    /// The worker that runs it.
    pub worker: &'a Worker,
    /// The filter.
    pub filter: &'a Filter,
    /// Its place.
    pub id: FilterId,
    /// As the route has it.
    pub link: &'a Link,
    /// Its place among the route's filters.
    pub at: usize,
}

impl Step<'_> {
    /// Where this worker counts what the filter does.
    pub fn block(&self) -> &FilterBlock {
        self.filter.series.of(self.worker.number())
    }
}

impl State {
    /// What a worker begins with, or goes on with where the filter was another one before.
    pub fn new(worker: &Worker, filter: &Filter, before: Option<&State>) -> State {
        match &filter.step {
            filter::Step::IpFilter(_)
            | filter::Step::Maintenance(_)
            | filter::Step::RequestLimits(_)
            | filter::Step::ForwardAuth(_)
            | filter::Step::Headers(_)
            | filter::Step::SecurityHeaders(_) => State::Nothing,
            filter::Step::Cors(_) => State::Cors(cors::State::default()),
            filter::Step::RateLimit(plan) => State::RateLimit(rate_limit::State::new(worker, plan)),
            filter::Step::Auth(plan) => State::Auth(auth::State::new(plan)),
            filter::Step::ApiKey(_) => State::ApiKey(api_key::State::default()),
            filter::Step::BasicAuth(_) => State::BasicAuth(basic_auth::State::default()),
            filter::Step::Rbac(_) => State::Rbac(rbac::State::default()),
            filter::Step::ConcurrencyLimit(plan) => {
                State::ConcurrencyLimit(concurrency_limit::State::new(worker, plan))
            }
            filter::Step::Transform(_) => State::Transform(transform::State::default()),
            filter::Step::Custom(plan) => {
                let before = match before {
                    Some(State::Custom(before)) => Some(before),
                    Some(_) | None => None,
                };
                State::Custom(custom::State::new(worker, &filter.name, plan, before))
            }
        }
    }
}

/// Shows the request to the route's filters; an answer where one of them has one.
///
/// # Errors
/// One of them refuses the request; or it asked, and the exchange's time was over or the client
/// gone before the answer came.
pub async fn request(
    worker: &Worker,
    client: &Socket,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, Failure> {
    let outcome = run(worker, client, exchange).await;
    rate_limit::tell(exchange);
    outcome
}

async fn run(
    worker: &Worker,
    client: &Socket,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, Failure> {
    let mut at = 0;
    let mut answer = None;
    let mut asked_count = 0;
    loop {
        match pass(worker, exchange, &mut at, answer.take())? {
            Flow::Continue => return Ok(None),
            Flow::Respond(reply) => return Ok(Some(reply)),
            Flow::Ask(_) if asked_count >= crate::limits::QUESTIONS_COUNT_MAX => {
                return Err(Failure::new(Reason::FilterFailed));
            }
            Flow::Ask(question) => {
                asked_count += 1;
                // In a box of its own: few requests ask.
                match Box::pin(ask(worker, client, exchange, question)).await {
                    Ok(told) => answer = Some(told),
                    Err(failure) => {
                        let generation = Rc::clone(&exchange.generation);
                        stop_at(worker, &generation, at, exchange);
                        return Err(failure);
                    }
                }
            }
        }
    }
}

/// What control says, for as long as the exchange's time and its client last.
async fn ask(
    worker: &Worker,
    client: &Socket,
    exchange: &mut Exchange,
    question: Question,
) -> Result<Answer, Failure> {
    let facts = &mut exchange.facts;
    worker.stepped(facts, Stage::Filter);
    facts.enter(&worker.block.stages, Stage::FilterWait, worker.runtime.now());
    let total_deadline = facts.total_deadline.unwrap_or(Instant::NEVER);
    let told = client.while_there(pin!(worker.ask(question, total_deadline))).await;
    let answer = told.ok_or(Failure::new(Reason::ClientClosed))?;
    if worker.runtime.now() >= total_deadline {
        return Err(Failure::new(Reason::TotalTimeout));
    }
    worker.step(&mut exchange.facts);
    Ok(answer)
}

/// Goes on from the filter at `at`, which has asked for `answer` where there is one.
fn pass(
    worker: &Worker,
    exchange: &mut Exchange,
    at: &mut usize,
    mut answer: Option<Answer>,
) -> Verdict {
    let generation = Rc::clone(&exchange.generation);
    let Some(chain) = exchange.facts.route.and_then(|id| generation.snapshot.route(id).chain())
    else {
        return Ok(Flow::Continue);
    };
    let is_preflight =
        chain.lets_preflights_by && origin::preflight_method(exchange.request()).is_some();
    while let Some(link) = chain.links.get(*at) {
        if is_preflight && link.lets_preflights_by {
            *at += 1;
            exchange.passage.passed_count = *at;
            continue;
        }
        let local = worker.filter(&generation, link.filter);
        let step = Step { worker, filter: &local.filter, id: link.filter, link, at: *at };
        exchange.passage.reached = Some(link.filter);
        let verdict = match answer.take() {
            Some(answer) => on_answer(&step, &local.state, answer, exchange),
            None => on_request(&step, &local.state, exchange),
        };
        count(step.block(), &verdict);
        match verdict {
            Ok(Flow::Continue) => {
                *at += 1;
                exchange.passage.passed_count = *at;
            }
            Ok(Flow::Ask(question)) => return Ok(Flow::Ask(question)),
            stopped @ (Ok(Flow::Respond(_)) | Err(_)) => {
                stop_at(worker, &generation, *at, exchange);
                return stopped;
            }
        }
    }
    exchange.passage.reached = None;
    let needs = |direction| {
        let mut visits = exchange.passage.visits.iter();
        chain.bodies.of(direction).is_some()
            || visits.any(|visit| custom::need(visit, direction).is_some())
    };
    let (reads_request, reads_answer) = (needs(Direction::Request), needs(Direction::Response));
    exchange.facts.reads_request = reads_request;
    exchange.facts.reads_answer = reads_answer;
    Ok(Flow::Continue)
}

/// The request goes no further than the filter at `at`: what those behind say of every answer,
/// whoever made it, is said of this one too.
fn stop_at(worker: &Worker, generation: &Generation, at: usize, exchange: &mut Exchange) {
    let chain = exchange.facts.route.and_then(|id| generation.snapshot.route(id).chain());
    let rest = chain.and_then(|chain| chain.links.get(at + 1..)).unwrap_or_default();
    for (link, behind) in rest.iter().zip(1..) {
        let local = worker.filter(generation, link.filter);
        let at = exchange.passage.passed_count + behind;
        let step = Step { worker, filter: &local.filter, id: link.filter, link, at };
        match (&step.filter.step, &local.state) {
            (filter::Step::Cors(plan), State::Cors(state)) => cors::on_stop(plan, state, exchange),
            (filter::Step::Headers(plan), _) => headers::on_stop(&step, plan, exchange),
            (filter::Step::SecurityHeaders(plan), _) => security_headers::on_stop(plan, exchange),
            (_, _) => {}
        }
    }
}

fn count(block: &FilterBlock, verdict: &Verdict) {
    let counter = match verdict {
        Ok(Flow::Continue) => &block.passed,
        Ok(Flow::Respond(_)) => &block.answered,
        Ok(Flow::Ask(_)) => &block.asked,
        Err(_) => &block.refused,
    };
    counter.add(1);
}

fn on_request(step: &Step<'_>, state: &State, exchange: &mut Exchange) -> Verdict {
    match (&step.filter.step, state) {
        (filter::Step::IpFilter(plan), _) => ip_filter::on_request(plan, exchange),
        (filter::Step::Maintenance(plan), _) => maintenance::on_request(step, plan, exchange),
        (filter::Step::RequestLimits(plan), _) => request_limits::on_request(plan, exchange),
        (filter::Step::Cors(plan), State::Cors(state)) => {
            cors::on_request(step, plan, state, exchange)
        }
        (filter::Step::RateLimit(plan), State::RateLimit(state)) => {
            rate_limit::on_request(step, plan, state, exchange)
        }
        (filter::Step::Auth(plan), State::Auth(state)) => {
            auth::on_request(step, plan, state, exchange)
        }
        (filter::Step::ApiKey(plan), State::ApiKey(state)) => {
            api_key::on_request(step, plan, state, exchange)
        }
        (filter::Step::BasicAuth(plan), State::BasicAuth(state)) => {
            basic_auth::on_request(step, plan, state, exchange)
        }
        (filter::Step::ForwardAuth(plan), _) => forward_auth::on_request(plan, exchange),
        (filter::Step::Rbac(plan), State::Rbac(state)) => {
            rbac::on_request(step, plan, state, exchange)
        }
        (filter::Step::ConcurrencyLimit(plan), State::ConcurrencyLimit(state)) => {
            concurrency_limit::on_request(step, plan, state, exchange)
        }
        (filter::Step::Headers(plan), _) => headers::on_request(step, plan, exchange),
        (filter::Step::SecurityHeaders(plan), _) => security_headers::on_request(plan, exchange),
        (filter::Step::Transform(plan), State::Transform(state)) => {
            transform::on_request(step, plan, state, exchange)
        }
        (filter::Step::Custom(plan), State::Custom(state)) => {
            custom::on_request(step, plan, state, exchange)
        }
        // `Worker::filter` makes the state of the filter's own kind.
        (_, _) => Err(Failure::new(Reason::FilterFailed)),
    }
}

fn on_answer(step: &Step<'_>, state: &State, answer: Answer, exchange: &mut Exchange) -> Verdict {
    match (&step.filter.step, state) {
        (filter::Step::Auth(plan), State::Auth(state)) => {
            auth::on_answer(step, plan, state, answer, exchange)
        }
        (filter::Step::Custom(_), State::Custom(_)) => custom::on_answer(step, answer, exchange),
        (filter::Step::BasicAuth(plan), State::BasicAuth(state)) => {
            basic_auth::on_answer(step, plan, state, answer, exchange)
        }
        (filter::Step::ForwardAuth(plan), _) => forward_auth::on_answer(plan, answer, exchange),
        // Nobody else asks.
        (_, _) => Err(Failure::new(Reason::FilterFailed)),
    }
}

/// An answer whose head is about to be written.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// Its status.
    pub(crate) status: Status,
    /// Why it is what it is.
    pub(crate) reason: Reason,
    /// Its fields.
    pub(crate) source: ResponseSource<'a>,
}

impl Shown<'_> {
    /// An answer of the gateway's own.
    pub(crate) fn own<'a>(
        (status, reason): (Status, Reason),
        lines: &'a [u8],
        content_type: &'a [u8],
    ) -> Shown<'a> {
        Shown { status, reason, source: ResponseSource::Own { lines, content_type } }
    }
}

/// Shows the head of an answer to the filters that let its request pass, the last of them first,
/// and each of them once an exchange: the answer in its place where one of them has one, which
/// those before it are still to see.
pub(crate) fn response(
    worker: &Worker,
    exchange: &mut Exchange,
    shown: &Shown<'_>,
) -> Option<Reply> {
    let generation = Rc::clone(&exchange.generation);
    let chain = exchange.facts.route.and_then(|id| generation.snapshot.route(id).chain())?;
    if !chain.wants_response {
        return None;
    }
    while exchange.passage.passed_count > 0 {
        exchange.passage.passed_count -= 1;
        let at = exchange.passage.passed_count;
        let Some(link) = chain.links.get(at) else { continue };
        // Those of the gateway's own have nothing to say to it.
        if let Some(reply) = custom::on_response(worker, exchange, at, shown) {
            exchange.passage.reached = Some(link.filter);
            return Some(reply);
        }
    }
    None
}

/// [`response`] for an answer of the gateway's own: what all filters together make of it, where
/// that is another one.
pub(crate) fn own_response(
    worker: &Worker,
    exchange: &mut Exchange,
    shown: &Shown<'_>,
) -> Option<Reply> {
    if !exchange.facts.is_filtered {
        return None;
    }
    let mut reply = response(worker, exchange, shown)?;
    let generation = Rc::clone(&exchange.generation);
    // Each round takes at least one filter off those that are still to see an answer.
    loop {
        let kind = (reply.status, reply.reason);
        let (content_type, _) = reply.text(&generation.snapshot);
        match response(worker, exchange, &Shown::own(kind, b"", content_type)) {
            Some(other) => reply = other,
            None => return Some(reply),
        }
    }
}

/// The exchange is over: filters are told, and what they hold for it is let go of.
pub fn end(worker: &Worker, exchange: &mut Exchange) {
    if !exchange.passage.visits.is_empty() {
        custom::end(worker, exchange);
    }
    concurrency_limit::end(worker, exchange);
    exchange.passage.clear();
}
