//! The router and the naive one agree on any routes and requests.

use super::choices::Choices;
use frys_gateway::http::method::Method;
use frys_gateway::router::naive::{Answer, Naive, Outcome};
use frys_gateway::router::{
    BuildFault, Builder, Found, GuardId, Guards, Judge, Need, Parameters, PathPattern, Pattern,
    Request, RouteId, Router, Scratch, Verdict,
};
use std::cmp::Ordering;
use std::collections::BTreeSet;

const HOSTS: &[Option<&str>] = &[
    None,
    None,
    None,
    Some("x.test"),
    Some("y.x.test"),
    Some("*.x.test"),
    Some("*.test"),
    Some("*.y.x.test"),
    Some("x.*"),
    Some("y.x.*"),
    Some("y.*"),
    Some("[::1]"),
];

const ASKED_HOSTS: &[Option<&str>] = &[
    None,
    Some("x.test"),
    Some("X.test:80"),
    Some("y.x.test."),
    Some("w.x.test"),
    Some("w.y.x.test"),
    Some("y.x.a.b"),
    Some("x."),
    Some(".test"),
    Some("x..test"),
    Some("[::1]:8080"),
    Some(""),
];

/// `#` is a parameter.
const SEGMENTS: &[&str] = &[
    "a", "ab", "abb", "b", "ba", "a-b", "#", "#", "a#", "ab#", "#b", "#-b", "#.", "#-#", "#.#",
    "#-#-#", "a#b#", "a#b", "#ab#", "*", "*",
];

const TAILS: &[&str] = &["", "", "", "/*", "/*", "/"];

const EXPRESSIONS: &[&str] = &[
    "^/a/(?<x>[0-9]+)$",
    r"/a/(?<x>\d+)",
    "/(?<x>[ab]+)/(?<y>.*)",
    "/ab?",
    "/a(b|/b)+",
    "^/a.*$",
    "/.*",
    ".*",
    "[/]a.*",
    "(?i)/A/b",
    "/a/b(?<rest>/.*)?",
    "(?<all>/a/.*)",
    "/a/[^/]{1,2}",
    r"/a/\bb",
    r"/a/b\b.*",
    "/[ab]-(?<n>[0-9ab]{1,2})",
    "^/a$|^/b$",
    "/a/b",
    "(?x) /a / b ",
    "/ab*",
    "/aa*",
    "/a/(?<x>[ab]{2})(?<y>[^/]*)",
    "/a/(?<x>[ab]{3})",
    "/a/((?<x>a)|(?<y>b))+",
    "/a//b",
    "/ab/.+",
];

const VALUES: &[&str] = &["[ab]+", "a", r"\d+", "^b.*$", ".{2}", "a.?b|b", "[a-z-]{1,3}", "(?i)A+"];

const METHODS: &[Method] = &[Method::GET, Method::HEAD, Method::POST, Method::PUT];

const PATHS: &[&str] = &[
    "a", "b", "ab", "ba", "abb", "a-b", "aab", "1", "12", "", ".", "a.b", "-b", "a-1", "b-ab",
    "a-b-a", "A", "bb",
];

#[derive(Clone, Debug)]
struct Route {
    host: Option<&'static str>,
    path: Result<String, &'static str>,
    parameters: Vec<(String, &'static str)>,
    methods: Vec<Method>,
    guard: Option<GuardId>,
    priority: i32,
}

/// Conditions of the test's own: values that some subjects must have, and perhaps a media type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Guard {
    needs: Vec<(u32, u64)>,
    produces: Option<u8>,
}

#[derive(Debug)]
struct Conditions(Vec<Guard>);

impl Conditions {
    fn guard(&self, id: GuardId) -> &Guard {
        &self.0[id.0 as usize]
    }
}

impl Guards for Conditions {
    fn conditions_count(&self, guard: GuardId) -> u32 {
        let guard = self.guard(guard);
        u32::try_from(guard.needs.len()).expect("few") + u32::from(guard.produces.is_some())
    }

    fn are_disjoint(&self, a: GuardId, b: GuardId) -> bool {
        let (a, b) = (self.guard(a), self.guard(b));
        let differs = |(subject, value): &(u32, u64)| {
            b.needs.iter().any(|(other, needed)| other == subject && needed != value)
        };
        let by_media = a.produces.is_some() && b.produces.is_some() && a.produces != b.produces;
        by_media || a.needs.iter().any(differs)
    }

    fn order(&self, a: GuardId, b: GuardId) -> Ordering {
        self.guard(a).cmp(self.guard(b))
    }

    fn needs(&self, guard: GuardId, mut take: impl FnMut(Need)) {
        for (subject, value) in &self.guard(guard).needs {
            take(Need { subject: *subject, value: *value });
        }
    }
}

