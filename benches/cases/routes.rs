//! Routes of mixed kinds, and a request for each.

use frys_gateway::http::method::Method;
use frys_gateway::router::{Builder, NoGuards, Pattern, RouteId, Router};

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
    pub path: String,
}

/// So many routes: tenants by host (if `with_hosts`), prefixes, parameters, plain paths.
pub fn wanted(count: u32, with_hosts: bool) -> Vec<Wanted> {
    (0..count).map(|index| one(index, with_hosts)).collect()
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
    let host = (with_hosts && index % 8 < 4).then(|| format!("tenant-{index}.example.com"));
    // Many names: how far one of them is looked for depends on the seed of the hash.
    let asked_host = host.clone().unwrap_or_else(|| format!("www-{index}.example.net"));
    Wanted { id: RouteId(index), host, asked_host, pattern, path }
}

pub fn router(routes: &[Wanted]) -> Router {
    let mut builder = Builder::new();
    for route in routes {
        let (host, methods) = (route.host.as_deref(), &[Method::GET]);
        let pattern = Pattern { host, methods, ..Pattern::segments(&route.pattern) };
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
