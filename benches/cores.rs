//! What the pure cores cost in time: `cargo bench --bench cores`, or `… -- parse` for some of it.
//!
//! The cases are those whose instructions are counted (`benches/instructions.rs`). Beside them
//! stand httparse, which gives no lengths, hosts or known fields, and three path routers, which
//! have no hosts and no methods and whose wildcards do not match the bare prefix.

mod cases;
#[path = "cases/million.rs"]
mod million;

use cases::heads::REQUESTS;
use cases::routes::{self, COUNTS, REQUESTS_COUNT, Wanted};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use frys_gateway::http::method::Method;
use frys_gateway::router::{Found, NoGuards, Parameters, Request, Scratch};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn own(criterion: &mut Criterion) {
    for case in cases::all() {
        let (area, name) = case.name.split_once('/').expect("area and name");
        let mut group = criterion.benchmark_group(area);
        group.throughput(Throughput::Elements(case.operations_count));
        // Made when the case is chosen, not before: a large router takes its time.
        let mut made = None;
        group.bench_function(name, |bencher| {
            let round = made.get_or_insert_with(|| case.prepare());
            case.check(round());
            bencher.iter(|| case.check(round()));
        });
    }
}

fn httparse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peers/parse");
    for (client, text) in REQUESTS {
        let mut fields = [httparse::EMPTY_HEADER; 100];
        group.bench_function(BenchmarkId::new("httparse", client), |bencher| {
            bencher.iter(|| {
                let mut request = httparse::Request::new(&mut fields);
                let parsed = request.parse(black_box(text.as_bytes()));
                assert_eq!(parsed, Ok(httparse::Status::Complete(text.len())));
            });
        });
    }
}

/// What a router costs before it is asked anything: printed once, since criterion has no bytes.
fn sizes(_: &mut Criterion) {
    for count in COUNTS {
        let wanted = routes::with_regexes(*count);
        let text_bytes: usize = wanted
            .iter()
            .map(|route| route.pattern.len() + route.host.as_ref().map_or(0, String::len))
            .sum();
        let started = Instant::now();
        let router = routes::router(&wanted);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let own_bytes = router.memory_bytes().saturating_sub(text_bytes);
        println!(
            "router of {count}, regexes among them: built in {ms:.1} ms, {:.0} bytes a route above \
             its text",
            own_bytes as f64 / f64::from(*count)
        );
    }
}

/// The path tree alone, without hosts, beside its peers on the same patterns.
fn path_routers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peers/paths");
    group.throughput(Throughput::Elements(REQUESTS_COUNT as u64));
    for count in COUNTS {
        let wanted = routes::wanted(*count, false);
        let requests = routes::requests(&wanted);
        let own = routes::router(&wanted);
        let (mut matchit, mut wayfind) = (matchit::Router::new(), wayfind::RouterBuilder::new());
        let mut path_tree = path_tree::PathTree::new();
        for Wanted { id, pattern, .. } in &wanted {
            matchit.insert(pattern.replace("/*", "/{*rest}"), id.0).expect("matchit");
            // It gives back a number of its own.
            let _ = path_tree.insert(&pattern.replace('{', ":").replace('}', ""), id.0);
            let angled = pattern.replace("/*", "/<*rest>").replace('{', "<").replace('}', ">");
            wayfind.insert(&angled, id.0).expect("wayfind");
        }
        let wayfind = wayfind.build();
        let (mut parameters, mut scratch) = (Parameters::new(), Scratch::new());
        let mut measure = |name: &str, find: &mut dyn FnMut(&str) -> Option<u32>| {
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    for request in &requests {
                        assert_eq!(find(black_box(&request.path)), Some(request.id.0));
                    }
                });
            });
        };
        measure("frys", &mut |path| {
            let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
            match own.find(&request, &mut parameters, &mut scratch, &mut NoGuards) {
                Found::Route(id) => Some(id.0),
                Found::MethodNotAllowed(_) | Found::NotAcceptable | Found::NotFound => None,
            }
        });
        measure("matchit", &mut |path| matchit.at(path).ok().map(|found| *found.value));
        measure("path-tree", &mut |path| path_tree.find(path).map(|(id, _)| *id));
        measure("wayfind", &mut |path| wayfind.search(path).map(|found| *found.data()));
    }
}

/// A rate limit that holds a million keys at once: what it takes, and what a request of one costs.
fn million_keys(criterion: &mut Criterion) {
    const TAKES_COUNT: u64 = 1024;
    let mut group = criterion.benchmark_group("limits");
    group.throughput(Throughput::Elements(TAKES_COUNT));
    let mut made = None;
    let mut from = 0;
    group.bench_function("take of 1,000,000 keys", |bencher| {
        let rates = made.get_or_insert_with(|| {
            let rates = million::million();
            let usage = rates.usage();
            println!(
                "limits: {} of {} keys at once, {} pushed out, {:.1} MiB",
                usage.keys,
                million::KEYS_COUNT,
                usage.evictions,
                usage.bytes as f64 / f64::from(1 << 20)
            );
            rates
        });
        bencher.iter(|| {
            assert_eq!(million::take_of_many(rates, from, TAKES_COUNT), TAKES_COUNT);
            from += TAKES_COUNT;
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500))
        .sample_size(20);
    targets = sizes, own, million_keys, httparse, path_routers
}
criterion_main!(benches);
