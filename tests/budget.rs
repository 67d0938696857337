//! What one small proxied request costs once everything is warm, counted on the real ring: heap
//! allocations, entries submitted, enters, and bytes copied. Counts, not times, so they gate.

use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::bridge::question;
use frys_gateway::config::{
    ConcurrencyLimitConfig, CorsConfig, CustomConfig, FileServing, GatewayConfig, HeaderEdits,
    HeadersConfig, IpFilterConfig, MaintenanceConfig, Middleware, RateLimitConfig, Redirect,
    RequestIdConfig, RequestLimitsConfig, Rewrite, Route, SecurityHeadersConfig,
};
use frys_gateway::config::{StaticResponse, Upstream};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::{Options, Runtime};
use frys_gateway::snapshot::{self, Resolved};
use frys_gateway::{
    BuildContext, Extensions, Filter, FilterContext, FilterFactory, Flow, Needs, Request, Response,
};

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts the allocations of each thread by itself.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches no memory of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the worker's thread has counted, as of its last turn.
#[derive(Default)]
struct Counted {
    allocations: AtomicU64,
    entries: AtomicU64,
    enters: AtomicU64,
    copied_bytes: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    allocations: u64,
    entries: u64,
    enters: u64,
    copied_bytes: u64,
}

impl Counted {
    fn sample(&self) -> Sample {
        Sample {
            allocations: self.allocations.load(Ordering::SeqCst),
            entries: self.entries.load(Ordering::SeqCst),
            enters: self.enters.load(Ordering::SeqCst),
            copied_bytes: self.copied_bytes.load(Ordering::SeqCst),
        }
    }
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: budget.test\r\nUser-Agent: budget\r\n\
    Origin: https://pr-7.a.example\r\n\r\n";
const WARM_COUNT: u64 = 300;
const REQUESTS_COUNT: u64 = 1_000;

/// An upstream that answers each head with the same bytes.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            stream.set_nodelay(true).expect("an open socket");
            let mut received = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let bytes = stream.read(&mut piece).unwrap_or(0);
                if bytes == 0 {
                    break;
                }
                received.extend_from_slice(&piece[..bytes]);
                if received.ends_with(b"\r\n\r\n") {
                    received.clear();
                    stream.write_all(ANSWER).expect("the gateway reads");
                }
            }
        }
    });
    address
}

/// Everything goes to this upstream.
fn to(upstream: SocketAddr) -> Route {
    Route {
        id: "all".into(),
        path: "/*".into(),
        upstreams: vec![Upstream {
            url: format!("http://{upstream}").parse().expect("a url"),
            weight: 1,
        }],
        ..Route::default()
    }
}

/// A worker on a thread of its own, with its metrics on; where it listens and what it counts.
///
/// Control is played by a thread that finds every password right.
fn worker(route: Route) -> (SocketAddr, Arc<Counted>, mailbox::Sender) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let config = GatewayConfig {
        listen_addr: address.into(),
        request_id: Some(RequestIdConfig { respond: true, ..RequestIdConfig::default() })
            .filter(|_| route.id == "edited"),
        routes: vec![route],
        ..GatewayConfig::default()
    };
    let extensions = Extensions::new().filter("stamp", StampFactory);
    let snapshot = snapshot::compile_with(&config, &extensions, &Resolved::default(), 1);
    let snapshot = snapshot.expect("it is valid");
    let counted = Arc::new(Counted::default());
    let (mut sender, receiver) = mailbox::pair().expect("two descriptors");
    assert!(sender.send(Message::Install(Arc::new(snapshot))).is_ok());
    let shown = counted.clone();
    std::thread::spawn(move || {
        let runtime = Runtime::new(&Options::default()).expect("io_uring is allowed");
        runtime.after_turn(move |runtime| {
            let counters = runtime.counters();
            shown.allocations.store(ALLOCATIONS.with(Cell::get), Ordering::SeqCst);
            shown.entries.store(counters.entries, Ordering::SeqCst);
            shown.enters.store(counters.enters, Ordering::SeqCst);
            shown.copied_bytes.store(counters.copied_bytes, Ordering::SeqCst);
        });
        let block = WorkerBlock::new(0);
        block.keep_recent(64);
        let parts =
            Parts { runtime: runtime.clone(), number: 0, count: 1, block, log: None, seed: 1 };
        let listener = runtime.listen(listener).expect("a bound listener");
        let worker = Worker::new(parts);
        worker.ask_through(asker());
        runtime.block_on(worker.run(vec![listener], receiver));
    });
    (address, counted, sender)
}

