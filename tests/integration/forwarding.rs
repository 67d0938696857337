//! A request goes out, its response comes back: keep-alive, pipelining, versions, interim answers.

use crate::support::{Gateway, Upstream, until};

const GET: &str = "GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n";

#[test]
fn forwards_a_request_and_its_response() {
    let upstream = Upstream::answering(
        "HTTP/1.1 201 Made\r\nContent-Type: text/x\r\nX-Up: 1\r\nContent-Length: 5\r\n\r\nhello",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.ask("GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nX-Down: 2\r\n\r\n");
    assert_eq!(response.status, 201);
    assert_eq!(response.text(), "hello");
    assert_eq!(response.field("x-up"), Some("1"));
    assert_eq!(response.field("content-type"), Some("text/x"));
    let received = upstream.wait_for(0);
    assert_eq!(received.line, "GET /a/b?c=d HTTP/1.1");
    assert_eq!(received.field("x-down"), Some("2"));
}

#[test]
fn keeps_the_clients_connection() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    for _ in 0..20 {
        assert_eq!(client.ask(GET).text(), "ok");
    }
    assert_eq!(upstream.received().len(), 20);
}

#[test]
fn reuses_the_upstreams_connection() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    for _ in 0..10 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert_eq!(upstream.connections_count(), 1);
}

#[test]
fn closes_when_the_client_asks_to() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    let response = client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(response.closes());
    assert!(client.is_closed());
}

#[test]
fn answers_pipelined_requests_in_order() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let body = request.target().to_owned();
            let length = body.len();
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"));
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    let request = |n: usize| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send((0..8).map(request).collect::<String>());
    for n in 0..8 {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
}

#[test]
fn answers_pipelined_requests_with_bodies_in_order() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let length = body.len();
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"));
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send(
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none\
         POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n\
         GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    for body in ["one", "two", ""] {
        assert_eq!(client.response().text(), body);
    }
}

#[test]
fn takes_a_request_in_single_bytes() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    for byte in "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".bytes() {
        client.send([byte]);
    }
    assert_eq!(client.response().text(), "ok");
    assert_eq!(upstream.wait_for(0).body, b"hi");
}

#[test]
fn serves_http_1_0_and_closes() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    let response = client.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(response.version, "HTTP/1.1", "RFC 9110 section 6.2: the version that we speak");
    assert_eq!(response.text(), "ok");
    assert!(client.is_closed());
    assert!(upstream.wait_for(0).line.ends_with("HTTP/1.1"));
}

#[test]
fn keeps_an_http_1_0_connection_on_request() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    for _ in 0..2 {
        let response = client.ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(response.text(), "ok");
    }
}

#[test]
fn sends_no_chunks_to_http_1_0() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    let response = client.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.text(), "abcde");
}

#[test]
fn answers_a_client_that_waits_for_100() {
    let upstream = Upstream::start(|peer| {
        while let Some(mut request) = peer.request_head() {
            if request.field("expect").is_some() {
                peer.wire.send("HTTP/1.1 100 Continue\r\n\r\n");
            }
            let whole = peer.wire.body(&request.fields, false);
            (request.body, request.trailers) = whole.expect("a whole body");
            peer.remember(&request);
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.any_response().status, 100);
    client.send("body");
    assert_eq!(client.response().text(), "ok");
    assert_eq!(upstream.wait_for(0).body, b"body");
}

#[test]
fn refuses_another_expectation() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let response =
        gateway.ask("PUT / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 0\r\n\r\n");
    response.assert_own(417, "expectation_failed");
}

#[test]
fn forwards_interim_responses() {
    let upstream = Upstream::answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send(GET);
    let interim = client.any_response();
    assert_eq!(interim.status, 103);
    assert_eq!(interim.field("link"), Some("</a.css>; rel=preload"));
    assert_eq!(client.response().text(), "ok");
    assert_eq!(client.ask(GET).text(), "ok");
}

#[test]
fn sends_no_interim_response_to_http_1_0() {
    let upstream = Upstream::answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(client.any_response().status, 200);
}

#[test]
fn answers_a_client_that_closed_its_half() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send(GET);
    client.half_close();
    assert_eq!(client.response().text(), "ok");
    assert!(client.is_closed());
}

#[test]
fn tells_the_upstream_when_the_client_goes_away() {
    let upstream = Upstream::start(|peer| {
        if let Some(request) = peer.request_head() {
            peer.remember(&request);
            peer.wait_for_end();
            peer.remember(&request);
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    upstream.wait_for(0);
    drop(client);
    upstream.wait_for(1);
    gateway.wait_for_reason("client_closed");
}

#[test]
fn serves_many_clients_at_once() {
    let upstream = Upstream::saying("ok");
    let gateway =
        Gateway::with_top("workers = 2", &super::support::gateway::route_to(&[upstream.address]));
    let mut clients: Vec<_> = (0..50).map(|_| gateway.connect()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    for client in &mut clients {
        assert_eq!(client.response().text(), "ok");
    }
    until("all requests are there", 5, || (upstream.received().len() == 50).then_some(()));
}
