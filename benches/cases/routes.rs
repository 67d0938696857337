//! Routes of mixed kinds, and a request for each.

use frys_gateway::http::method::Method;
use frys_gateway::router::{Builder, NoGuards, PathPattern, Pattern, RouteId, Router};

/// Requests in one round: enough that no branch predictor knows them by heart.
pub const REQUESTS_COUNT: usize = 1024;

/// A debug build only shows that the cases still run.
pub const COUNTS: &[u32] = if cfg!(debug_assertions) { &[1, 64] } else { &[1, 1000, 100_000] };

/// A route and a request for it.
#[derive(Clone)]
pub struct Wanted {
    pub id: RouteId,
    pub host: Option<String>,
    /// What the request names: the route's host, or one that no route has.
    pub asked_host: String,
    pub pattern: String,
    /// The pattern is a regular expression.
    pub is_regex: bool,
    pub path: String,
}

/// So many routes: tenants by host (if `with_hosts`), prefixes, parameters, plain paths.
pub fn wanted(count: u32, with_hosts: bool) -> Vec<Wanted> {
    (0..count).map(|index| one(index, with_hosts)).collect()
}

/// The same, but each tenth a regular expression: of one class, of an automaton that many share, of
/// one with groups.
pub fn with_regexes(count: u32) -> Vec<Wanted> {
    let mut routes = wanted(count, true);
    for (route, index) in routes.iter_mut().zip(0..).step_by(10) {
        let index: u32 = index;
        (route.pattern, route.path) = match index / 10 % 3 {
            0 => (format!(r"^/item-{index}/\d+$"), format!("/item-{index}/1234567")),
            1 => (
                format!("^/report-{index}/[a-z]+/[0-9]{{4}}-[0-9]{{2}}$"),
                format!("/report-{index}/sales/2026-11"),
            ),
            _ => (
                format!(r"^/file-{index}/(?<name>.*)\.(?<kind>png|jpg)$"),
                format!("/file-{index}/summer/beach.png"),
            ),
        };
        route.is_regex = true;
    }
    routes
}

fn one(index: u32, with_hosts: bool) -> Wanted {
    let (pattern, path) = match index % 4 {
        0 => (format!("/service-{index}/*"), format!("/service-{index}/reports/2026/11.csv")),
        1 => (
            format!("/api/v{{version}}/resource{index}/{{id}}"),
            format!("/api/v2/resource{index}/8a7b6c5d4e"),
        ),
        2 => (
            format!("/shop{index}/users/{{user}}/orders/{{order}}"),
            format!("/shop{index}/users/1234567/orders/42"),
        ),
        _ => (format!("/static/assets/{index:08x}.css"), format!("/static/assets/{index:08x}.css")),
    };
    let is_regex = false;
    let host = (with_hosts && index % 8 < 4).then(|| format!("tenant-{index}.example.com"));
    // Many names: how far one of them is looked for depends on the seed of the hash.
    let asked_host = host.clone().unwrap_or_else(|| format!("www-{index}.example.net"));
    Wanted { id: RouteId(index), host, asked_host, pattern, is_regex, path }
}

pub fn router(routes: &[Wanted]) -> Router {
    let mut builder = Builder::new();
    for route in routes {
        let (host, methods) = (route.host.as_deref(), &[Method::GET]);
        let path = if route.is_regex {
            PathPattern::Regex(&route.pattern)
        } else {
            PathPattern::Segments(&route.pattern)
        };
        let pattern = Pattern { host, path, methods, ..Pattern::segments("") };
        builder.add(route.id, &pattern).expect("a pattern");
    }
    builder.build(&NoGuards).expect("no tie")
}

/// Requests in an order that has nothing to do with the routes'.
pub fn requests(routes: &[Wanted]) -> Vec<Wanted> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        routes[(state >> 33) as usize % routes.len()].clone()
    };
    (0..REQUESTS_COUNT).map(|_| next()).collect()
}
