//! One request, step by step: what the search says, and every route that it could have been.

use super::asked::Asked;
use super::explanation::{
    Ambiguity, Answer, Candidate, Explanation, Finding, Others, Path, Request,
};
use super::find::{Finder, Outcome};
use super::{reasons, route, words};
use crate::bridge::Reason;
use crate::config::{Document, Fault, GatewayConfig};
use crate::http::forwarded;
use crate::http::head::Form;
use crate::http::method::Method;
use crate::limits::{EXPLAIN_ALL_MAX, EXPLAIN_CANDIDATES_MAX, EXPLAIN_LATER_MAX, EXPLAIN_NEAR_MAX};
use crate::router;
use crate::router::condition::{self, Judging, Subject};
use crate::router::naive::{self, Outcome as Turned};
use crate::router::path::Policy;
use crate::snapshot::{Listing, Matched, Refusal, RouteId, Snapshot};

/// Who is asked.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The configuration as it is written.
    pub config: &'a GatewayConfig,
    /// As it is served.
    pub snapshot: &'a Snapshot,
    /// Where it is written.
    pub document: Option<&'a Document>,
    /// Whether a gateway serves it now.
    pub is_running: bool,
    /// The second since 1970.
    pub now: u64,
}

/// Why a request goes where it goes; none where the configuration does not compile.
pub fn explain(source: Source<'_>, asked: &Asked) -> Option<Explanation> {
    let listing = Listing::new(source.config)?;
    let mut finder = Finder::new(source.snapshot, source.now);
    let matched = finder.search(asked);
    let vary = finder.passed_over(&matched);
    let outcome = finder.outcome(&matched);
    let head = asked.head();
    let received = if head.form() == Form::Asterisk { b"/" } else { head.path() };
    let canonical = if matched.path_is_raw { received } else { finder.path.as_slice() };
    let has_form = !matches!(matched.refusal, Some(Refusal::Path(_)));
    let search = Search { source, asked, listing: &listing, matched: &matched, canonical };
    let (candidates, others) =
        if has_form { search.candidates() } else { (Vec::new(), Others::default()) };
    let mut explanation = Explanation {
        request: search.request(),
        generation: source.is_running.then_some(source.snapshot.generation),
        past: None,
        path: Path {
            received: text(received),
            canonical: has_form.then(|| text(canonical)),
            ambiguities: search.ambiguities(),
        },
        candidates,
        others,
        found: None,
        answer: None,
    };
    match outcome {
        Outcome::Route(id) => {
            let place = search.place(id);
            let one = route::One { source, asked, canonical, id, parameters: &finder.parameters };
            let (mut found, answer) = one.explain(&matched, place);
            found.answer_lines.extend(vary);
            (explanation.found, explanation.answer) = (Some(found), answer);
        }
        Outcome::Refused(reason) => explanation.answer = Some(search.refused(reason, vary)),
    }
    Some(explanation)
}

/// What the gateway answers for a reason.
pub(super) fn answer(reason: Reason, status: Option<u16>, lines: Vec<String>) -> Answer {
    Answer {
        status: status.or(reason.status()),
        reason: reason.label().to_owned(),
        meaning: reason.meaning().to_owned(),
        remedy: reasons::remedy(reason).to_owned(),
        lines,
    }
}

/// Bytes of a peer for a person.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Search<'a> {
    source: Source<'a>,
    asked: &'a Asked,
    listing: &'a Listing,
    matched: &'a Matched,
    canonical: &'a [u8],
}

