//! Starting, draining and ending: signals, exit statuses, what clients see meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, Wire, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An upstream that answers when the flag is set.
fn held_back() -> (Upstream, Arc<AtomicBool>) {
    let go = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&go);
    let upstream = Upstream::start(move |peer| {
        while peer.request().is_some() {
            until("the test lets the upstream answer", 15, || {
                flag.load(Ordering::SeqCst).then_some(())
            });
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    (upstream, go)
}

fn drains_on(signal: &str) {
    let (upstream, go) = held_back();
    let mut gateway =
        Gateway::with_top("workers = 2\ndrain_timeout = \"10s\"", &route_to(&[upstream.address]));
    let mut busy = gateway.connect();
    busy.send(GET);
    upstream.wait_for(0);
    gateway.signal(signal);
    until("readiness flips", 10, || {
        let answer = gateway.try_admin("/ready").ok()?;
        (answer.status == 503).then_some(())
    });
    until("the listeners are closed", 10, || {
        std::net::TcpStream::connect(gateway.address).is_err().then_some(())
    });
    go.store(true, Ordering::SeqCst);
    let response = busy.response();
    assert_eq!(response.text(), "ok");
    assert!(response.closes(), "{response:?}");
    assert!(busy.is_closed());
    assert_eq!(gateway.exit_status().code(), Some(0), "{}", gateway.stderr());
}

#[test]
fn finishes_what_it_began_on_sigterm() {
    drains_on("TERM");
}

#[test]
fn finishes_what_it_began_on_sigint() {
    drains_on("INT");
}

#[test]
fn closes_idle_clients_when_it_drains() {
    let upstream = Upstream::saying("ok");
    let mut gateway = Gateway::to(&[upstream.address]);
    let mut idle = gateway.connect();
    assert_eq!(idle.ask(GET).text(), "ok");
    gateway.signal("TERM");
    assert!(idle.is_closed());
    assert_eq!(gateway.exit_status().code(), Some(0));
}

#[test]
fn answers_a_request_that_crosses_the_signal() {
    let upstream = Upstream::saying("ok");
    // The gateway waits a moment for it; on a busy machine the test may miss that, so it may try
    // again, but not one try would do if idle clients were closed at once.
    until("a request after the signal is answered", 60, || {
        let mut gateway = Gateway::to(&[upstream.address]);
        let mut client = gateway.connect();
        assert_eq!(client.ask(GET).text(), "ok");
        gateway.signal("TERM");
        until("the listener is closed", 10, || {
            std::net::TcpStream::connect(gateway.address).is_err().then_some(())
        });
        let answer = client.try_send(GET.as_bytes()).ok().and_then(|()| client.head());
        assert_eq!(gateway.exit_status().code(), Some(0), "{}", gateway.stderr());
        let answer = answer?;
        assert_eq!(answer.line, "HTTP/1.1 200 OK");
        let close = ("connection".to_owned(), "close".to_owned());
        let lower = |field: &(String, String)| (field.0.to_lowercase(), field.1.to_lowercase());
        assert!(answer.fields.iter().any(|field| lower(field) == close), "{:?}", answer.fields);
        Some(())
    });
}

#[test]
fn gives_up_at_the_drain_timeout() {
    let upstream = Upstream::start(|peer| {
        peer.request();
        peer.wait_for_end();
    });
    let mut gateway =
        Gateway::with_top("workers = 1\ndrain_timeout = \"300ms\"", &route_to(&[upstream.address]));
    let mut busy = gateway.connect();
    busy.send(GET);
    upstream.wait_for(0);
    gateway.signal("TERM");
    assert_eq!(gateway.exit_status().code(), Some(0), "{}", gateway.stderr());
}

#[test]
fn every_worker_serves() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::with_top("workers = 2", &route_to(&[upstream.address]));
    let mut clients: Vec<Wire> = Vec::new();
    until("both workers took connections", 20, || {
        let mut client = gateway.connect();
        assert_eq!(client.ask(GET).text(), "ok");
        clients.push(client);
        let stats = gateway.stats();
        let workers = stats.get("workers")?.as_array()?.clone();
        let served = |worker: &serde_json::Value| {
            worker.get("total")?.get("requests")?.as_u64().filter(|n| *n > 0)
        };
        (workers.len() == 2 && workers.iter().all(|worker| served(worker).is_some())).then_some(())
    });
}
