//! The load generator against a server in virtual time: what it says of a server that stalls, and
//! that it loses no request whatever the network does.

use frys_gateway::bench::plan::{Load, Pace, Plan};
use frys_gateway::bench::recorder::Recorder;
use frys_gateway::bench::report::{Arrivals, Seen};
use frys_gateway::bench::schedule::{Part, Schedule};
use frys_gateway::bench::worker::{Parts, Worker};
use frys_gateway::runtime::simulated::{Faults, Settings};
use frys_gateway::runtime::{Instant, Listener, Options, Runtime, Segment, Socket};

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;
const SERVICE_NS: u64 = 1_000_000;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// When the server answers nothing: this long from the middle of each period.
#[derive(Clone, Copy)]
struct Stall {
    period_ns: u64,
    stall_ns: u64,
}

impl Stall {
    /// From when on it answers again, at `now`.
    fn over(self, now: Instant) -> Instant {
        let begin_ns = now.0 - now.0 % self.period_ns + self.period_ns / 2;
        let end = Instant(begin_ns).plus_ns(self.stall_ns);
        if now.0 >= begin_ns && now < end { end } else { now }
    }
}

async fn accept(runtime: Runtime, listener: Listener, stall: Stall, asked: Rc<Cell<u64>>) {
    while let Ok(socket) = listener.accept().await {
        runtime.spawn(serve(runtime.clone(), socket, stall, asked.clone()));
    }
}

/// Answers one request after another, each 1 ms after it came, and none while it stalls.
async fn serve(runtime: Runtime, socket: Socket, stall: Stall, asked: Rc<Cell<u64>>) {
    let mut received = Vec::new();
    while let Ok(Some(lease)) = socket.receive().await {
        received.extend_from_slice(&lease);
        drop(lease);
        if !received.ends_with(b"\r\n\r\n") {
            continue;
        }
        received.clear();
        asked.set(asked.get() + 1);
        runtime.sleep_until(runtime.now().plus_ns(SERVICE_NS)).await;
        let over = stall.over(runtime.now());
        if over > runtime.now() {
            runtime.sleep_until(over).await;
        }
        socket.push(Segment::Static(ANSWER));
    }
}

struct Scene {
    seed: u64,
    faults: Faults,
    pace: Pace,
    connections: usize,
    seconds: u64,
    stall: Stall,
}

const NO_STALL: Stall = Stall { period_ns: u64::MAX, stall_ns: 0 };
/// 1 s in 10.
const STALL: Stall = Stall { period_ns: 10 * SECOND_NS, stall_ns: SECOND_NS };

fn load(scene: &Scene) -> Load {
    let plan = Plan::new("http://10.0.0.1:80/".parse().expect("a target"));
    let plan = Plan {
        pace: scene.pace,
        seed: scene.seed,
        connections: scene.connections,
        cores: vec![0],
        duration: Duration::from_secs(scene.seconds),
        warm_up: Duration::ZERO,
        timeout: Duration::from_secs(5),
        ..plan
    };
    plan.load().expect("a valid plan")
}

/// Runs a scene; its counts, and how many requests reached the server.
fn run(scene: &Scene) -> (Recorder, u64) {
    let options = Options { buffers_count: 256, buffer_bytes: 4096, ..Options::default() };
    let settings = Settings { seed: scene.seed, faults: scene.faults.clone() };
    let runtime = Runtime::simulated(&options, settings);
    let address: SocketAddr = "10.0.0.1:80".parse().expect("an address");
    let listener = runtime.listen_simulated(address).expect("nobody listens there");
    let asked = Rc::new(Cell::new(0));
    runtime.spawn(accept(runtime.clone(), listener, scene.stall, asked.clone()));
    let parts = Parts {
        runtime: runtime.clone(),
        load: Arc::new(load(scene)),
        part: Part { number: 0, count: 1 },
        piece: Duration::from_secs(1),
        tell: Box::new(|_| {}),
        cpu_time: || Duration::ZERO,
        stop: Arc::default(),
    };
    let outcome = runtime.block_on(async move { Worker::new(parts).run().await });
    assert_eq!(outcome.seconds, scene.seconds as f64);
    runtime.shutdown();
    runtime.check().expect("the engine's books balance");
    let counters = runtime.counters();
    let left = (counters.sockets_open, counters.buffers_out, counters.tasks);
    assert_eq!(left, (0, 0, 0), "seed {}", scene.seed);
    (outcome.recorder, asked.get())
}

