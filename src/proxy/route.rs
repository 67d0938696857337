//! From a request's host, path, method and conditions to its route.

use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::http::head::{Form, RequestHead};
use crate::router::condition::{Judging, Subject};
use crate::router::path::{self, Ambiguities, Forward, Judgement, Policy};
use crate::router::{Found, Request};
use crate::snapshot::{Action, ClusterId, Route, RouteId, Timeouts};

use super::exchange::Exchange;
use super::failure::Failure;
use super::worker::Worker;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// To an upstream of this cluster.
    Cluster(ClusterId),
    /// Nowhere: the route answers it.
    Answer,
    /// To a file of the route's folder.
    Files,
}

/// Finds the route and what it bounds: the whole exchange's time and the body's length.
///
/// # Errors
/// No route, none with such a method or media type, a path that the route's policy refuses, a
/// version that is gone, or a body longer than the route takes.
pub fn find(worker: &Worker, exchange: &mut Exchange) -> Result<Taken, Failure> {
    let id = matched(exchange)?;
    let Exchange { generation, facts, .. } = exchange;
    let route = generation.snapshot.route(id);
    if is_gone(worker, route) {
        return Err(Failure::new(Reason::VersionGone));
    }
    let (taken, timeouts) = match &route.action {
        Action::Cluster(cluster) => (Taken::Cluster(*cluster), &*route.timeouts),
        Action::Split(split) => {
            let index = split.pick(worker.random_below(split.weights_sum));
            facts.share = index;
            (Taken::Cluster(split.shares[index].cluster), &split.shares[index].timeouts)
        }
        Action::Redirect(_) | Action::Respond(_) => (Taken::Answer, &*route.timeouts),
        Action::Files(_) => (Taken::Files, &*route.timeouts),
    };
    facts.total_deadline = match timeouts.total_ns {
        Timeouts::NONE => None,
        total_ns => Some(facts.started.plus_ns(total_ns)),
    };
    match facts.body {
        Body::Length(bytes) if bytes > route.body_bytes_max => {
            Err(Failure::new(Reason::BodyTooLarge))
        }
        Body::Empty | Body::Length(_) | Body::Chunked | Body::UntilClose => Ok(taken),
    }
}

/// The route of the request's path, read as its own policy says: what is ambiguous in it is judged
/// by the route that it leads to, or by the gateway where it leads to none.
fn matched(exchange: &mut Exchange) -> Result<RouteId, Failure> {
    let mut written = std::mem::take(&mut exchange.path);
    let found = matched_in(exchange, &mut written);
    exchange.path = written;
    found
}

fn matched_in(exchange: &mut Exchange, written: &mut Vec<u8>) -> Result<RouteId, Failure> {
    let canonical = path::canonical(raw(exchange), written)?;
    let (is_raw, ambiguities) = (canonical.is_raw, canonical.ambiguities);
    let found = search(exchange, if is_raw { None } else { Some(written) });
    exchange.facts.path_is_raw = is_raw;
    let policy = policy(exchange, found);
    match policy.judge(ambiguities) {
        Judgement::Pass(forward) => {
            exchange.facts.forward = forward;
            answer(exchange, found)
        }
        Judgement::Decode(slashes) => again(exchange, slashes, written),
        Judgement::Reject(ambiguity) => Err(ambiguity.into()),
    }
}

/// The route of the path with `slashes` decoded, once.
fn again(
    exchange: &mut Exchange,
    slashes: Ambiguities,
    written: &mut Vec<u8>,
) -> Result<RouteId, Failure> {
    let ambiguities = path::decoded(raw(exchange), slashes, written)?.ambiguities;
    let found = search(exchange, Some(written));
    exchange.facts.path_is_raw = false;
    match policy(exchange, found).judge_decoded(slashes, ambiguities) {
        Judgement::Pass(_) => {
            exchange.facts.forward = Forward::Canonical;
            answer(exchange, found)
        }
        // There is no third reading.
        Judgement::Decode(_) => Err(Failure::new(Reason::PathMalformed)),
        Judgement::Reject(ambiguity) => Err(ambiguity.into()),
    }
}

/// The path as it was received.
fn raw(exchange: &Exchange) -> &[u8] {
    let request = RequestHead::new(&exchange.head, &exchange.index);
    // OPTIONS * (RFC 9112 section 3.2.4) asks about the server: the route of its root answers.
    if request.form() == Form::Asterisk { b"/" } else { request.path() }
}

/// Asks the router for a canonical path; `None` is the received one.
fn search(exchange: &mut Exchange, path: Option<&[u8]>) -> Found {
    let Exchange { head, index, parameters, generation, facts, peer, .. } = exchange;
    let request = RequestHead::new(head, index);
    let path = match path {
        Some(path) => path,
        None if request.form() == Form::Asterisk => b"/",
        None => request.path(),
    };
    let snapshot = &generation.snapshot;
    let asked = Request { host: request.authority(), path, method: facts.method };
    let subject = Subject {
        head: Some(request),
        peer: peer.map(|peer| peer.ip()),
        trusted: &snapshot.trusted,
        is_tls: false,
        path,
    };
    let scratch = &mut *generation.scratch.borrow_mut();
    let conditions = &mut *generation.conditions.borrow_mut();
    let mut judging = Judging::new(&snapshot.guards, subject, conditions);
    snapshot.router.find(&asked, parameters, scratch, &mut judging)
}

/// Whose word about the path counts; a route is noted, so that the record names it.
fn policy(exchange: &mut Exchange, found: Found) -> Policy {
    let snapshot = &exchange.generation.snapshot;
    match found {
        Found::Route(id) => {
            exchange.facts.route = Some(id);
            snapshot.route(id).policy
        }
        Found::MethodNotAllowed(_) | Found::NotAcceptable | Found::NotFound => {
            exchange.facts.route = None;
            snapshot.path_policy
        }
    }
}

fn answer(exchange: &mut Exchange, found: Found) -> Result<RouteId, Failure> {
    match found {
        Found::Route(id) => Ok(id),
        Found::MethodNotAllowed(allowed) => {
            exchange.facts.allowed = allowed;
            Err(Failure::new(Reason::MethodNotAllowed))
        }
        Found::NotAcceptable => Err(Failure::new(Reason::NotAcceptable)),
        Found::NotFound => Err(Failure::new(Reason::RouteNotFound)),
    }
}

/// Whether the version that a route serves has ended.
#[inline]
fn is_gone(worker: &Worker, route: &Route) -> bool {
    let gone_at = route.extra.as_ref().and_then(|extra| extra.gone_at);
    gone_at.is_some_and(|gone_at| worker.runtime.wall().seconds >= gone_at)
}