/// What asks a control that says yes.
fn asker() -> question::Asker {
    let (asker, mut desk) = question::pair().expect("two descriptors");
    let mut wake = desk.listen().expect("a descriptor");
    wake.set_nonblocking(false).expect("an open socket");
    std::thread::spawn(move || {
        while wake.read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0) {
            while let Some((ticket, _)) = desk.pop() {
                desk.push(ticket, question::Answer::Password(true));
            }
            desk.wake();
        }
    });
    asker
}

fn ask(client: &mut TcpStream, request: &[u8], expected_bytes: usize) -> usize {
    client.write_all(request).expect("the gateway reads");
    let mut piece = [0; 4096];
    let mut received_bytes = 0;
    while received_bytes < expected_bytes.max(1) {
        let bytes = client.read(&mut piece).expect("the gateway answers");
        assert!(bytes > 0, "the gateway closed the connection");
        received_bytes += bytes;
    }
    received_bytes
}

/// What so many requests cost once it is warm.
fn cost(route: Route) -> Sample {
    cost_of(REQUEST, route)
}

fn cost_of(request: &[u8], route: Route) -> Sample {
    let (address, counted, _sender) = worker(route);
    let mut client = TcpStream::connect(address).expect("the gateway listens");
    client.set_nodelay(true).expect("an open socket");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("an open socket");
    let answer_bytes = ask(&mut client, request, 0);
    for _ in 0..WARM_COUNT {
        ask(&mut client, request, answer_bytes);
    }
    let before = counted.sample();
    for _ in 0..REQUESTS_COUNT {
        ask(&mut client, request, answer_bytes);
    }
    let after = counted.sample();
    println!("before {before:?}\nafter  {after:?} ({REQUESTS_COUNT} requests)");
    Sample {
        allocations: after.allocations - before.allocations,
        entries: after.entries - before.entries,
        enters: after.enters - before.enters,
        copied_bytes: after.copied_bytes - before.copied_bytes,
    }
}

#[track_caller]
fn assert_cost(cost: Sample, sends_count: u64) {
    assert_eq!(cost.allocations, 0, "allocations");
    // What is in flight at the two looks may shift a handful in all.
    let entries = cost.entries;
    assert!(entries.abs_diff(sends_count * REQUESTS_COUNT) <= 10, "{entries} entries");
    // Alone on its worker a request is as many wake-ups as sends; each send that completes within
    // the enter that submitted it ends that enter once more.
    let enters = cost.enters;
    assert!(enters <= 2 * sends_count * REQUESTS_COUNT + 20, "{enters} enters");
    assert_eq!(cost.copied_bytes, 0, "bytes copied by the engine");
}

#[test]
fn a_warm_small_request_allocates_nothing_and_submits_two_sends() {
    assert_cost(cost(to(upstream())), 2);
}

#[test]
fn a_warm_edited_and_rewritten_request_costs_the_same() {
    let edits = |name: &str| HeaderEdits {
        set: [(name.to_owned(), "$client_ip ${header.User-Agent}".into())].into(),
        append: [("X-More".to_owned(), "$request_id of $cluster".into())].into(),
        remove: vec!["Accept".into(), "X-Unknown".into()],
    };
    let rewrite = Rewrite::Regex { regex: "^/(?<name>[a-z]+)$".into(), with: "/new/$name".into() };
    assert_cost(
        cost(Route {
            id: "edited".into(),
            rewrite: Some(rewrite),
            host_rewrite: Some("$method.internal".into()),
            request_headers: edits("X-Client"),
            response_headers: edits("X-Edge"),
            ..to(upstream())
        }),
        2,
    );
}

/// Stamps the request and its answer.
struct Stamp;

struct StampFactory;

impl FilterFactory for StampFactory {
    fn build(&self, _: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        Ok(Rc::new(Stamp))
    }
}

