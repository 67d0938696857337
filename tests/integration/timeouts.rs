//! Each timer: which one fired is in the answer, the metrics and nowhere a guess.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn timed(upstream: SocketAddr, timeouts: &str) -> Gateway {
    Gateway::start(&format!("[timeouts]\n{timeouts}\n\n{}", route_to(&[upstream])))
}

fn silent() -> Upstream {
    Upstream::start(|peer| {
        peer.request();
        peer.wait_for_end();
    })
}

#[test]
fn a_head_that_does_not_end_is_408() {
    let upstream = Upstream::saying("ok");
    let gateway = timed(upstream.address, "client_header = \"200ms\"");
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    client.response().assert_own(408, "client_header_timeout");
    assert!(client.is_closed());
    gateway.wait_for_reason("client_header_timeout");
}

#[test]
fn a_head_that_drips_is_408() {
    let upstream = Upstream::saying("ok");
    let gateway = timed(upstream.address, "client_header = \"300ms\"");
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nX: ");
    until("each byte buys no more time", 5, || client.try_send(b"a").is_err().then_some(()));
    gateway.wait_for_reason("client_header_timeout");
}

#[test]
fn a_body_that_stalls_is_408() {
    let upstream = Upstream::start(|peer| {
        peer.request_head();
        peer.wait_for_end();
    });
    let gateway = timed(upstream.address, "client_body_idle = \"200ms\"");
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    client.response().assert_own(408, "client_body_timeout");
    gateway.wait_for_reason("client_body_timeout");
}

#[test]
fn an_idle_client_is_closed_without_an_answer() {
    let upstream = Upstream::saying("ok");
    let gateway = timed(upstream.address, "keep_alive = \"200ms\"");
    let mut client = gateway.connect();
    assert_eq!(client.ask(GET).text(), "ok");
    assert!(client.is_closed());
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    let upstream = Upstream::saying("ok");
    let gateway = timed(upstream.address, "client_header = \"200ms\"\nkeep_alive = \"200ms\"");
    let mut client = gateway.connect();
    let rest = client.rest();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{rest:?}");
}

#[test]
fn a_connection_that_is_not_taken_is_504() {
    // A queue of one, full: the kernel drops further handshakes.
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    full.listen(0).expect("it listens");
    let address = full.local_addr().expect("bound").as_socket().expect("an IP socket");
    let _held: Vec<_> = (0..4)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("nonblocking");
            // In progress, or in the queue: both fill it.
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    let gateway = timed(address, "connect = \"200ms\"");
    gateway.get("/").assert_own(504, "connect_timeout");
    gateway.wait_for_reason("connect_timeout");
}

#[test]
fn an_upstream_that_does_not_begin_is_504() {
    let upstream = silent();
    let gateway = timed(upstream.address, "first_byte = \"200ms\"");
    let mut client = gateway.connect();
    client.ask(GET).assert_own(504, "first_byte_timeout");
    gateway.wait_for_reason("first_byte_timeout");
}

#[test]
fn an_upstream_that_stalls_breaks_the_answer_off() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
            peer.wait_for_end();
        }
    });
    let gateway = timed(upstream.address, "upstream_idle = \"200ms\"");
    let mut client = gateway.connect();
    client.send(GET);
    assert_eq!(client.response_without_body().status, 200);
    assert_eq!(client.rest(), b"part");
    gateway.wait_for_reason("upstream_idle_timeout");
}

#[test]
fn an_exchange_that_takes_too_long_is_504() {
    let upstream = silent();
    let gateway = timed(upstream.address, "total = \"200ms\"");
    gateway.get("/").assert_own(504, "total_timeout");
    gateway.wait_for_reason("total_timeout");
}

#[test]
fn a_route_has_its_own_timers() {
    let upstream = silent();
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\ntimeouts = {{ first_byte = \"200ms\" }}\n\
         upstreams = [{{ url = \"http://{}\" }}]\n",
        upstream.address
    ));
    gateway.get("/").assert_own(504, "first_byte_timeout");
}

#[test]
fn an_upstream_that_drips_its_head_is_504() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nX: ");
            until("the gateway hangs up", 5, || peer.wire.try_send(b"a").is_err().then_some(()));
        }
    });
    let gateway = timed(upstream.address, "first_byte = \"300ms\"");
    gateway.get("/").assert_own(504, "first_byte_timeout");
}
