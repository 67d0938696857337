//! From a request's head to its route: one function for the workers and for what explains.

use super::{Route, RouteId, Snapshot};
use crate::http::head::{Form, RequestHead, trim};
use crate::http::method::Method;
use crate::http::origin;
use crate::router::condition::{self, Judging, Subject};
use crate::router::path::{self, Ambiguities, Ambiguity, Forward, Judgement, PathFault, Policy};
use crate::router::{Found, MethodSet, Parameters, Request, Scratch};
use std::net::IpAddr;

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The request.
    pub request: RequestHead<'a>,
    /// The address of the connection; none over a Unix socket.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub is_tls: bool,
}

/// What a search works with; it keeps its memory from one to the next.
pub struct Memory<'a> {
    /// The canonical path, where it is not the received one.
    pub path: &'a mut Vec<u8>,
    /// Where the parameters of the found route lie in the canonical path.
    pub parameters: &'a mut Parameters,
    /// For the router.
    pub scratch: &'a mut Scratch,
    /// For the guards.
    pub conditions: &'a mut condition::Scratch,
}

/// What a search came to.
#[derive(Clone, Copy, Debug)]
pub struct Matched {
    /// The route, also where its path policy refuses the request.
    pub route: Option<RouteId>,
    /// Whether the canonical path is the received one.
    pub path_is_raw: bool,
    /// Which of both goes to the upstream, where the route does not rewrite it.
    pub forward: Forward,
    /// What upstreams could read in two ways, as received.
    pub ambiguities: Ambiguities,
    /// The method that a preflight asks for, where the route was found by that.
    pub asked_method: Option<Method>,
    /// Why the route does not have the request; nothing where it has.
    pub refusal: Option<Refusal>,
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its path has no canonical form.
    Path(PathFault),
    /// The policy does not take this of its path.
    Ambiguous(Ambiguity),
    /// Its path was decoded once, and would have to be again.
    Undecided,
    /// Routes match all but the method; these they have.
    Method(MethodSet),
    /// A route matches all but the media type.
    NotAcceptable,
    /// No route matches.
    NotFound,
}

impl Matched {
    const NOTHING: Matched = Matched {
        route: None,
        path_is_raw: true,
        forward: Forward::Raw,
        ambiguities: Ambiguities::NONE,
        asked_method: None,
        refusal: None,
    };
}

impl Snapshot {
    /// The route of the request's path, read as its own policy says: what is ambiguous in it is
    /// judged by the route that it leads to, or by the gateway where it leads to none.
    #[inline]
    pub fn find(&self, asked: &Asked<'_>, memory: &mut Memory<'_>) -> Matched {
        let raw = raw(asked.request);
        let canonical = match path::canonical(raw, memory.path) {
            Ok(canonical) => canonical,
            Err(fault) => {
                return Matched { refusal: Some(Refusal::Path(fault)), ..Matched::NOTHING };
            }
        };
        let (path_is_raw, ambiguities) = (canonical.is_raw, canonical.ambiguities);
        let (found, asked_method) = self.search(asked, path_is_raw, memory);
        let matched = Matched { path_is_raw, ambiguities, asked_method, ..self.noted(found) };
        match self.policy(found).judge(ambiguities) {
            Judgement::Pass(forward) => Matched { forward, refusal: refusal(found), ..matched },
            Judgement::Decode(slashes) => self.again(asked, slashes, ambiguities, memory),
            Judgement::Reject(ambiguity) => {
                Matched { refusal: Some(Refusal::Ambiguous(ambiguity)), ..matched }
            }
        }
    }

    /// The route of the path with `slashes` decoded, once.
    fn again(
        &self,
        asked: &Asked<'_>,
        slashes: Ambiguities,
        ambiguities: Ambiguities,
        memory: &mut Memory<'_>,
    ) -> Matched {
        let nothing = Matched { path_is_raw: false, ambiguities, ..Matched::NOTHING };
        memory.conditions.forget_missed();
        let left = match path::decoded(raw(asked.request), slashes, memory.path) {
            Ok(canonical) => canonical.ambiguities,
            Err(fault) => return Matched { refusal: Some(Refusal::Path(fault)), ..nothing },
        };
        let (found, asked_method) = self.search(asked, false, memory);
        let refusal = match self.policy(found).judge_decoded(slashes, left) {
            Judgement::Pass(_) => refusal(found),
            // There is no third reading.
            Judgement::Decode(_) => Some(Refusal::Undecided),
            Judgement::Reject(ambiguity) => Some(Refusal::Ambiguous(ambiguity)),
        };
        let forward = Forward::Canonical;
        let noted = Matched { asked_method, ..self.noted(found) };
        Matched { path_is_raw: false, ambiguities, forward, refusal, ..noted }
    }