impl Search<'_> {
    fn request(&self) -> Request {
        let (head, peer) = (self.asked.head(), self.asked.peer);
        let trusted = &self.source.snapshot.trusted;
        Request {
            method: head.method().as_str().to_owned(),
            scheme: if self.asked.is_tls { "https" } else { "http" }.to_owned(),
            host: head.authority().map(text),
            target: text(head.target()),
            peer: peer.map(|peer| peer.to_canonical().to_string()),
            is_trusted: peer.is_some_and(|peer| trusted.contains(peer)),
            client: peer.map(|peer| forwarded::client(head, peer, trusted).to_string()),
            preflight: self.matched.asked_method.map(|method| method.as_str().to_owned()),
        }
    }

    /// Whose policy counts: the found route's, or the gateway's.
    fn policy(&self) -> Policy {
        let route = self.matched.route.map(|id| self.source.snapshot.route(id).policy);
        route.unwrap_or(self.source.snapshot.path_policy)
    }

    fn ambiguities(&self) -> Vec<Ambiguity> {
        let policy = self.policy();
        let shown = self.matched.ambiguities.iter().map(|one| Ambiguity {
            what: one.name().to_owned(),
            policy: if policy.reject.contains(one) {
                "reject"
            } else if policy.decode.contains(one) {
                "decode"
            } else if policy.resolve.contains(one) {
                "resolve"
            } else {
                "keep"
            }
            .to_owned(),
        });
        shown.collect()
    }

    fn refused(&self, reason: Reason, mut lines: Vec<String>) -> Answer {
        if let Some(Refusal::Method(allowed)) = self.matched.refusal {
            let methods = self.source.snapshot.router.methods(allowed);
            let methods: Vec<String> = methods.map(|one| one.as_str().to_owned()).collect();
            lines.push(format!("Allow: {}", methods.join(", ")));
        }
        answer(reason, None, lines)
    }

    /// The routes in their order, those that say something.
    fn candidates(&self) -> (Vec<Candidate>, Others) {
        let head = self.asked.head();
        let request =
            router::Request { host: head.authority(), path: self.canonical, method: self.method() };
        let mut scratch = condition::Scratch::default();
        let mut judging = Judging::new(&self.listing.guards, self.subject(), &mut scratch);
        let all: Vec<naive::Candidate> =
            self.listing.naive.candidates(&request, &mut judging).collect();
        let winner = all.iter().position(|one| Some(one.route) == self.matched.route);
        let near = if winner.is_none() { self.near(&all) } else { Vec::new() };
        let (mut shown, mut others) = (Vec::new(), Others::default());
        let mut later_count = 0;
        for (index, one) in all.iter().enumerate() {
            let is_after = winner.is_some_and(|winner| index > winner);
            let is_close = match one.outcome {
                Turned::Host | Turned::Path => {
                    !is_after && (all.len() <= EXPLAIN_ALL_MAX || near.contains(&index))
                }
                Turned::Matches(_) if is_after => {
                    later_count += 1;
                    later_count <= EXPLAIN_LATER_MAX
                }
                Turned::Regex
                | Turned::Parameter(_)
                | Turned::Guard
                | Turned::Method
                | Turned::NotAcceptable
                | Turned::Matches(_) => !is_after || winner == Some(index),
            };
            let is_winner = winner == Some(index);
            if is_winner || (is_close && shown.len() < EXPLAIN_CANDIDATES_MAX) {
                shown.push(self.candidate(one, is_winner, is_after));
                continue;
            }
            match one.outcome {
                Turned::Host => others.host += 1,
                Turned::Path | Turned::Regex => others.path += 1,
                Turned::Parameter(_)
                | Turned::Guard
                | Turned::Method
                | Turned::NotAcceptable
                | Turned::Matches(_) => others.more += 1,
            }
        }
        (shown, others)
    }

    /// Of routes with the host and another path, those whose paths begin most alike.
    fn near(&self, all: &[naive::Candidate]) -> Vec<usize> {
        let path = &self.canonical;
        let mut near: Vec<(usize, usize)> = (all.iter().enumerate())
            .filter(|(_, one)| one.outcome == Turned::Path)
            .map(|(index, one)| {
                let pattern = self.config(one.route).map_or("", |route| match &route.path_regex {
                    Some(regex) => regex.strip_prefix('^').unwrap_or(regex),
                    None => &route.path,
                });
                let alike = pattern.bytes().zip(path.iter()).take_while(|(a, b)| a == *b);
                (alike.count(), index)
            })
            // The slash in front is no likeness.
            .filter(|(alike, _)| *alike > 1)
            .collect();
        near.sort_by_key(|(alike, index)| (std::cmp::Reverse(*alike), *index));
        near.into_iter().take(EXPLAIN_NEAR_MAX).map(|(_, index)| index).collect()
    }

    fn candidate(&self, one: &naive::Candidate, is_winner: bool, is_after: bool) -> Candidate {
        let route = self.config(one.route);
        let (verdict, text) = match (is_winner, self.matched.refusal) {
            (true, Some(Refusal::Ambiguous(ambiguity))) => {
                let what = ambiguity.name();
                ("policy", format!("its path policy refuses what the path has: {what}"))
            }
            (true, _) => ("taken", "taken".to_owned()),
            (false, _) => self.turned(one, is_after),
        };
        let shows_findings = is_winner
            || matches!(one.outcome, Turned::Guard | Turned::NotAcceptable | Turned::Matches(_));
        Candidate {
            route: self.source.snapshot.route(one.route).id.to_string(),
            place: self.place(one.route),
            pattern: route.map(words::pattern).unwrap_or_default(),
            verdict: verdict.to_owned(),
            text,
            findings: if shows_findings { self.findings(one) } else { Vec::new() },
        }
    }

    /// What was against a route, as a word and as a sentence.
    fn turned(&self, one: &naive::Candidate, is_after: bool) -> (&'static str, String) {
        let head = self.asked.head();
        let route = self.config(one.route);
        match one.outcome {
            Turned::Host => (
                "host",
                match head.authority() {
                    Some(host) => format!("the host is another: {}", text(host)),
                    None => "the request has no host".to_owned(),
                },
            ),
            Turned::Path => ("path", format!("the path is another: {}", text(self.canonical))),
            Turned::Regex => {
                ("regex", format!("the expression does not match {}", text(self.canonical)))
            }
            Turned::Parameter(index) => {
                let (name, wanted) =
                    route.and_then(|route| words::parameter(route, index)).unwrap_or_default();
                let range = one.parameters.range(index);
                let value = range.and_then(|range| self.canonical.get(range)).unwrap_or_default();
                let value = text(value);
                (
                    "parameter",
                    format!("the parameter {name} is `{value}`, which {wanted} does not match"),
                )
            }
            Turned::Guard => ("condition", "a condition does not hold".to_owned()),
            Turned::Method => {
                let methods = route.map(words::methods).unwrap_or_default();
                ("method", format!("it takes {methods}, not {}", self.method().as_str()))
            }
            Turned::NotAcceptable => {
                ("not_acceptable", "the client takes nothing that it produces".to_owned())
            }
            Turned::Matches(_) if is_after => {
                ("later", "it matches too, and is less specific or wanted less".to_owned())
            }
            Turned::Matches(_) => {
                ("quality", "it matches too, and the client wants its media type less".to_owned())
            }
        }
    }

    fn findings(&self, one: &naive::Candidate) -> Vec<Finding> {
        let id = self.listing.of_routes.get(one.route.0 as usize).copied().flatten();
        let Some(guard) = id.and_then(|id| self.listing.guards.guard(id)) else {
            return Vec::new();
        };
        let mut scratch = condition::Scratch::default();
        scratch.begin();
        let findings = guard.explain(&self.subject(), &one.parameters, &mut scratch);
        let shown = findings.into_iter().map(|condition::Finding { depth, holds, text }| Finding {
            depth,
            holds,
            text,
        });
        shown.collect()
    }

    /// The method that routes are asked for: of a preflight that finds its route by it, the one
    /// that it asks for.
    fn method(&self) -> Method {
        self.matched.asked_method.unwrap_or(self.asked.head().method())
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            head: Some(self.asked.head()),
            peer: self.asked.peer,
            trusted: &self.source.snapshot.trusted,
            is_tls: self.asked.is_tls,
            path: self.canonical,
        }
    }

    fn config(&self, id: RouteId) -> Option<&crate::config::Route> {
        self.source.config.routes.get(id.0 as usize)
    }

    /// `file:line` of a route.
    fn place(&self, id: RouteId) -> Option<String> {
        let mut faults = [Fault::new(format!("routes[{}]", id.0), "")];
        self.source.document?.locate(&mut faults);
        let [fault] = faults;
        fault.location.map(|location| format!("{}:{}", location.file, location.line))
    }
}
