//! The router once more, written from its documentation without any care for cost: all routes in
//! the order in which they win, each with why it takes a request or does not.
//!
//! The property tests and the fuzz target hold [`super::Router::find`] against it, and it explains
//! to an operator what became of a request. It shares with the router how patterns are read, and
//! nothing of how routes are found.

use super::guard::{Guards, Judge, Verdict};
use super::{Parameters, PathPattern, Pattern, PatternError, Request, RouteId};
use super::{pattern, regex};
use crate::http::method::Method;
use crate::limits;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

/// Routes in the order in which they win.
#[derive(Debug)]
pub struct Naive {
    routes: Vec<Route>,
}

/// What became of one route.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The route.
    pub route: RouteId,
    /// Why it takes the request or does not.
    pub outcome: Outcome,
    /// Routes with the same number stand side by side and are equal down to the number of their
    /// conditions: of those that match, the highest quality wins, and of these the first.
    pub class: u32,
    /// What its parameters are; empty where its host or path does not match.
    pub parameters: Parameters,
}

/// Why a route takes a request or does not: the first of these that is against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request's host is another, or none.
    Host,
    /// The path's segments are others, or what stands in front of an expression is.
    Path,
    /// The regular expression does not match the path, which begins as it does.
    Regex,
    /// A parameter, by its place, does not match its regular expression.
    Parameter(usize),
    /// A condition does not hold.
    Guard,
    /// It does not list the method.
    Method,
    /// The client takes none of the media types that it produces.
    NotAcceptable,
    /// Nothing: it matches, with the quality of its media type in thousandths.
    Matches(u16),
}

/// What a search comes to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The route that wins, and its parameters.
    Route(RouteId, Parameters),
    /// Routes match all but the method: these are the methods that they have.
    MethodNotAllowed(BTreeSet<Method>),
    /// A route matches all but the media type.
    NotAcceptable,
    /// No route matches.
    NotFound,
}

#[derive(Debug)]
struct Route {
    id: RouteId,
    host: Option<String>,
    path: Path,
    /// Parameters by their place, and what they must match.
    checks: Vec<(usize, Expression)>,
    methods: Vec<Method>,
    /// It lists GET, and no other route of the same host and path lists HEAD.
    implies_head: bool,
    guard: Option<super::GuardId>,
    priority: i32,
    place: Place,
    class: u32,
}

#[derive(Debug)]
enum Path {
    Segments {
        segments: Vec<Segment>,
        wildcard: bool,
    },
    /// Literal bytes in front, and the whole.
    Regex(Vec<u8>, Expression),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// The text between parameters: `a{x}b` is `["a", "b"]`, `a` is `["a"]`.
    Pieces(Vec<Vec<u8>>),
    Any,
}

/// A regular expression, compiled where it is first asked.
#[derive(Debug)]
struct Expression {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Where host and path stand in the order, and then the number of conditions.
type Place = (HostRank, Vec<Rank>, bool, Reverse<u32>);

type HostRank = (u8, Reverse<usize>, Option<String>);

/// A segment's place in the order, or what follows the last one. Smaller is more specific.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Rank {
    Segment(Reverse<usize>, Reverse<usize>, usize, Vec<Vec<u8>>),
    Any,
    /// The literal bytes of the segment in which they end, then the whole text.
    Regex(Reverse<usize>, Vec<u8>, Reverse<usize>),
    End,
    Wildcard,
}

impl Naive {
    /// Puts routes in order.
    ///
    /// # Errors
    /// The first pattern that is wrong.
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = (RouteId, Pattern<'a>)>,
        guards: &impl Guards,
    ) -> Result<Naive, (RouteId, PatternError)> {
        let mut routes = Vec::new();
        for (id, pattern) in patterns {
            routes.push(Route::new(id, &pattern, guards).map_err(|error| (id, error))?);
        }
        imply_head(&mut routes);
        routes.sort_by(|a, b| {
            let rank = a.place.cmp(&b.place).then(b.priority.cmp(&a.priority));
            let of_guards = || match (a.guard, b.guard) {
                (Some(a), Some(b)) => guards.order(a, b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            rank.then_with(of_guards).then(a.id.cmp(&b.id))
        });
        let mut class = 0;
        for index in 1..routes.len() {
            class += u32::from(routes[index - 1].place != routes[index].place);
            routes[index].class = class;
        }
        Ok(Naive { routes })
    }

    /// Every route in the order in which they win, and what becomes of it.
    pub fn candidates<'a>(
        &'a self,
        request: &'a Request<'a>,
        judge: &'a mut impl Judge,
    ) -> impl Iterator<Item = Candidate> + 'a {
        let host = request.host.and_then(host_name);
        self.routes.iter().map(move |route| route.candidate(host.as_deref(), request, judge))
    }