impl Filter for Stamp {
    fn needs(&self) -> Needs {
        Needs { response: true, end: true, ..Needs::default() }
    }

    fn on_request(&self, request: &mut Request<'_>, _: &mut FilterContext<'_>) -> Flow {
        let agent = request.field("User-Agent").unwrap_or_default();
        request.set("X-Stamp", agent).expect("a field");
        Flow::Continue
    }

    fn on_response(&self, response: &mut Response<'_>, _: &mut FilterContext<'_>) -> Flow {
        let kind = response.field("Content-Type").unwrap_or_default();
        response.set("X-Stamp", kind).expect("a field");
        Flow::Continue
    }
}

#[test]
fn a_warm_request_through_a_filter_of_the_program_costs_the_same() {
    let stamp = || vec![Middleware::Custom(CustomConfig::new("stamp"))];
    assert_cost(cost(Route { middlewares: stamp(), ..to(upstream()) }), 2);
    let respond = Some(StaticResponse { body: Some("x".into()), ..StaticResponse::default() });
    let route = Route { id: "answer".into(), path: "/*".into(), respond, ..Route::default() };
    assert_cost(cost(Route { middlewares: stamp(), ..route }), 1);
}

#[test]
fn a_warm_limited_request_costs_the_same() {
    // More than anybody asks for, so that all pass.
    let rate = Middleware::RateLimit(RateLimitConfig {
        requests_per_second: 10_000_000,
        burst_size: 100_000_000,
        ..RateLimitConfig::default()
    });
    let concurrency = Middleware::ConcurrencyLimit(ConcurrencyLimitConfig {
        max_requests: 10,
        ..ConcurrencyLimitConfig::default()
    });
    // All but the first would be refused.
    let shadow = Middleware::RateLimit(RateLimitConfig {
        requests_per_second: 1,
        period: Duration::from_hours(1),
        shadow: true,
        ..RateLimitConfig::default()
    });
    for middlewares in [vec![rate.clone()], vec![shadow], vec![rate, concurrency]] {
        assert_cost(cost(Route { middlewares, ..to(upstream()) }), 2);
    }
}

#[test]
fn a_warm_request_through_the_filters_of_the_edge_costs_the_same() {
    let edits = |name: &str| HeaderEdits {
        set: [
            (name.to_owned(), "$client_ip at $name for $identity".into()),
            ("X-Frame-Options".to_owned(), "DENY".into()),
        ]
        .into(),
        append: [("X-More".to_owned(), "$request_id".into())].into(),
        remove: vec!["Accept".into(), "X-Unknown".into()],
    };
    let deny: Vec<_> = (0..1_000_u32)
        .map(|number| std::net::Ipv4Addr::from_bits(0x0a00_0000 + 2 * number))
        .map(|address| std::net::IpAddr::from(address).into())
        .collect();
    // Known by the last that is looked at, the expression.
    let cors = CorsConfig {
        origins: vec!["https://b.example".into(), "https://*.b.example".into()],
        origin_regexes: vec![r"https://pr-\d+\.a\.example".into()],
        credentials: true,
        ..CorsConfig::default()
    };
    let limits = RequestLimitsConfig { body: Some(1), ..RequestLimitsConfig::default() };
    let middlewares = vec![
        Middleware::IpFilter(IpFilterConfig { deny, ..IpFilterConfig::default() }),
        Middleware::RequestLimits(limits),
        Middleware::Cors(cors),
        Middleware::Headers(HeadersConfig { request: edits("X-A"), response: edits("X-B") }),
        Middleware::SecurityHeaders(SecurityHeadersConfig::default()),
    ];
    let route = Route { path: "/{name}".into(), middlewares, ..to(upstream()) };
    assert_cost(cost(route), 2);
}

#[test]
fn a_warm_redirect_and_a_warm_fixed_answer_are_one_send() {
    let route = || Route { id: "answer".into(), path: "/*".into(), ..Route::default() };
    let to = "https://$host$request_uri".to_owned();
    assert_cost(cost(Route { redirect: Some(Redirect { to, status: 308 }), ..route() }), 1);
    let body = Some("x".repeat(1_000));
    let respond = Some(StaticResponse { body, ..StaticResponse::default() });
    assert_cost(cost(Route { respond, ..route() }), 1);
}