fn seen(scene: &Scene) -> Seen {
    let think_ns = matches!(scene.pace, Pace::Closed).then_some(0);
    run(scene).0.seen(scene.seconds as f64, Duration::from_secs(1), think_ns)
}

const THOUSAND: Pace = Pace::Open { rate: 1_000.0, arrivals: Arrivals::Constant };

#[test]
fn an_open_loop_shows_a_stall_in_every_request_that_it_delayed() {
    let scene = Scene {
        seed: 1,
        faults: Faults::none(),
        pace: THOUSAND,
        connections: 64,
        seconds: 30,
        stall: STALL,
    };
    let seen = seen(&scene);
    assert_eq!((seen.requests, seen.errors.total()), (30_000, 0));
    // A tenth of the requests is due within a stall; they wait between 0 and 1 s, evenly. So of
    // all, the worst 1 % are the tenth of these that waited longest: 0.9 s and more.
    assert!((0.89e6..0.93e6).contains(&seen.latency.p99_us), "{}", seen.latency.p99_us);
    // And the worst tenth begins where the stall does.
    assert!(seen.latency.p75_us < 2.1e3, "{}", seen.latency.p75_us);
    assert!((0.98e6..1.02e6).contains(&seen.latency.max_us), "{}", seen.latency.max_us);
    // What a closed loop would have seen: each of 64 connections meets a stall once.
    let service = seen.service.expect("an open loop");
    assert!(service.p99_us < 3e3, "{}", service.p99_us);
}

#[test]
fn a_closed_loop_shows_its_usual_latency_and_the_correction_the_stall() {
    let scene = Scene {
        seed: 1,
        faults: Faults::none(),
        pace: Pace::Closed,
        connections: 1,
        seconds: 30,
        stall: STALL,
    };
    let seen = seen(&scene);
    // Three stalls in thousands of requests, each sent as soon as the one before was answered: 27 s
    // of 2 ms.
    assert!(seen.requests > 13_000, "{}", seen.requests);
    assert!(seen.latency.p99_us < 3e3, "{}", seen.latency.p99_us);
    let corrected = seen.corrected.expect("a closed loop");
    assert!((0.88e6..0.93e6).contains(&corrected.p99_us), "{}", corrected.p99_us);
}

#[test]
fn a_server_that_never_answers_is_shown_with_the_time_that_was_waited() {
    let stall = Stall { period_ns: 1, stall_ns: u64::MAX };
    let scene = Scene {
        seed: 1,
        faults: Faults::none(),
        pace: Pace::Open { rate: 100.0, arrivals: Arrivals::Constant },
        connections: 10,
        seconds: 4,
        stall,
    };
    let seen = seen(&scene);
    assert_eq!(seen.requests, 0);
    // Ten were sent and given up after 5 s; the others never had a connection.
    assert_eq!((seen.errors.timed_out, seen.errors.unsent), (10, 390));
    assert_eq!(seen.latency.count, 400);
    assert!(seen.latency.max_us >= 4.99e6, "{}", seen.latency.max_us);
}

#[test]
fn every_request_that_was_due_is_counted_once_whatever_the_network_does() {
    for seed in crate::seeds() {
        let arrivals = if seed % 2 == 0 { Arrivals::Constant } else { Arrivals::Poisson };
        let scene = Scene {
            seed,
            faults: if seed % 3 == 0 { Faults::gentle() } else { Faults::rough() },
            pace: Pace::Open { rate: 200.0, arrivals },
            connections: 4,
            seconds: 2,
            stall: NO_STALL,
        };
        let times = (Instant(0), Instant(2 * SECOND_NS));
        let part = Part { number: 0, count: 1 };
        let mut schedule = Schedule::new(arrivals, 200.0, seed, part, times);
        let due_count = std::iter::from_fn(|| schedule.take(Instant::NEVER)).count() as u64;
        let (recorder, asked_count) = run(&scene);
        let counted = recorder.requests + recorder.errors.total();
        assert_eq!(counted, due_count, "seed {seed}: {:?}", recorder.errors);
        assert!(recorder.requests > 0 && recorder.requests <= asked_count, "seed {seed}");
    }
}

#[test]
fn a_closed_loop_counts_no_more_than_was_asked() {
    for seed in crate::seeds() {
        let scene = Scene {
            seed,
            faults: Faults::rough(),
            pace: Pace::Closed,
            connections: 2,
            seconds: 1,
            stall: NO_STALL,
        };
        let (recorder, asked_count) = run(&scene);
        assert!(recorder.requests > 0 && recorder.requests <= asked_count, "seed {seed}");
        assert_eq!(recorder.errors.unsent, 0, "seed {seed}");
    }
}
