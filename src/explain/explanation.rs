//! What an explanation says: a tree that is shown as text, sent as JSON, and read again by
//! `frys explain --admin`.

use crate::bridge::{Blame, Reason};

use serde::{Deserialize, Serialize};

/// Why a request goes where it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The request as it was asked.
    pub request: Request,
    /// The generation that was asked; none of a file.
    pub generation: Option<u64>,
    /// What became of a request of the past.
    #[serde(default)]
    pub past: Option<String>,
    /// The path by which routes are found.
    pub path: Path,
    /// Routes in the order in which they are tried, with what became of each.
    pub candidates: Vec<Candidate>,
    /// Routes that are not listed, and why they were turned away.
    pub others: Others,
    /// What was found.
    pub found: Option<Found>,
    /// How the gateway itself answers; none where an upstream does.
    pub answer: Option<Answer>,
}

impl Explanation {
    /// Whether a route takes the request, and the gateway does not refuse it there.
    pub fn is_taken(&self) -> bool {
        self.found.is_some() && !self.answer.as_ref().is_some_and(Answer::is_refusal)
    }
}

impl Answer {
    /// Whether the request does not get what its route has for it.
    pub fn is_refusal(&self) -> bool {
        let reason = Reason::ALL.iter().find(|reason| reason.label() == self.reason);
        // A gateway of another version may have reasons of its own.
        reason.map_or(self.status >= Some(400), |reason| reason.blame() != Blame::Nobody)
    }
}

/// The request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Its authority.
    pub host: Option<String>,
    /// Its target as received.
    pub target: String,
    /// The address of the connection.
    pub peer: Option<String>,
    /// Whether `trusted_proxies` names that address.
    pub is_trusted: bool,
    /// The client's address, as conditions see it.
    pub client: Option<String>,
    /// The method that a preflight asks for, where its route was found by that.
    #[serde(default)]
    pub preflight: Option<String>,
}

/// The path by which routes are found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// As received.
    pub received: String,
    /// As it is matched; none where it has no such form.
    pub canonical: Option<String>,
    /// What upstreams could read in two ways, and what becomes of it.
    pub ambiguities: Vec<Ambiguity>,
}

/// Something in a path that upstreams read in two ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ambiguity {
    /// The key of `path_policy`.
    pub what: String,
    /// What the policy says: `reject`, `keep`, `decode`, `resolve`.
    pub policy: String,
}

/// A route that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub route: String,
    /// Where it is written: `file:line`.
    pub place: Option<String>,
    /// Its methods, host and path.
    pub pattern: String,
    /// `taken`, or what was against it: `host`, `path`, `regex`, `parameter`, `condition`,
    /// `method`, `not_acceptable`, `policy`, `quality`; `later` for one that matches too, but comes
    /// after the one that is taken.
    pub verdict: String,
    /// The same in a sentence.
    pub text: String,
    /// Its conditions, and whether each holds.
    pub findings: Vec<Finding>,
}

/// A condition of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How deep it stands below `all`, `any` and `not`.
    pub depth: usize,
    /// Whether it holds.
    pub holds: bool,
    /// What was wanted, and what was found.
    pub text: String,
}

/// How many routes are not listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Others {
    /// Of another host.
    pub host: usize,
    /// Of the host, and another path.
    pub path: usize,
    /// Of the host and the path, beyond as many as are listed.
    pub more: usize,
}

/// The route that takes the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its name.
    pub route: String,
    /// Where it is written: `file:line`.
    pub place: Option<String>,
    /// What it does.
    pub action: String,
    /// Its filters, in the order in which they see the request.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// Parameters of the path by name.
    pub parameters: Vec<(String, String)>,
    /// What a trailing `/*` matched.
    pub rest: Option<String>,
    /// The head that goes to the upstream, line by line; empty where none does.
    pub sent: Vec<String>,
    /// Lines that the answer's head gains.
    pub answer_lines: Vec<String>,
    /// Names of fields that the answer's head loses.
    pub answer_removed: Vec<String>,
    /// Clusters with their shares.
    pub clusters: Vec<Cluster>,
    /// Timeouts in force.
    pub timeouts: Vec<Bound>,
    /// Limits in force.
    pub limits: Vec<Bound>,
}

/// A filter of the route. What it makes of the request is not said: that depends on what it counts
/// and whom it asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Its name in log and metrics.
    pub name: String,
    /// Its kind: `rate_limit`.
    pub kind: String,
    /// What it does.
    pub does: String,
}

/// A cluster that may get the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its share of the route's requests, in percent.
    pub percent: f64,
    /// How an endpoint is picked.
    pub balancer: String,
    /// Connections to one upstream at most.
    pub connections_max: u32,
    /// Whom the balancer picks from.
    pub endpoints: Vec<Endpoint>,
    /// Upstreams whose names have no address.
    pub unresolved: Vec<String>,
}

/// An address that may get the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The upstream as it is configured.
    pub upstream: String,
    /// The address.
    pub address: String,
    /// Its part of the upstream's weight.
    pub weight: u32,
    /// Its share of the cluster's requests, in percent.
    pub percent: f64,
}

/// A timeout or a limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Its key.
    pub name: String,
    /// With its unit, or `none`.
    pub value: String,
    /// Who says so: `route`, `cluster`, `gateway` or `default`.
    pub from: String,
}

/// An answer of the gateway's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The status; none where the answer depends on what is found later, as with files.
    pub status: Option<u16>,
    /// The reason's label.
    pub reason: String,
    /// What the reason means.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
    /// Lines that only this answer has: `Location`, `Allow`.
    pub lines: Vec<String>,
}