    /// What a search comes to.
    pub fn find(&self, request: &Request<'_>, judge: &mut impl Judge) -> Answer {
        let host = request.host.and_then(host_name);
        let mut allowed = BTreeSet::new();
        let mut is_acceptable = true;
        let mut best: Option<(u16, Candidate)> = None;
        for route in &self.routes {
            if best.as_ref().is_some_and(|(_, best)| best.class != route.class) {
                break;
            }
            let candidate = route.candidate(host.as_deref(), request, judge);
            match candidate.outcome {
                Outcome::Matches(quality) => {
                    if best.as_ref().is_none_or(|(most, _)| *most < quality) {
                        best = Some((quality, candidate));
                    }
                }
                Outcome::Method => {
                    allowed.extend(&route.methods);
                    allowed.extend(route.implies_head.then_some(Method::HEAD));
                }
                Outcome::NotAcceptable => is_acceptable = false,
                Outcome::Host
                | Outcome::Path
                | Outcome::Regex
                | Outcome::Parameter(_)
                | Outcome::Guard => {}
            }
        }
        match best {
            Some((_, candidate)) => Answer::Route(candidate.route, candidate.parameters),
            None if !is_acceptable => Answer::NotAcceptable,
            None if allowed.is_empty() => Answer::NotFound,
            None => Answer::MethodNotAllowed(allowed),
        }
    }
}

/// Says which routes answer HEAD without listing it.
fn imply_head(routes: &mut [Route]) {
    let key = |route: &Route| {
        let (host, ranks, _, _) = &route.place;
        let text = match &route.path {
            Path::Segments { .. } => None,
            Path::Regex(_, expression) => Some(expression.key()),
        };
        (host.clone(), ranks.clone(), text)
    };
    let with_head: HashSet<_> =
        routes.iter().filter(|route| route.methods.contains(&Method::HEAD)).map(key).collect();
    for route in routes {
        route.implies_head =
            route.methods.contains(&Method::GET) && !with_head.contains(&key(route));
    }
}

impl Route {
    fn new(
        id: RouteId,
        pattern: &Pattern<'_>,
        guards: &impl Guards,
    ) -> Result<Route, PatternError> {
        let host = pattern.host.map(pattern::parse_host).transpose()?;
        let (path, ranks) = match pattern.path {
            PathPattern::Segments(text) => segments(text)?,
            PathPattern::Regex(text) => expression(text)?,
        };
        let names = pattern.parameter_names()?;
        let mut checks = Vec::new();
        for (name, text) in pattern.parameters {
            let place = names.iter().position(|one| one == name);
            let place = place.ok_or_else(|| PatternError::ParameterUnknown((*name).into()))?;
            checks.push((place, Expression::new(text)));
        }
        let of_guard = pattern.guard.map_or(0, |guard| guards.conditions_count(guard));
        let conditions = of_guard + u32::try_from(checks.len()).unwrap_or(u32::MAX);
        let methods = pattern.methods.to_vec();
        let place = (host_rank(host.as_deref()), ranks, methods.is_empty(), Reverse(conditions));
        let (guard, priority) = (pattern.guard, pattern.priority);
        let (implies_head, class) = (false, 0);
        Ok(Route { id, host, path, checks, methods, implies_head, guard, priority, place, class })
    }

    fn candidate(
        &self,
        host: Option<&str>,
        request: &Request<'_>,
        judge: &mut impl Judge,
    ) -> Candidate {
        let mut parameters = Parameters::new();
        let outcome = self.outcome(host, request, &mut parameters, judge);
        Candidate { route: self.id, outcome, class: self.class, parameters }
    }

