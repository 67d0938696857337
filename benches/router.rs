//! What finding a route costs, from 1 to 100,000 routes: `cargo bench --bench router`.
//!
//! `find` is all that a request pays: canonical path, host, path, method. `paths` is the path tree
//! alone, beside matchit, path-tree and wayfind, on the same patterns (none of them has hosts or
//! methods, and their wildcards do not match the bare prefix).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use frys_gateway::http::method::Method;
use frys_gateway::router::{Builder, Found, Parameters, Pattern, RouteId, Router, path};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A debug build only shows that the bench still runs.
const COUNTS: &[u32] =
    if cfg!(debug_assertions) { &[1, 64] } else { &[1, 10, 1000, 10_000, 100_000] };

/// Requests in one round: enough that no branch predictor knows them by heart.
const REQUESTS_COUNT: usize = 1024;

struct Case {
    host: Option<String>,
    pattern: String,
    path: String,
}

/// A route and a request for it: tenants by host, prefixes, parameters, plain paths.
fn case(index: u32, with_hosts: bool) -> Case {
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
    Case { host, pattern, path }
}

fn cases(count: u32, with_hosts: bool) -> Vec<Case> {
    (0..count).map(|index| case(index, with_hosts)).collect()
}

fn router(cases: &[Case]) -> Router {
    let mut builder = Builder::new();
    for (case, id) in cases.iter().zip(0..) {
        let pattern =
            Pattern { host: case.host.as_deref(), path: &case.pattern, methods: &[Method::GET] };
        builder.add(RouteId(id), &pattern).expect("a pattern");
    }
    builder.build().expect("no tie")
}

/// Requests in an order that has nothing to do with the routes'.
fn requests(cases: &[Case]) -> Vec<&Case> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        &cases[(state >> 33) as usize % cases.len()]
    };
    (0..REQUESTS_COUNT).map(|_| next()).collect()
}

fn find(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find");
    group.throughput(Throughput::Elements(REQUESTS_COUNT as u64));
    for count in COUNTS {
        let cases = cases(*count, true);
        let start = Instant::now();
        let router = router(&cases);
        let text: usize = cases
            .iter()
            .map(|case| case.pattern.len() + case.host.as_deref().map_or(0, str::len))
            .sum();
        let bytes = router.memory_bytes().saturating_sub(text) / cases.len();
        println!("{count} routes: built in {:?}, {bytes} bytes a route", start.elapsed());
        let requests = requests(&cases);
        let (mut scratch, mut parameters) = (Vec::new(), Parameters::new());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                for request in &requests {
                    let host = request.host.as_deref().unwrap_or("www.example.net").as_bytes();
                    let path = path::canonical(black_box(request.path.as_bytes()), &mut scratch);
                    let path = path.expect("canonical").path;
                    let found = router.find(Some(host), path, Method::GET, &mut parameters);
                    assert!(matches!(black_box(found), Found::Route(_)));
                }
            });
        });
    }
}

fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("paths");
    group.throughput(Throughput::Elements(REQUESTS_COUNT as u64));
    for count in COUNTS {
        let cases = cases(*count, false);
        let requests = requests(&cases);
        let own = router(&cases);
        let mut matchit = matchit::Router::new();
        let mut path_tree = path_tree::PathTree::new();
        let mut wayfind = wayfind::RouterBuilder::new();
        for (case, id) in cases.iter().zip(0u32..) {
            matchit.insert(case.pattern.replace("/*", "/{*rest}"), id).expect("matchit");
            let _ = path_tree.insert(&case.pattern.replace('{', ":").replace('}', ""), id);
            let angled = case.pattern.replace("/*", "/<*rest>").replace('{', "<").replace('}', ">");
            wayfind.insert(&angled, id).expect("wayfind");
        }
        let wayfind = wayfind.build();
        let mut parameters = Parameters::new();
        let mut measure = |name: &str, find: &mut dyn FnMut(&str) -> bool| {
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    for request in &requests {
                        assert!(find(black_box(&request.path)));
                    }
                });
            });
        };
        measure("frys", &mut |path| {
            let found = own.find(None, path.as_bytes(), Method::GET, &mut parameters);
            matches!(found, Found::Route(_))
        });
        measure("matchit", &mut |path| matchit.at(path).is_ok());
        measure("path-tree", &mut |path| path_tree.find(path).is_some());
        measure("wayfind", &mut |path| wayfind.search(path).is_some());
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500))
        .sample_size(20);
    targets = find, paths
}
criterion_main!(benches);
