//! Limits in virtual time: two workers that hold one together, reloads in between, and requests
//! that end in every way that a request can end.

use crate::world::{Shared, World, config};

use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::bridge::reason::Reason;
use frys_gateway::config::{
    ConcurrencyLimitConfig, GatewayConfig, Middleware, RateLimitConfig, RateLimitKey, Route,
    StaticResponse, Upstream,
};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::quota::Tally;
use frys_gateway::runtime::simulated::{Faults, Settings};
use frys_gateway::runtime::{Address, Options, Runtime, Segment, Socket};
use frys_gateway::snapshot::filter::Step;
use frys_gateway::snapshot::{Lineage, Meters, Plan, Resolved, Snapshot};

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;

// ---- two workers

/// Two workers of one gateway on one network, each with an address of its own.
struct Pair {
    runtime: Runtime,
    workers: Vec<Rc<Worker>>,
    lineage: RefCell<Lineage>,
    generation: Cell<u64>,
    _senders: Vec<mailbox::Sender>,
}

fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + number as u8], 80))
}

impl Pair {
    fn new(seed: u64, limit: RateLimitConfig) -> Pair {
        let options = Options { buffers_count: 64, buffer_bytes: 4096, ..Options::default() };
        let runtime = Runtime::simulated(&options, Settings { seed, faults: Faults::none() });
        let mut pair = Pair {
            runtime,
            workers: Vec::new(),
            lineage: Lineage::new(Meters::new(2), 2).into(),
            generation: Cell::new(0),
            _senders: Vec::new(),
        };
        let snapshot = pair.compile(limit);
        for number in 0..2 {
            let parts = Parts {
                runtime: pair.runtime.clone(),
                number,
                count: 2,
                block: WorkerBlock::new(number),
                log: None,
                seed: seed + number as u64,
            };
            let worker = Worker::new(parts);
            worker.install(snapshot.clone());
            let (mut sender, mut receiver) = mailbox::pair().expect("two descriptors");
            // The simulated network has no place for a real socket: the worker looks by itself.
            drop(receiver.take_wake());
            assert!(sender.send(Message::Install(snapshot.clone())).is_ok());
            let listener = pair.runtime.listen_simulated(address(number)).expect("a free address");
            pair.runtime.spawn(worker.clone().run(vec![listener], receiver));
            pair.workers.push(worker);
            pair._senders.push(sender);
        }
        pair
    }

    fn compile(&self, limit: RateLimitConfig) -> Arc<Snapshot> {
        let generation = self.generation.get() + 1;
        self.generation.set(generation);
        let config = GatewayConfig {
            listen_addr: "10.0.0.1:80".parse().expect("an address"),
            routes: vec![Route {
                id: format!("all-{generation}"),
                path: "/*".into(),
                respond: Some(StaticResponse::default()),
                middlewares: vec![Middleware::Named("rate_limit.shared".into())],
                ..Route::default()
            }],
            middlewares: [("rate_limit.shared".to_owned(), Middleware::RateLimit(limit))].into(),
            ..GatewayConfig::default()
        };
        let mut plan = Plan::new(&config).expect("no fault");
        let mut lineage = self.lineage.borrow_mut();
        plan.enlist(&lineage, generation);
        Arc::new(plan.snapshot(&mut lineage, &Resolved::default(), generation))
    }

    fn install(&self, limit: RateLimitConfig) {
        let snapshot = self.compile(limit);
        self.workers.iter().for_each(|worker| worker.install(snapshot.clone()));
    }

