//! The router once more, written from its documentation without any care for cost: every route is
//! asked, the matching ones are sorted. Random routes and paths must be answered alike by both.

use super::{BuildFault, Builder, Found, Parameters, Pattern, RouteId};
use crate::http::method::Method;
use proptest::prelude::*;
use std::cmp::Reverse;

/// A route in the model's own terms.
#[derive(Clone, Debug)]
struct Route {
    host: Option<String>,
    path: String,
    methods: Vec<Method>,
}

/// A segment's place in the order, or what follows the last one. Smaller is more specific.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Segment(Reverse<usize>, Reverse<usize>, usize, Vec<String>),
    End,
    Wildcard,
}

/// A segment as text between parameters: `a{x}b` is `["a", "b"]`, `a` is `["a"]`.
fn pieces(segment: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('{') {
        pieces.push(before);
        rest = after.split_once('}').expect("a closed brace").1;
    }
    pieces.push(rest);
    pieces
}

impl Route {
    fn segments(&self) -> (Vec<&str>, bool) {
        let wildcard = self.path.ends_with("/*");
        let body = self.path.strip_suffix("/*").unwrap_or(&self.path);
        (body.split('/').skip(1).collect(), wildcard)
    }

    fn ranks(&self) -> Vec<Rank> {
        let (segments, wildcard) = self.segments();
        let mut ranks: Vec<_> = segments
            .into_iter()
            .map(|segment| {
                let pieces = pieces(segment);
                let literals: usize = pieces.iter().map(|piece| piece.len()).sum();
                let owned = pieces.iter().map(|piece| piece.to_string()).collect();
                Rank::Segment(Reverse(pieces[0].len()), Reverse(literals), pieces.len(), owned)
            })
            .collect();
        ranks.push(if wildcard { Rank::Wildcard } else { Rank::End });
        ranks
    }

    fn host_rank(&self) -> (u8, Reverse<usize>, Option<&String>) {
        let host = self.host.as_ref();
        match host {
            Some(text) if text.starts_with('*') => (1, Reverse(text.len()), host),
            Some(_) => (0, Reverse(0), host),
            None => (2, Reverse(0), host),
        }
    }

    fn has_host(&self, host: Option<&str>) -> bool {
        match (self.host.as_deref(), host) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(pattern), Some(host)) => match pattern.strip_prefix('*') {
                Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                None => host == pattern,
            },
        }
    }

    /// The values of the parameters, if the path matches.
    fn values(&self, path: &str) -> Option<Vec<String>> {
        let (patterns, wildcard) = self.segments();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        if segments.len() < patterns.len() || (!wildcard && segments.len() != patterns.len()) {
            return None;
        }
        let mut values = Vec::new();
        for (pattern, segment) in patterns.iter().zip(segments) {
            values.extend(split(&pieces(pattern), segment)?);
        }
        Some(values)
    }

    fn same_place(&self, other: &Route) -> bool {
        self.host == other.host && self.ranks() == other.ranks()
    }

    fn ties(&self, other: &Route) -> bool {
        let both_any = self.methods.is_empty() && other.methods.is_empty();
        let common = self.methods.iter().any(|method| other.methods.contains(method));
        self.same_place(other) && (both_any || common)
    }
}

/// Tries every split, the one with the shortest first value first.
fn split(pieces: &[&str], segment: &str) -> Option<Vec<String>> {
    let (first, rest) = pieces.split_first()?;
    let after = segment.strip_prefix(first)?;
    if rest.is_empty() {
        return after.is_empty().then(Vec::new);
    }
    (1..=after.len()).find_map(|bytes| {
        let (value, after) = after.split_at(bytes);
        let mut values = split(rest, after)?;
        values.insert(0, value.to_string());
        Some(values)
    })
}

/// The methods that a route answers among its neighbours.
fn methods(route: &Route, routes: &[Route]) -> Vec<Method> {
    let mut methods = route.methods.clone();
    let somebody_has_head =
        routes.iter().any(|other| other.same_place(route) && other.methods.contains(&Method::HEAD));
    if methods.contains(&Method::GET) && !somebody_has_head {
        methods.push(Method::HEAD);
    }
    methods
}

type Answer = Result<(usize, Vec<String>), Vec<&'static str>>;

fn find(routes: &[Route], host: Option<&str>, path: &str, method: Method) -> Answer {
    let mut matching: Vec<(usize, &Route)> = routes
        .iter()
        .enumerate()
        .filter(|(_, route)| route.has_host(host) && route.values(path).is_some())
        .collect();
    matching.sort_by_key(|(_, route)| (route.host_rank(), route.ranks(), route.methods.is_empty()));
    let mut allowed = Vec::new();
    for (index, route) in matching {
        let methods = methods(route, routes);
        if route.methods.is_empty() || methods.contains(&method) {
            return Ok((index, route.values(path).expect("it matches")));
        }
        allowed.extend(methods.iter().map(name));
    }
    allowed.sort_unstable();
    allowed.dedup();
    Err(allowed)
}

const NAMES: [(Method, &str); 4] =
    [(Method::GET, "GET"), (Method::HEAD, "HEAD"), (Method::POST, "POST"), (Method::PUT, "PUT")];