/// A request's values and what it thinks of media types.
struct Asked<'a> {
    conditions: &'a Conditions,
    values: [Vec<u64>; 2],
    qualities: [u16; 3],
}

impl Judge for Asked<'_> {
    fn judge(&mut self, guard: GuardId, _: &Parameters) -> Verdict {
        let guard = self.conditions.guard(guard);
        let has = |(subject, value): &(u32, u64)| self.values[*subject as usize].contains(value);
        if !guard.needs.iter().all(has) {
            return Verdict::Fails;
        }
        match guard.produces.map(|media| self.qualities[usize::from(media)]) {
            None => Verdict::Holds,
            Some(0) => Verdict::FailsProduces,
            Some(quality) => Verdict::HoldsWithQuality(quality),
        }
    }

    fn values(&mut self, subject: u32, take: impl FnMut(u64)) {
        self.values[subject as usize].iter().copied().for_each(take);
    }
}

/// Routes and requests that `bytes` choose; how many requests were compared.
pub fn agree(bytes: &[u8]) -> u64 {
    let mut choices = Choices(bytes);
    let conditions = Conditions(guards(&mut choices));
    let count = 1 + choices.below(24);
    let mut routes: Vec<Route> =
        (0..count).map(|_| route(&mut choices, conditions.0.len())).collect();
    let router = without_ties(&mut routes, &conditions);
    let naive = naive(&routes, &conditions);
    let mut scratch = Scratch::new();
    let mut compared_count = 0;
    while choices.is_left() {
        let path = path(&mut choices);
        let host = choices.one(ASKED_HOSTS);
        let method = choices.one(METHODS);
        let mut asked = Asked {
            conditions: &conditions,
            values: [(); 2].map(|()| (0..choices.below(3)).map(|_| value(&mut choices)).collect()),
            qualities: [(); 3].map(|()| choices.one(&[0, 300, 300, 1000])),
        };
        let request = Request { host: host.map(str::as_bytes), path: path.as_bytes(), method };
        let mut parameters = Parameters::new();
        let found = router.find(&request, &mut parameters, &mut scratch, &mut asked);
        let got = shown(&router, found, &parameters);
        let wanted = match naive.find(&request, &mut asked) {
            Answer::Route(route, parameters) => format!("{route:?} {}", places(&parameters)),
            Answer::MethodNotAllowed(methods) => format!("{methods:?}"),
            Answer::NotAcceptable => "not acceptable".to_owned(),
            Answer::NotFound => "not found".to_owned(),
        };
        assert_eq!(got, wanted, "{method:?} {host:?} {path} {routes:#?}");
        no_hidden_tie(&naive, &routes, &request, &mut asked);
        compared_count += 1;
    }
    compared_count
}

fn guards(choices: &mut Choices<'_>) -> Vec<Guard> {
    let count = choices.below(24);
    let guard = |choices: &mut Choices<'_>| {
        let mut needs = Vec::new();
        for subject in 0..2 {
            if choices.below(2) == 1 {
                needs.push((subject, value(choices)));
            }
        }
        let produces = [None, None, Some(0), Some(1), Some(2)];
        Guard { needs, produces: choices.one(&produces) }
    };
    (0..count).map(|_| guard(choices)).collect()
}

fn value(choices: &mut Choices<'_>) -> u64 {
    choices.below(12) as u64
}

fn route(choices: &mut Choices<'_>, guards_count: usize) -> Route {
    // Every eighth case has all its routes at one place, so that many share a leaf.
    let crowded = guards_count > 20;
    let path = match choices.below(4) {
        0 => Err(choices.one(EXPRESSIONS)),
        _ if crowded => Ok("/a/{p1}".to_owned()),
        _ => Ok(pattern(choices)),
    };
    let names = path.as_ref().map_or(0, |path| path.matches('{').count());
    let mut parameters = Vec::new();
    if names > 0 && choices.below(3) == 0 {
        let name = format!("p{}", 1 + choices.below(names));
        parameters.push((name, choices.one(VALUES)));
    }
    let guard = choices.below(2 * guards_count + 1);
    let guard = (guard < guards_count).then(|| GuardId(u32::try_from(guard).expect("few")));
    Route {
        host: choices.one(HOSTS),
        path,
        parameters,
        methods: (0..choices.below(3)).map(|_| choices.one(METHODS)).collect(),
        guard,
        priority: choices.one(&[0, 0, 0, 1, -1]),
    }
}