    fn outcome(
        &self,
        host: Option<&str>,
        request: &Request<'_>,
        parameters: &mut Parameters,
        judge: &mut impl Judge,
    ) -> Outcome {
        if !self.has_host(host) {
            return Outcome::Host;
        }
        match &self.path {
            Path::Segments { segments, wildcard } => {
                if values(segments, *wildcard, request.path, parameters).is_none() {
                    parameters.clear();
                    return Outcome::Path;
                }
            }
            Path::Regex(prefix, _) if !request.path.starts_with(prefix) => return Outcome::Path,
            Path::Regex(_, expression) => match expression.groups(request.path) {
                Some(groups) => groups.iter().for_each(|(start, end)| {
                    parameters.push(place(*start), place(*end));
                }),
                None => return Outcome::Regex,
            },
        }
        for (place, expression) in &self.checks {
            let range = parameters.range(*place);
            let value = range.and_then(|range| request.path.get(range)).unwrap_or_default();
            if expression.groups(value).is_none() {
                return Outcome::Parameter(*place);
            }
        }
        let verdict = self.guard.map_or(Verdict::Holds, |guard| judge.judge(guard, parameters));
        let is_head = request.method == Method::HEAD && self.implies_head;
        let lists = self.methods.is_empty() || self.methods.contains(&request.method);
        match (verdict, lists || is_head) {
            (Verdict::Fails, _) => Outcome::Guard,
            (Verdict::Holds | Verdict::HoldsWithQuality(_) | Verdict::FailsProduces, false) => {
                Outcome::Method
            }
            (Verdict::FailsProduces, true) => Outcome::NotAcceptable,
            (Verdict::Holds | Verdict::HoldsWithQuality(_), true) => {
                Outcome::Matches(verdict.quality().unwrap_or(0))
            }
        }
    }

    fn has_host(&self, host: Option<&str>) -> bool {
        match (self.host.as_deref(), host) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(key), Some(host)) if key.starts_with('.') => {
                host.len() > key.len() && host.ends_with(key)
            }
            (Some(key), Some(host)) if key.ends_with('.') => {
                host.len() > key.len() && host.starts_with(key)
            }
            (Some(key), Some(host)) => key == host,
        }
    }
}

impl Expression {
    fn new(text: &str) -> Expression {
        Expression { text: text.to_owned(), compiled: OnceLock::new() }
    }

    /// Where its named groups are, if it matches all of a text.
    fn groups(&self, text: &[u8]) -> Option<Vec<(usize, usize)>> {
        let regex = self.compiled.get_or_init(|| compile(&self.text)).as_ref()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text).anchored(Anchored::Yes), &mut captures);
        captures.get_match()?;
        let names = regex.group_info().pattern_names(regex_automata::PatternID::ZERO);
        let named = names.enumerate().filter(|(_, name)| name.is_some());
        let span = |index| captures.get_group(index).map_or((0, 0), |span| (span.start, span.end));
        Some(named.map(|(index, _)| span(index)).collect())
    }

    /// The expression without its groups: those of one key match the same.
    fn key(&self) -> String {
        regex::parse_value(&self.text).map(|tail| tail.to_string()).unwrap_or_default()
    }
}

/// All of an expression as one automaton with all its groups, nothing taken apart.
fn compile(text: &str) -> Option<Regex> {
    let whole = Hir::concat(vec![regex::parse(text).ok()?, Hir::look(Look::End)]);
    let config =
        Regex::config().utf8_empty(false).nfa_size_limit(Some(limits::REGEX_AUTOMATON_BYTES_MAX));
    Regex::builder().configure(config).build_from_hir(&whole).ok()
}

/// Reads the text of a path pattern.
fn segments(text: &str) -> Result<(Path, Vec<Rank>), PatternError> {
    let wildcard = text.ends_with("/*");
    let body = text.strip_suffix("/*").unwrap_or(text);
    let segments: Vec<Segment> =
        body.split('/').skip(1).map(segment).collect::<Result<_, PatternError>>()?;
    let mut ranks: Vec<Rank> = segments.iter().map(rank).collect();
    ranks.push(if wildcard { Rank::Wildcard } else { Rank::End });
    Ok((Path::Segments { segments, wildcard }, ranks))
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    if text == "*" {
        return Ok(Segment::Any);
    }
    let mut pieces = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (before, after) = match text.split_once('{') {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let mut piece = Vec::new();
        pattern::literal(before, &mut piece)?;
        pieces.push(piece);
        rest = match after.map(|after| after.split_once('}')) {
            Some(Some((_, behind))) => Some(behind),
            Some(None) => return Err(PatternError::BraceUnclosed),
            None => None,
        };
    }
    Ok(Segment::Pieces(pieces))
}

