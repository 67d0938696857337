//! From a request's host, path, method and conditions to its route.

use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::http::head::RequestHead;
use crate::snapshot::{Action, Asked, ClusterId, Memory, Refusal, RouteId, Timeouts};

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
/// No route, none with such a method or media type, a path that the route's policy refuses, or a
/// version that is gone.
pub fn find(worker: &Worker, exchange: &mut Exchange) -> Result<Taken, Failure> {
    let id = matched(exchange)?;
    let Exchange { generation, facts, .. } = exchange;
    let route = generation.snapshot.route(id);
    if route.is_gone(|| worker.runtime.wall().seconds) {
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
    facts.is_filtered = route.chain().is_some();
    facts.total_deadline = match timeouts.total_ns {
        Timeouts::NONE => None,
        total_ns => Some(facts.started.plus_ns(total_ns)),
    };
    Ok(taken)
}

/// Holds the body's length, where it is told, against what route and filters take. Behind the
/// filters, so that what they say of every answer is said of this one too.
///
/// # Errors
/// [`Reason::BodyTooLarge`].
pub fn admit(exchange: &Exchange) -> Result<(), Failure> {
    match exchange.facts.body {
        Body::Length(bytes) if bytes > exchange.body_bytes_max() => {
            Err(Failure::new(Reason::BodyTooLarge))
        }
        Body::Empty | Body::Length(_) | Body::Chunked | Body::UntilClose => Ok(()),
    }
}

/// Asks the snapshot, and notes what it says.
fn matched(exchange: &mut Exchange) -> Result<RouteId, Failure> {
    let Exchange { head, index, path, parameters, generation, facts, peer, passage, .. } = exchange;
    let request = RequestHead::new(head, index);
    let asked = Asked { request, peer: peer.map(|peer| peer.ip()), is_tls: false };
    let scratch = &mut *generation.scratch.borrow_mut();
    let conditions = &mut *generation.conditions.borrow_mut();
    let mut memory = Memory { path, parameters, scratch, conditions };
    let matched = generation.snapshot.find(&asked, &mut memory);
    facts.route = matched.route;
    facts.path_is_raw = matched.path_is_raw;
    facts.forward = matched.forward;
    if !memory.conditions.missed().is_empty() {
        let changes = &mut passage.response;
        generation.snapshot.passed_over(matched.route, memory.conditions, |name| {
            changes.append(b"Vary", name.as_bytes());
        });
        facts.varies = !changes.are_none();
    }
    match (matched.refusal, matched.route) {
        (None, Some(id)) => Ok(id),
        (Some(refusal), _) => {
            if let Refusal::Method(allowed) = refusal {
                facts.allowed = allowed;
            }
            Err(Failure::new(refusal.into()))
        }
        (None, None) => Err(Failure::new(Reason::RouteNotFound)),
    }
}
