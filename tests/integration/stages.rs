//! The gateway's side of a measurement: what a known delay shows in, and that it shows nowhere
//! else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frys_gateway::bench::gateway::{Admin, Scrape};
use frys_gateway::bench::report;

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, until};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const DELAY: Duration = Duration::from_millis(50);
const DELAY_US: f64 = 50_000.0;

fn admin(gateway: &Gateway) -> Admin {
    let path = gateway.file("admin");
    Admin::parse(&format!("unix:{}", path.display())).expect("an address")
}

/// Lets the delay pass.
fn wait() {
    let begun = Instant::now();
    until("the delay is over", 10, || (begun.elapsed() >= DELAY).then_some(()));
}

/// What happened since an earlier look, once so many requests have.
fn since(admin: &Admin, before: &Scrape, requests: u64) -> report::Gateway {
    until("the requests are counted", 10, || {
        let now = admin.scrape().expect("the admin answers");
        let difference = now.since(before).expect("the same gateway");
        (difference.requests == requests).then_some(difference)
    })
}

fn stage<'a>(gateway: &'a report::Gateway, name: &str) -> &'a report::Stage {
    gateway.stages.iter().find(|stage| stage.name == name).expect("it is told")
}

#[test]
fn a_slow_upstream_shows_in_its_first_byte_alone() {
    const REQUESTS_COUNT: u64 = 5;
    let upstream = Upstream::start(|peer| {
        while peer.request().is_some() {
            wait();
            peer.wire.send(OK);
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let admin = admin(&gateway);
    // Not of the run: what was counted before it does not show.
    gateway.get("/before");
    until("the request is counted", 10, || {
        let counted = gateway.stats().pointer("/total/requests").and_then(|n| n.as_u64());
        (counted == Some(1)).then_some(())
    });
    let before = admin.scrape().expect("the admin answers");
    let begun = Instant::now();
    for _ in 0..REQUESTS_COUNT {
        assert_eq!(gateway.get("/").text(), "ok");
    }
    let client_mean_us = begun.elapsed().as_secs_f64() * 1e6 / REQUESTS_COUNT as f64;
    let mut run = since(&admin, &before, REQUESTS_COUNT);
    let first_byte = stage(&run, "upstream_first_byte");
    assert_eq!(first_byte.count, REQUESTS_COUNT);
    assert!(first_byte.mean_us >= DELAY_US, "{run:#?}");
    for other in run.stages.iter().filter(|stage| stage.name != "upstream_first_byte") {
        assert!(other.p50_us < DELAY_US, "{run:#?}");
    }
    assert_eq!(stage(&run, "pool_wait").count, 0);
    assert_eq!(stage(&run, "relay").count, REQUESTS_COUNT);
    assert!(run.total.mean_us >= first_byte.mean_us, "{run:#?}");
    frys_gateway::bench::gateway::beside(
        &mut run,
        &report::Latency { mean_us: client_mean_us, ..Default::default() },
    );
    assert!(run.outside_mean_us > 0.0, "{run:#?}");
    assert!(run.outside_mean_us < client_mean_us - DELAY_US, "{run:#?}");
}

#[test]
fn a_full_pool_shows_as_the_wait_for_a_place() {
    let go = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&go);
    let upstream = Upstream::start(move |peer| {
        while peer.request().is_some() {
            until("it may answer", 15, || flag.load(Ordering::SeqCst).then_some(()));
            peer.wire.send(OK);
        }
    });
    let limits = "[connection_limits]\nmax_connections_per_upstream = 1";
    let gateway = Gateway::start(&format!("{limits}\n\n{}", route_to(&[upstream.address])));
    let admin = admin(&gateway);
    let before = admin.scrape().expect("the admin answers");
    let (mut first, mut second) = (gateway.connect(), gateway.connect());
    first.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_for(0);
    second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the second waits", 10, || {
        (gateway.metric("frys_pool_full_total", &[]) > 0.0).then_some(())
    });
    wait();
    go.store(true, Ordering::SeqCst);
    assert_eq!(first.response().text(), "ok");
    assert_eq!(second.response().text(), "ok");
    let run = since(&admin, &before, 2);
    let waited = stage(&run, "pool_wait");
    assert_eq!(waited.count, 1);
    assert!(waited.mean_us >= DELAY_US, "{run:#?}");
    assert_eq!(stage(&run, "connect").count, 1);
}

#[test]
fn a_gateway_that_was_started_anew_is_noticed() {
    let upstream = Upstream::saying("ok");
    let (first, second) = (Gateway::to(&[upstream.address]), Gateway::to(&[upstream.address]));
    let before = admin(&first).scrape().expect("the admin answers");
    let after = admin(&second).scrape().expect("the admin answers");
    let fault = after.since(&before).expect_err("two processes");
    assert!(fault.to_string().starts_with("the gateway was restarted"), "{fault}");
}

#[test]
fn tells_what_the_process_and_its_workers_cost() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    gateway.get("/");
    let stats = gateway.stats();
    let resident_bytes = stats.pointer("/process/resident_bytes").and_then(|n| n.as_u64());
    assert!(resident_bytes > Some(1024 * 1024), "{resident_bytes:?}");
    let cpu_seconds = stats.pointer("/workers/0/thread/cpu_seconds").and_then(|n| n.as_f64());
    assert!(cpu_seconds > Some(0.0), "{cpu_seconds:?}");
    assert!(gateway.metric("frys_worker_cpu_seconds_total", &["worker=\"0\""]) > 0.0);
    assert!(gateway.metric("process_resident_memory_bytes", &[]) > 0.0);
}