fn rank(segment: &Segment) -> Rank {
    match segment {
        Segment::Any => Rank::Any,
        Segment::Pieces(pieces) => {
            let literals = pieces.iter().map(Vec::len).sum();
            let first = pieces.first().map_or(0, Vec::len);
            Rank::Segment(Reverse(first), Reverse(literals), pieces.len(), pieces.clone())
        }
    }
}

/// A regular expression in place of a path.
fn expression(text: &str) -> Result<(Path, Vec<Rank>), PatternError> {
    let prefix = regex::parse_path(text)?.prefix;
    let mut segments: Vec<&[u8]> = prefix.split(|byte| *byte == b'/').collect();
    let last = segments.pop().unwrap_or_default();
    // Where the prefix has a slash, what is in front of the first is no segment.
    let has_slash = !segments.is_empty();
    let whole = segments.iter().skip(1).map(|text| rank(&Segment::Pieces(vec![text.to_vec()])));
    let mut ranks: Vec<Rank> = whole.collect();
    let bytes = last.len() + usize::from(has_slash);
    ranks.push(Rank::Regex(Reverse(bytes), last.to_vec(), Reverse(text.len())));
    Ok((Path::Regex(prefix, Expression::new(text)), ranks))
}

fn host_rank(key: Option<&str>) -> HostRank {
    let (kind, length) = match key {
        Some(key) if key.starts_with('.') => (1, key.len()),
        Some(key) if key.ends_with('.') => (2, key.len()),
        Some(_) => (0, 0),
        None => (3, 0),
    };
    (kind, Reverse(length), key.map(str::to_owned))
}

/// A host without port and trailing dot, in lower case.
fn host_name(host: &[u8]) -> Option<String> {
    let lower = String::from_utf8_lossy(host).to_ascii_lowercase();
    let end = if lower.starts_with('[') {
        lower.find(']').map(|bracket| bracket + 1)
    } else {
        lower.find(':')
    };
    let name = lower.get(..end.unwrap_or(lower.len()))?;
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = !name.starts_with('.') && !name.ends_with('.') && !name.is_empty();
    (is_name && name.len() <= limits::HOST_BYTES_MAX).then(|| name.to_owned())
}

/// Notes the parameters of a path, if it matches.
fn values(
    segments: &[Segment],
    wildcard: bool,
    path: &[u8],
    parameters: &mut Parameters,
) -> Option<()> {
    let mut at = 0;
    for segment in segments {
        let text = path.get(at..)?.strip_prefix(b"/")?;
        let bytes = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
        let text = text.get(..bytes)?;
        match segment {
            Segment::Any if text.is_empty() => return None,
            Segment::Any => {}
            Segment::Pieces(pieces) => {
                let mut hopeless = HashSet::new();
                for (start, end) in split(pieces, text, 0, &mut hopeless)? {
                    parameters.push(place(at + 1 + start), place(at + 1 + end));
                }
            }
        }
        at += 1 + bytes;
    }
    let rest = path.get(at..)?;
    if wildcard && (rest.is_empty() || rest.starts_with(b"/")) {
        parameters.rest = Some(place(path.len().min(at + 1)));
        return Some(());
    }
    (rest.is_empty() && !wildcard).then_some(())
}

/// Tries every split of what is behind `at`, the one with the shortest first value first. What is
/// known to lead nowhere is not tried again.
fn split(
    pieces: &[Vec<u8>],
    text: &[u8],
    at: usize,
    hopeless: &mut HashSet<(usize, usize)>,
) -> Option<Vec<(usize, usize)>> {
    let (first, rest) = pieces.split_first()?;
    let from = at + first.len();
    if !text.get(at..)?.starts_with(first) || !hopeless.insert((rest.len(), at)) {
        return None;
    }
    if rest.is_empty() {
        return (from == text.len()).then(Vec::new);
    }
    (from + 1..=text.len()).find_map(|end| {
        let mut values = split(rest, text, end, hopeless)?;
        values.insert(0, (from, end));
        Some(values)
    })
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
