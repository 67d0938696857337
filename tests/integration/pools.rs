//! Upstream connections: reuse, death while idle, the one safe retry, what is not retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::gateway::{reserve, route_to};
use crate::support::{Gateway, Peer, Upstream, until};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers once on a connection, reads another request there and closes without an answer.
fn answers_once_then_dies(peer: &mut Peer) {
    if peer.request().is_some() {
        peer.wire.send(OK);
        peer.request();
    }
}

#[test]
fn asks_again_where_a_kept_connection_died() {
    let upstream = Upstream::start(answers_once_then_dies);
    let gateway = Gateway::to(&[upstream.address]);
    for _ in 0..4 {
        assert_eq!(gateway.get("/").text(), "ok");
    }
    assert!(upstream.connections_count() >= 2);
}

#[test]
fn never_sends_a_post_twice() {
    let upstream = Upstream::start(answers_once_then_dies);
    let gateway = Gateway::to(&[upstream.address]);
    assert_eq!(gateway.get("/").text(), "ok");
    let response = gateway.ask("POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(response.status, 502, "{response:?}");
    let posts = upstream.received().iter().filter(|request| request.target() == "/once").count();
    assert_eq!(posts, 1);
}

#[test]
fn asks_no_third_time() {
    let upstream = Upstream::start(|peer| {
        let answers = usize::from(peer.number == 0);
        for _ in 0..answers {
            peer.request();
            peer.wire.send(OK);
        }
        peer.request();
    });
    let gateway = Gateway::to(&[upstream.address]);
    assert_eq!(gateway.get("/").text(), "ok");
    assert_eq!(gateway.get("/gone").status, 502);
    assert!(upstream.received().len() <= 3, "{:?}", upstream.received());
}

#[test]
fn notices_that_an_idle_connection_ended() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send(OK);
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    for n in 0..5 {
        let response =
            gateway.ask(format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"));
        // A POST is not asked again, so each success shows that the dead connection was not used.
        assert_eq!(response.text(), "ok");
        until("the idle connection's end is noticed", 5, || {
            let idle = gateway.metric("frys_pool_connections", &["state=\"idle\""]);
            (idle == 0.0).then_some(())
        });
    }
}

#[test]
fn never_reuses_a_connection_that_the_upstream_closes() {
    let upstream = Upstream::start(|peer| {
        while peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    for _ in 0..3 {
        assert_eq!(gateway.get("/").text(), "ok");
    }
    assert_eq!(upstream.connections_count(), 3);
}

#[test]
fn never_takes_bytes_behind_an_answer_for_the_next_one() {
    let go = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&go);
    let upstream = Upstream::start(move |peer| {
        while peer.request().is_some() {
            if peer.number > 0 {
                peer.wire.send(OK);
                continue;
            }
            until("somebody waits for the connection", 15, || {
                flag.load(Ordering::SeqCst).then_some(())
            });
            let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n".to_vec();
            bytes.resize(bytes.len() + 20_000_000, b'x');
            bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
            peer.wire.send(bytes);
        }
    });
    let limits = "[connection_limits]\nmax_connections_per_upstream = 1";
    let gateway = Gateway::start(&format!("{limits}\n\n{}", route_to(&[upstream.address])));
    let (mut first, mut second) = (gateway.connect(), gateway.connect());
    first.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_for(0);
    second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the second waits", 10, || {
        (gateway.metric("frys_pool_full_total", &[]) > 0.0).then_some(())
    });
    go.store(true, Ordering::SeqCst);
    assert_eq!(first.response().body.len(), 20_000_000);
    assert_eq!(second.response().text(), "ok");
}

#[test]
fn says_that_the_upstream_refuses() {
    let (_port, refusing) = reserve();
    let gateway = Gateway::to(&[refusing]);
    gateway.get("/").assert_own(502, "connect_refused");
    gateway.wait_for_reason("connect_refused");
}

#[test]
fn says_that_the_upstream_closed_without_an_answer() {
    let upstream = Upstream::start(|peer| {
        peer.request();
    });
    let gateway = Gateway::to(&[upstream.address]);
    gateway.get("/").assert_own(502, "upstream_closed");
}

#[test]
fn cuts_the_answer_where_the_upstream_broke_off() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_without_body().status, 200);
    assert_eq!(client.rest(), b"part");
    gateway.wait_for_reason("upstream_closed");
}

#[test]
fn never_ends_a_chunked_answer_that_broke_off() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_without_body().status, 200);
    let rest = client.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
}

#[test]
fn refuses_above_the_upstreams_connections() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            if request.target() == "/wait" {
                peer.wait_for_end();
                return;
            }
            peer.wire.send(OK);
        }
    });
    let limits = "[connection_limits]\nmax_connections_per_upstream = 2\n\n\
                  [timeouts]\nconnect = \"200ms\"";
    let routes = route_to(&[upstream.address]);
    let top = "workers = 1\ndrain_timeout = \"1s\"";
    let gateway = Gateway::with_top(top, &format!("{limits}\n\n{routes}"));
    let mut waiting: Vec<_> = (0..2).map(|_| gateway.connect()).collect();
    for client in &mut waiting {
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    upstream.wait_for(1);
    gateway.get("/").assert_own(503, "upstream_connections_full");
    gateway.wait_for_reason("upstream_connections_full");
}