    /// Gives the fields by which the last search passed routes over that came first, where there
    /// are such, and forgets them: what `Vary` of the answer lists besides what the found route
    /// says by itself (RFC 9110 section 12.5.5).
    #[cold]
    pub fn passed_over(
        &self,
        route: Option<RouteId>,
        conditions: &mut condition::Scratch,
        mut take: impl FnMut(&str),
    ) {
        let extra = route.and_then(|id| self.route(id).extra.as_deref());
        let lines = extra.into_iter().flat_map(|extra| extra.response.lines.iter());
        let own = lines.filter(|line| line.name.eq_ignore_ascii_case(b"Vary: "));
        let own = own.filter_map(|line| line.value.literal());
        let is_own = |name: &str| {
            let mut listed = own.clone().flat_map(|list| list.split(|byte| *byte == b','));
            listed.any(|one| trim(one).eq_ignore_ascii_case(name.as_bytes()))
        };
        for missed in conditions.missed() {
            self.guards.fields(*missed).filter(|name| !is_own(name)).for_each(&mut take);
        }
        conditions.forget_missed();
    }

    /// Asks the router for the canonical path; with the method that a preflight asks for, where the
    /// route was found by that.
    #[inline]
    fn search(
        &self,
        asked: &Asked<'_>,
        path_is_raw: bool,
        memory: &mut Memory<'_>,
    ) -> (Found, Option<Method>) {
        let found = self.search_by(asked.request.method(), asked, path_is_raw, memory);
        match origin::preflight_method(asked.request) {
            None => (found, None),
            Some(method) => self.search_preflight((found, method), asked, path_is_raw, memory),
        }
    }

    /// A preflight is a question about another request. Where that one's route has a `cors` filter,
    /// the answer is that filter's; unless a route names `OPTIONS`, which then wants to see it
    /// itself.
    #[cold]
    fn search_preflight(
        &self,
        (own, method): (Found, Method),
        asked: &Asked<'_>,
        path_is_raw: bool,
        memory: &mut Memory<'_>,
    ) -> (Found, Option<Method>) {
        if matches!(own, Found::Route(id) if self.route(id).lists_options) {
            return (own, None);
        }
        memory.conditions.forget_missed();
        let found = self.search_by(method, asked, path_is_raw, memory);
        match found {
            Found::Route(id) if self.route(id).chain().is_some_and(|chain| chain.has_cors) => {
                (found, Some(method))
            }
            Found::Route(_)
            | Found::MethodNotAllowed(_)
            | Found::NotAcceptable
            | Found::NotFound => {
                // The parameters are those of the last search, and so is what was missed.
                memory.conditions.forget_missed();
                (self.search_by(asked.request.method(), asked, path_is_raw, memory), None)
            }
        }
    }

    fn search_by(
        &self,
        method: Method,
        asked: &Asked<'_>,
        path_is_raw: bool,
        memory: &mut Memory<'_>,
    ) -> Found {
        let request = asked.request;
        let path = if path_is_raw { raw(request) } else { memory.path.as_slice() };
        let wanted = Request { host: request.authority(), path, method };
        let subject = Subject {
            head: Some(request),
            peer: asked.peer,
            trusted: &self.trusted,
            is_tls: asked.is_tls,
            path,
        };
        let mut judging = Judging::new(&self.guards, subject, memory.conditions);
        self.router.find(&wanted, memory.parameters, memory.scratch, &mut judging)
    }

    /// Whose word about the path counts.
    fn policy(&self, found: Found) -> Policy {
        match found {
            Found::Route(id) => self.route(id).policy,
            Found::MethodNotAllowed(_) | Found::NotAcceptable | Found::NotFound => self.path_policy,
        }
    }

    fn noted(&self, found: Found) -> Matched {
        let route = match found {
            Found::Route(id) => Some(id),
            Found::MethodNotAllowed(_) | Found::NotAcceptable | Found::NotFound => None,
        };
        Matched { route, ..Matched::NOTHING }
    }
}

impl Route {
    /// Whether the version that it serves has ended by then, in seconds since 1970.
    #[inline]
    pub fn is_gone(&self, unix_seconds: impl FnOnce() -> u64) -> bool {
        let gone_at = self.extra.as_ref().and_then(|extra| extra.gone_at);
        gone_at.is_some_and(|gone_at| unix_seconds() >= gone_at)
    }
}

/// The path as it was received.
fn raw(request: RequestHead<'_>) -> &[u8] {
    // OPTIONS * (RFC 9112 section 3.2.4) asks about the server: the route of its root answers.
    if request.form() == Form::Asterisk { b"/" } else { request.path() }
}

fn refusal(found: Found) -> Option<Refusal> {
    match found {
        Found::Route(_) => None,
        Found::MethodNotAllowed(allowed) => Some(Refusal::Method(allowed)),
        Found::NotAcceptable => Some(Refusal::NotAcceptable),
        Found::NotFound => Some(Refusal::NotFound),
    }
}
