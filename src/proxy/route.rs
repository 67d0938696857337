//! From a request's host, path and method to its route.

use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::http::head::{Form, RequestHead};
use crate::router::{Found, NoGuards, Request, path};
use crate::snapshot::{Action, ClusterId, Timeouts};

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
}

/// Finds the route and what it bounds: the whole exchange's time and the body's length.
///
/// # Errors
/// No route, no such method on it, a path that could be read in two ways, or a body longer than
/// the route takes.
pub fn find(worker: &Worker, exchange: &mut Exchange) -> Result<Taken, Failure> {
    let Exchange { head, index, path: decoded, parameters, generation, facts, .. } = exchange;
    let request = RequestHead::new(head, index);
    let snapshot = &generation.snapshot;
    // OPTIONS * (RFC 9112 section 3.2.4) asks about the server: the route of its root answers.
    let raw = if request.form() == Form::Asterisk { b"/" } else { request.path() };
    let canonical = path::canonical(raw, decoded)?;
    facts.path_is_raw = canonical.is_raw;
    let asked = Request { host: request.authority(), path: canonical.path, method: facts.method };
    let scratch = &mut *generation.scratch.borrow_mut();
    let found = snapshot.router.find(&asked, parameters, scratch, &mut NoGuards);
    let id = match found {
        Found::Route(id) => id,
        Found::MethodNotAllowed(allowed) => {
            facts.allowed = allowed;
            return Err(Failure::new(Reason::MethodNotAllowed));
        }
        Found::NotAcceptable | Found::NotFound => return Err(Failure::new(Reason::RouteNotFound)),
    };
    let route = snapshot.route(id);
    facts.route = Some(id);
    let (taken, timeouts) = match &route.action {
        Action::Cluster(cluster) => (Taken::Cluster(*cluster), &route.timeouts),
        Action::Split(split) => {
            let index = split.pick(worker.random_below(split.weights_sum));
            facts.share = index;
            (Taken::Cluster(split.shares[index].cluster), &split.shares[index].timeouts)
        }
        Action::Redirect(_) | Action::Respond(_) => (Taken::Answer, &route.timeouts),
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