    /// A client of each worker asks every so often until a time; how many were let pass.
    async fn ask(&self, clients_count: usize, every_ns: u64, until_ns: u64) -> u64 {
        let (passed, left) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        for number in 0..clients_count {
            let runtime = self.runtime.clone();
            let (passed, left) = (passed.clone(), left.clone());
            left.set(left.get() + 1);
            self.runtime.spawn(async move {
                let to = Address::Tcp(address(number % 2));
                let socket = runtime.connect(&to).await.expect("somebody listens");
                // Not all at the same time.
                let mut at_ns = runtime.now().0 + every_ns * number as u64 / clients_count as u64;
                while runtime.now().0 < until_ns {
                    socket.push(Segment::Static(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
                    // Told before it is added to what others have added meanwhile.
                    let is_passed = is_passed(&socket).await;
                    passed.set(passed.get() + u64::from(is_passed));
                    at_ns += every_ns;
                    runtime.sleep_until(frys_gateway::runtime::Instant(at_ns)).await;
                }
                left.set(left.get() - 1);
            });
        }
        while left.get() > 0 {
            self.runtime.sleep_until(self.runtime.now().plus_ms(1)).await;
        }
        passed.get()
    }
}

/// Reads one answer: 200 without a body, or the gateway's refusal, which ends in a line end.
async fn is_passed(socket: &Socket) -> bool {
    let mut received = Vec::new();
    loop {
        let Ok(Some(lease)) = socket.receive().await else { panic!("the gateway hung up") };
        received.extend_from_slice(&lease);
        let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        if received.starts_with(b"HTTP/1.1 200 ") {
            return true;
        }
        assert!(received.starts_with(b"HTTP/1.1 429 "), "{}", String::from_utf8_lossy(&received));
        if received.len() > at + 4 && received.ends_with(b"\n") {
            return false;
        }
    }
}

fn limit(requests_per_second: u64, burst_size: u64) -> RateLimitConfig {
    let key_strategy = RateLimitKey::Global;
    RateLimitConfig { requests_per_second, burst_size, key_strategy, ..RateLimitConfig::default() }
}

/// Asked ten times as often as it allows, the limit gives rate times time and a burst: within one
/// percent, and one lease of each worker.
fn holds(rate: u64, burst: u64, seconds_tenths: u64, lease: u64) {
    for seed in crate::seeds().into_iter().step_by(50) {
        let pair = Pair::new(seed, limit(rate, burst));
        let until_ns = seconds_tenths * SECOND_NS / 10;
        let every_ns = 8 * SECOND_NS / (5 * rate);
        let passed = pair.runtime.block_on(pair.ask(8, every_ns, until_ns));
        let wanted = rate * seconds_tenths / 10 + burst;
        let apart = passed.abs_diff(wanted);
        let bound = wanted / 100 + 2 * lease + 8;
        assert!(apart <= bound, "seed {seed}: {passed} of {wanted}");
        pair.runtime.shutdown();
    }
}

#[test]
fn two_workers_hold_a_slow_limit_together() {
    holds(200, 20, 30, 1);
}

#[test]
fn two_workers_hold_a_fast_limit_together_through_leases() {
    holds(20_000, 1_000, 4, 20);
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let pair = Pair::new(1, limit(100, 50));
    let passed = pair.runtime.block_on(async {
        let until = |tenths| pair.runtime.now().0 + tenths * SECOND_NS / 10;
        let mut passed = pair.ask(8, 10_000_000, until(10)).await;
        for _ in 0..10 {
            // As before: the filter is the same one.
            pair.install(limit(100, 50));
            passed += pair.ask(8, 10_000_000, until(1)).await;
        }
        // Half the rate, on the same counts: nothing but what comes back.
        pair.install(limit(50, 50));
        passed + pair.ask(8, 10_000_000, until(20)).await
    });
    // 50 at once, 100 a second for 2 s and 50 a second for 2 s. Within a burst of the new rate the
    // debt is counted in time, so the half that it owes of the old one is forgiven: 25 at most.
    assert!((340..=385).contains(&passed), "{passed}");
    pair.runtime.shutdown();
}

#[test]
fn another_key_begins_anew() {
    let pair = Pair::new(1, limit(1, 10));
    let (before, after) = pair.runtime.block_on(async {
        let before = pair.ask(4, 10_000_000, SECOND_NS / 2).await;
        pair.install(RateLimitConfig { key_strategy: RateLimitKey::IP, ..limit(1, 10) });
        (before, pair.ask(4, 10_000_000, SECOND_NS).await)
    });
    assert_eq!((before, after), (10, 10));
    pair.runtime.shutdown();
}

// ---- the ways in which a request ends

const SILENT: &str = "10.0.1.9:80";
const REFUSING: &str = "10.0.1.8:80";

fn concurrent(max_requests: u64) -> Middleware {
    Middleware::ConcurrencyLimit(ConcurrencyLimitConfig {
        max_requests,
        key_strategy: RateLimitKey::Global,
        ..ConcurrencyLimitConfig::default()
    })
}

/// The world's configuration with one limit on all its routes, a route that waits for ever, one
/// whose upstream is not there, and one whose second limit lets nobody pass while there is one.
fn limited() -> GatewayConfig {
    let mut config = config(true);
    let to = |path: &str, address: &str| Route {
        id: path.trim_start_matches('/').into(),
        path: path.into(),
        upstreams: vec![Upstream {
            url: format!("http://{address}").parse().expect("a url"),
            weight: 1,
        }],
        ..Route::default()
    };
    config.routes.push(to("/silent", SILENT));
    config.routes.push(to("/refusing", REFUSING));
    config.middlewares.insert("concurrency_limit.all".into(), concurrent(1_000));
    for route in &mut config.routes {
        route.middlewares.push(Middleware::Named("concurrency_limit.all".into()));
    }
    let mut twice = to("/twice", SILENT);
    twice.middlewares = vec![Middleware::Named("concurrency_limit.all".into()), concurrent(1)];
    config.routes.push(twice);
    config
}

/// What the snapshot's shared limit counts.
fn tally(snapshot: &Snapshot) -> Arc<Tally> {
    let shared = snapshot.filters.iter().find(|filter| &*filter.name == "concurrency_limit.all");
    match &shared.expect("it is there").step {
        Step::ConcurrencyLimit(limit) => limit.tally.clone(),
        other => panic!("{other:?}"),
    }
}

/// Plays a scene under [`limited`]; at its end nothing is counted any more, which is also shown in
/// the metrics.
fn scene(play: impl AsyncFnOnce(Rc<Shared>, Arc<Tally>) -> Result<(), String>) {
    let kept = Rc::new(RefCell::new(None));
    let inside = kept.clone();
    let outcome = World::new(5, true).run_scene(async move |shared: Rc<Shared>| {
        let silent = SILENT.parse().map_err(|_| "no address")?;
        let listener = shared.runtime.listen_simulated(silent).map_err(|e| e.to_string())?;
        let runtime = shared.runtime.clone();
        shared.runtime.spawn(async move {
            while let Ok(socket) = listener.accept().await {
                runtime.spawn(async move { while let Ok(Some(_)) = socket.receive().await {} });
            }
        });
        // The worker has installed the world's own configuration once it answers.
        status(&begin(&shared, "/fixed").await?).await?;
        let snapshot = shared.compile(limited())?;
        let tally = tally(&snapshot);
        *inside.borrow_mut() = Some((tally.clone(), snapshot.filters.clone()));
        shared.worker.install(snapshot);
        play(shared, tally).await
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let (tally, filters) = kept.take().expect("the scene was played");
    assert_eq!(tally.count(), 0, "all is given back");
    for filter in filters.iter() {
        assert_eq!(filter.series.of(0).held.read(), 0, "{}", filter.name);
    }
}

/// Sends a request without waiting for its answer.
async fn begin(shared: &Shared, path: &str) -> Result<Socket, String> {
    let socket = shared.runtime.connect(&shared.gateway).await.map_err(|e| e.to_string())?;
    let mut block = shared.runtime.blocks().take();
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Id: 1\r\n\r\n");
    block.extend_from_slice(head.as_bytes());
    socket.push(Segment::Block(block));
    Ok(socket)
}

async fn counts(shared: &Shared, tally: &Tally, wanted: u64) -> Result<(), String> {
    shared.wait(&format!("the wait for {wanted}"), || tally.count() == wanted).await
}

async fn status(socket: &Socket) -> Result<u16, String> {
    match socket.receive().await {
        Ok(Some(lease)) => {
            let word = lease.get(9..12).and_then(|word| std::str::from_utf8(word).ok());
            word.and_then(|word| word.parse().ok()).ok_or_else(|| "no status".to_owned())
        }
        end @ (Ok(None) | Err(_)) => Err(format!("{end:?} instead of an answer")),
    }
}

#[test]
fn an_answer_gives_its_place_back() {
    scene(async |shared, tally| {
        for path in ["/echo/100/length/1", "/fixed", "/moved/x", "/files/none"] {
            let socket = begin(&shared, path).await?;
            status(&socket).await?;
            counts(&shared, &tally, 0).await?;
        }
        Ok(())
    });
}

#[test]
fn a_client_that_is_gone_gives_its_place_back() {
    scene(async |shared, tally| {
        let [one, two] =
            [begin(&shared, "/echo/3000000/length/1").await?, begin(&shared, "/silent").await?];
        counts(&shared, &tally, 2).await?;
        one.abort();
        two.abort();
        counts(&shared, &tally, 0).await
    });
}

#[test]
fn a_timeout_and_a_failed_connect_give_their_places_back() {
    scene(async |shared, tally| {
        let waiting = begin(&shared, "/silent").await?;
        counts(&shared, &tally, 1).await?;
        if status(&waiting).await? != 504 {
            return Err("the upstream is silent".into());
        }
        counts(&shared, &tally, 0).await?;
        let refused = begin(&shared, "/refusing").await?;
        let found = status(&refused).await?;
        if !(502..=504).contains(&found) {
            return Err(format!("{found} of an upstream that is not there"));
        }
        counts(&shared, &tally, 0).await
    });
}

#[test]
fn a_refusal_by_another_filter_gives_the_place_back() {
    scene(async |shared, tally| {
        let first = begin(&shared, "/twice").await?;
        counts(&shared, &tally, 1).await?;
        let second = begin(&shared, "/twice").await?;
        if status(&second).await? != 429 {
            return Err("the second limit lets one pass".into());
        }
        counts(&shared, &tally, 1).await?;
        drop(first);
        counts(&shared, &tally, 0).await
    });
}

#[test]
fn an_exchange_of_an_expired_generation_gives_its_place_back() {
    scene(async |shared, tally| {
        let socket = begin(&shared, "/echo/3000000/length/1").await?;
        counts(&shared, &tally, 1).await?;
        let mut next = config(true);
        next.routes[0].id = "another".into();
        next.reload.max_generation_age = Some(Duration::from_secs(1));
        shared.worker.install(shared.compile(next)?);
        let is_cut = || shared.block.reason_count(Reason::GenerationExpired) == 1;
        shared.wait("the cut", is_cut).await?;
        counts(&shared, &tally, 0).await?;
        drop(socket);
        Ok(())
    });
}

#[test]
fn a_reload_counts_on_what_is_under_way() {
    scene(async |shared, tally| {
        let first = begin(&shared, "/twice").await?;
        counts(&shared, &tally, 1).await?;
        // Another limit under the same name and key: the same counts.
        let mut next = limited();
        next.middlewares.insert("concurrency_limit.all".into(), concurrent(1));
        shared.worker.install(shared.compile(next)?);
        let second = begin(&shared, "/silent").await?;
        if status(&second).await? != 429 {
            return Err("one is under way, of the generation before".into());
        }
        drop(first);
        counts(&shared, &tally, 0).await?;
        let third = begin(&shared, "/fixed").await?;
        if status(&third).await? != 200 {
            return Err("none is under way".into());
        }
        Ok(())
    });
}

#[test]
fn a_draining_worker_gives_its_places_back() {
    scene(async |shared, tally| {
        let socket = begin(&shared, "/echo/3000000/length/1").await?;
        counts(&shared, &tally, 1).await?;
        // Reads on while the worker drains, which it does when the scene is over.
        shared.runtime.spawn(async move { while let Ok(Some(_)) = socket.receive().await {} });
        Ok(())
    });
}

/// Requests of any shape, on a faulty network, with reloads, some of which end old exchanges.
fn run(seed: u64, calm: bool) -> Result<u64, String> {
    let tallies: Rc<RefCell<Vec<Arc<Tally>>>> = Rc::default();
    let kept = tallies.clone();
    let report = World::new(seed, calm).run_scene(async move |shared: Rc<Shared>| {
        let over = Rc::new(Cell::new(false));
        let (inside, stop) = (shared.clone(), over.clone());
        shared.runtime.spawn(async move {
            let mut random = inside.random(78);
            while !stop.get() {
                let mut config = config(inside.calm);
                let most = 500 + random.below(3);
                config.middlewares.insert("concurrency_limit.all".into(), concurrent(most));
                for route in &mut config.routes {
                    route.middlewares.push(Middleware::Named("concurrency_limit.all".into()));
                }
                if !inside.calm && random.below(2) == 0 {
                    config.reload.max_generation_age = Some(Duration::from_millis(300));
                }
                match inside.compile(config) {
                    Ok(snapshot) => {
                        kept.borrow_mut().push(tally(&snapshot));
                        inside.worker.install(snapshot);
                    }
                    Err(text) => inside.fault(text),
                }
                let pause_ns = 20_000_000 + random.below(300_000_000);
                inside.runtime.sleep_until(inside.runtime.now().plus_ns(pause_ns)).await;
            }
        });
        let served = shared.serve_clients().await;
        over.set(true);
        served
    })?;
    let tallies = tallies.borrow();
    let first = tallies.first().ok_or("nothing was installed")?;
    if tallies.iter().any(|tally| !Arc::ptr_eq(tally, first)) {
        return Err("a reload began to count anew".into());
    }
    match first.count() {
        0 => Ok(report.recorded_count),
        count => Err(format!("{count} places were not given back")),
    }
}

#[test]
fn however_requests_end_all_places_are_given_back() {
    let mut recorded_count = 0;
    for seed in crate::seeds().into_iter().step_by(8) {
        for calm in [true, false] {
            match run(seed, calm) {
                Ok(count) => recorded_count += count,
                Err(fault) => panic!("seed {seed} (replay with FRYS_SEED={seed}): {fault}"),
            }
        }
    }
    assert!(recorded_count > 0, "no request ended, so nothing was shown");
}