/// A path pattern with a name for each `#`.
fn pattern(choices: &mut Choices<'_>) -> String {
    let mut path = String::new();
    let mut parameters_count = 0;
    for _ in 0..choices.below(4) {
        path.push('/');
        for (index, piece) in choices.one(SEGMENTS).split('#').enumerate() {
            if index > 0 {
                parameters_count += 1;
                path.push_str(&format!("{{p{parameters_count}}}"));
            }
            path.push_str(piece);
        }
    }
    path.push_str(choices.one(TAILS));
    if path.is_empty() { "/".to_owned() } else { path }
}

fn path(choices: &mut Choices<'_>) -> String {
    let segments: Vec<&str> = (0..1 + choices.below(4)).map(|_| choices.one(PATHS)).collect();
    format!("/{}", segments.join("/"))
}

fn with_pattern<T>(route: &Route, use_it: impl FnOnce(&Pattern<'_>) -> T) -> T {
    let parameters: Vec<(&str, &str)> =
        route.parameters.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    use_it(&Pattern {
        host: route.host,
        path: match &route.path {
            Ok(path) => PathPattern::Segments(path),
            Err(text) => PathPattern::Regex(text),
        },
        parameters: &parameters,
        methods: &route.methods,
        guard: route.guard,
        priority: route.priority,
    })
}

/// The router, after the later route of each tie was taken out.
fn without_ties(routes: &mut Vec<Route>, conditions: &Conditions) -> Router {
    let mut builder = Builder::new();
    for (route, id) in routes.iter().zip(0..) {
        with_pattern(route, |pattern| builder.add(RouteId(id), pattern)).expect("a pattern");
    }
    let faults = match builder.build(conditions) {
        Ok(router) => return router,
        Err(faults) => faults,
    };
    let mut later = BTreeSet::new();
    for fault in &faults {
        let BuildFault::Tie { a, b } = fault else { panic!("{fault:?} of {routes:#?}") };
        let (a, b) = (a.0 as usize, b.0 as usize);
        assert_eq!(routes[a].priority, routes[b].priority, "{fault:?} of {routes:#?}");
        assert_eq!(routes[a].methods.is_empty(), routes[b].methods.is_empty());
        later.insert(b);
    }
    let mut index = 0..;
    routes.retain(|_| !later.contains(&index.next().expect("no end")));
    without_ties(routes, conditions)
}

fn naive(routes: &[Route], conditions: &Conditions) -> Naive {
    let parameters: Vec<Vec<(&str, &str)>> = routes
        .iter()
        .map(|route| route.parameters.iter().map(|(name, value)| (name.as_str(), *value)).collect())
        .collect();
    let patterns = routes.iter().zip(&parameters).zip(0..).map(|((route, parameters), id)| {
        with_pattern(route, |pattern| {
            let path = match &route.path {
                Ok(path) => PathPattern::Segments(path),
                Err(text) => PathPattern::Regex(text),
            };
            let host = pattern.host.and(route.host);
            let (guard, priority) = (pattern.guard, pattern.priority);
            let methods = &route.methods;
            (RouteId(id), Pattern { host, path, parameters, methods, guard, priority })
        })
    });
    Naive::new(patterns, conditions).expect("the router took all patterns")
}

fn shown(router: &Router, found: Found, parameters: &Parameters) -> String {
    match found {
        Found::Route(route) => format!("{route:?} {}", places(parameters)),
        Found::MethodNotAllowed(set) => {
            format!("{:?}", router.methods(set).collect::<BTreeSet<Method>>())
        }
        Found::NotAcceptable => "not acceptable".to_owned(),
        Found::NotFound => "not found".to_owned(),
    }
}

fn places(parameters: &Parameters) -> String {
    let ranges: Vec<_> = (0..parameters.count()).map(|index| parameters.range(index)).collect();
    format!("{ranges:?} {:?}", parameters.rest_start())
}

/// Two routes that match one request and that nothing puts in order were to be a tie.
fn no_hidden_tie(naive: &Naive, routes: &[Route], request: &Request<'_>, asked: &mut Asked<'_>) {
    let conditions = asked.conditions;
    let matching: Vec<_> = naive
        .candidates(request, asked)
        .filter(|candidate| matches!(candidate.outcome, Outcome::Matches(_)))
        .collect();
    for pair in matching.windows(2) {
        let [a, b] = pair else { continue };
        let (one, other) = (&routes[a.route.0 as usize], &routes[b.route.0 as usize]);
        if a.class != b.class || one.priority != other.priority {
            continue;
        }
        let guards = one.guard.zip(other.guard);
        let is_meant = guards.is_some_and(|(a, b)| conditions.are_disjoint(a, b));
        assert!(is_meant, "{request:?} is matched by {one:#?} and {other:#?}");
    }
}
