//! What a gateway counts, read while it serves.

use super::{address_of, config, get, started, until, upstream};
use frys_gateway::{Handle, Phase, RouteBuilder, Stats, WorkerState};

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const REQUESTS: u64 = 40;

#[test]
fn a_thread_reads_what_is_counted_while_others_are_served() {
    let url = format!("http://{}", upstream::start());
    let route = RouteBuilder::new("api").path("/api/*").upstream(&url, 1).build();
    let running = started(config(vec![route]));
    let address = address_of(&running);
    let (handle, is_over) = (running.handle(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| watch(&handle, &is_over));
        for _ in 0..REQUESTS {
            assert_eq!(get(address, "/api/1", "").status, 200);
        }
        assert_eq!(get(address, "/none", "").status, 404);
        is_over.store(true, Ordering::Release);
    });
    // The last request is counted a moment after its client has read the answer.
    until("all is counted", || running.stats().total.requests == REQUESTS + 1);
    until("connections close", || running.stats().connections_active == 0);
    check(&running.stats());
    handle.drain();
    running.wait().expect("an orderly end");
    let stats = handle.stats();
    assert_eq!((stats.phase, stats.total.requests), (Phase::Draining, REQUESTS + 1));
    assert_eq!(stats.workers[0].state, WorkerState::Ended);
}

/// Numbers never run backwards.
fn watch(handle: &Handle, is_over: &AtomicBool) {
    let mut before = handle.stats();
    while !is_over.load(Ordering::Acquire) {
        let now = handle.stats();
        assert!(now.total.requests >= before.total.requests);
        assert!(now.total.bytes_out >= before.total.bytes_out);
        assert!(now.connections_accepted >= before.connections_accepted);
        before = now;
    }
}

fn check(stats: &Stats) {
    assert_eq!((stats.phase, stats.generation), (Phase::Ready, 1));
    assert_eq!(stats.total.classes.success, REQUESTS);
    assert_eq!(stats.connections_accepted, REQUESTS + 1);
    assert_eq!(stats.reasons, [("ok", REQUESTS), ("route_not_found", 1)].into());
    let route = &stats.routes["api"];
    assert_eq!((route.requests, route.latency.count), (REQUESTS, REQUESTS));
    assert!(route.bytes_in > 0 && route.bytes_out > route.bytes_in, "{route:?}");
    assert!(route.latency.p50 <= route.latency.p99 && route.latency.p99 <= route.latency.max);
    assert_eq!(stats.routes["_none"].classes.client_error, 1);
    let [upstream] = &stats.upstreams[..] else { panic!("{:?}", stats.upstreams) };
    assert_eq!(upstream.classes.success, REQUESTS);
    assert_eq!(upstream.first_byte.count, REQUESTS);
    assert_eq!(upstream.connects + upstream.reuses, REQUESTS);
    let [worker] = &stats.workers[..] else { panic!("{:?}", stats.workers) };
    assert_eq!((worker.worker, worker.state, worker.generation), (0, WorkerState::Serving, 1));
    assert_eq!(worker.total, stats.total);
    assert!(worker.cpu.is_some_and(|cpu| !cpu.is_zero()));
}