fn name(method: &Method) -> &'static str {
    NAMES.iter().find(|(one, _)| one == method).expect("one of the four").1
}

fn any_segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "ab", "abb", "b", "ba", "a-b", "{}", "{}", "a{}", "ab{}", "{}b", "{}-b", "{}.",
        "{}-{}", "{}.{}", "{}-{}-{}", "a{}b{}", "a{}b", "{}ab{}",
    ])
}

fn any_pattern() -> impl Strategy<Value = String> {
    let tail = prop::sample::select(vec!["", "", "", "/*", "/*", "/"]);
    let segments = prop::collection::vec(any_segment(), 0..4);
    (segments, tail).prop_map(|(segments, tail)| pattern(&segments, tail))
}

/// A path pattern with a name for each `{}`.
fn pattern(segments: &[&str], tail: &str) -> String {
    let mut path = String::new();
    let mut parameters = 0;
    for segment in segments {
        path.push('/');
        for (index, piece) in segment.split("{}").enumerate() {
            if index > 0 {
                parameters += 1;
                path.push_str(&format!("{{p{parameters}}}"));
            }
            path.push_str(piece);
        }
    }
    path.push_str(tail);
    if path.is_empty() { "/".to_string() } else { path }
}

fn any_host() -> impl Strategy<Value = Option<String>> {
    let hosts = ["x.test", "y.x.test", "*.x.test", "*.test", "*.y.x.test"];
    prop::option::of(prop::sample::select(hosts.map(String::from).to_vec()))
}

fn any_method() -> impl Strategy<Value = Method> {
    prop::sample::select(NAMES.map(|(method, _)| method).to_vec())
}

fn any_route() -> impl Strategy<Value = Route> {
    let methods = prop::collection::vec(any_method(), 0..3);
    (any_host(), any_pattern(), methods).prop_map(|(host, path, methods)| Route {
        host,
        path,
        methods,
    })
}

fn any_path() -> impl Strategy<Value = String> {
    "/(([ab.-]{1,4}|a|ab|b)(/([ab.-]{1,4}|a|ab|b)){0,3}/?)?".prop_map(|path| path)
}

fn build(routes: &[Route]) -> Result<super::Router, Vec<BuildFault>> {
    let mut builder = Builder::new();
    for (route, id) in routes.iter().zip(0..) {
        let Route { host, path, methods } = route;
        builder.add(RouteId(id), &Pattern { host: host.as_deref(), path, methods }).expect(path);
    }
    builder.build()
}

fn compare(routes: &[Route], host: Option<&str>, path: &str, method: Method) {
    let router = build(routes).expect("ties were taken out");
    let mut parameters = Parameters::new();
    let got = match router.find(host.map(str::as_bytes), path.as_bytes(), method, &mut parameters) {
        Found::Route(id) => {
            let ranges = (0..parameters.count()).filter_map(|index| parameters.range(index));
            Ok((id.0 as usize, ranges.map(|range| path[range].to_string()).collect()))
        }
        Found::MethodNotAllowed(set) => {
            let mut allowed: Vec<_> = router.methods(set).map(|method| name(&method)).collect();
            allowed.sort_unstable();
            Err(allowed)
        }
        Found::NotFound => Err(Vec::new()),
    };
    assert_eq!(got, find(routes, host, path, method), "{method:?} {host:?} {path} {routes:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn finds_what_the_model_finds(
        all in prop::collection::vec(any_route(), 1..24),
        requests in prop::collection::vec((any_host(), any_path(), any_method()), 1..24),
    ) {
        let mut routes: Vec<Route> = Vec::new();
        for route in all {
            if !routes.iter().any(|other| other.ties(&route)) {
                routes.push(route);
            }
        }
        for (host, path, method) in requests {
            let host = host.map(|host| host.replace('*', "w"));
            compare(&routes, host.as_deref(), &path, method);
        }
    }

    #[test]
    fn orders_the_shapes_of_one_segment_as_the_model(
        segments in prop::collection::btree_set(any_segment(), 1..12),
        paths in prop::collection::vec("/[ab.-]{1,8}", 1..24),
    ) {
        let routes: Vec<Route> = segments
            .into_iter()
            .map(|segment| Route { host: None, path: pattern(&[segment], ""), methods: Vec::new() })
            .collect();
        for path in paths {
            compare(&routes, None, &path, Method::GET);
        }
    }

    #[test]
    fn reports_a_tie_when_the_model_has_one(all in prop::collection::vec(any_route(), 1..48)) {
        let mut kept: Vec<usize> = Vec::new();
        let mut ties = Vec::new();
        for index in 0..all.len() {
            let tied = kept.iter().find(|other| all[**other].ties(&all[index]));
            match tied {
                Some(other) => ties.push((*other, index)),
                None => kept.push(index),
            }
        }
        let faults = build(&all).err().unwrap_or_default();
        let got = faults.iter().map(|fault| match fault {
            BuildFault::Tie { a, b } => (a.0 as usize, b.0 as usize),
            BuildFault::TooDeep { route } => panic!("four segments are not deep: {route:?}"),
        });
        prop_assert_eq!(got.collect::<Vec<_>>(), ties);
    }
}