#[test]
fn a_warm_answer_of_maintenance_is_one_send() {
    let page = MaintenanceConfig { body: Some("x".repeat(1_000)), ..MaintenanceConfig::default() };
    let middlewares = vec![Middleware::Maintenance(page)];
    assert_cost(cost(Route { middlewares, ..to(upstream()) }), 1);
}

#[test]
fn a_warm_small_file_is_four_entries() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::write(root.path().join("small"), [b'x'; 1024]).expect("a file");
    let files = FileServing { root: root.path().to_owned(), ..FileServing::default() };
    // Open, read, send, close.
    let route =
        Route { id: "file".into(), path: "/*".into(), files: Some(files), ..Route::default() };
    assert_cost(cost(route), 4);
}

#[cfg(feature = "authentication")]
mod access {
    use super::*;
    use frys_gateway::config::{
        ApiKey, ApiKeyConfig, ApiKeyValue, AuthConfig, BasicAuthConfig, BasicUser, Identity,
        Middleware, Secret,
    };
    use frys_gateway::jwt::Algorithm;
    use frys_gateway::jwt::fixture::Signer;

    /// A request with further lines.
    fn with(lines: &str) -> Vec<u8> {
        let end = REQUEST.len() - 2;
        [&REQUEST[..end], lines.as_bytes(), b"\r\n"].concat()
    }

    fn identity() -> Identity {
        Identity { roles: vec!["a".into(), "b".into()], claims: [("c".into(), "d".into())].into() }
    }

    #[test]
    fn a_warm_request_with_a_key_allocates_nothing() {
        let secret = "0123456789abcdef0123456789abcdef";
        let key = ApiKeyValue::Secret(Secret::inline(secret));
        let from = ["header:X-Api-Key", "bearer", "query:key", "cookie:key"];
        let keys = ApiKeyConfig {
            keys: vec![ApiKey { name: "a".into(), key, identity: identity() }],
            from: from.map(|source| source.parse().expect("a source")).into(),
            ..ApiKeyConfig::default()
        };
        for lines in [
            format!("X-Api-Key: {secret}\r\nCookie: a=b; c=d\r\n"),
            format!("Authorization: Bearer {secret}\r\nCookie: a=b; c=d\r\n"),
            format!("Cookie: a=b; key={secret}; c=d\r\n"),
        ] {
            let middlewares = vec![Middleware::ApiKey(keys.clone())];
            let route = Route { middlewares, ..to(upstream()) };
            assert_cost(cost_of(&with(&lines), route), 2);
        }
    }

    #[test]
    fn a_warm_request_with_a_password_allocates_nothing() {
        let hash = format!("$2y$04${}", "a".repeat(53));
        let password_hash = Secret::inline(hash);
        let users = vec![BasicUser { name: "ann".into(), password_hash, identity: identity() }];
        let config =
            BasicAuthConfig { users, forward_credentials: false, ..BasicAuthConfig::default() };
        let route = Route { middlewares: vec![Middleware::BasicAuth(config)], ..to(upstream()) };
        // ann:secret
        assert_cost(cost_of(&with("Authorization: Basic YW5uOnNlY3JldA==\r\n"), route), 2);
    }

    /// A token that was verified before is looked up: nothing is decoded, and nothing allocated.
    #[test]
    fn a_warm_token_costs_the_same() {
        let secret = "a secret of thirty-two bytes, or so";
        let claims = serde_json::json!({ "sub": "ada", "exp": u32::MAX, "roles": ["a", "b"] });
        let token = Signer::secret(secret.as_bytes()).token(Algorithm::HS256, None, &claims);
        let request = format!(
            "GET /small HTTP/1.1\r\nHost: budget.test\r\nX-User: root\r\nCookie: a=b\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        let auth = AuthConfig {
            jwt_secret: secret.into(),
            claims_to_headers: [("X-User", "sub"), ("X-Roles", "roles")]
                .map(|(name, claim)| (name.to_owned(), claim.to_owned()))
                .into(),
            forward_credentials: false,
            ..AuthConfig::default()
        };
        let route = Route { middlewares: vec![Middleware::Auth(auth)], ..to(upstream()) };
        assert_cost(cost_of(request.as_bytes(), route), 2);
    }
}
