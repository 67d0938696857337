//! Each limit from both sides: what just fits is served, one more is refused.

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, until};

fn limited(upstream: &Upstream, limits: &str) -> Gateway {
    Gateway::start(&format!("{limits}\n\n{}", route_to(&[upstream.address])))
}

#[test]
fn bounds_the_request_line() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nrequest_line = \"1KiB\"");
    assert_eq!(gateway.get(&format!("/{}", "a".repeat(900))).text(), "ok");
    gateway.get(&format!("/{}", "a".repeat(1100))).assert_own(414, "request_line_too_long");
    gateway.wait_for_reason("request_line_too_long");
}

#[test]
fn bounds_a_request_line_that_never_ends() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nrequest_line = \"1KiB\"");
    let response = gateway.ask(format!("GET /{}", "a".repeat(2000)));
    response.assert_own(414, "request_line_too_long");
}

#[test]
fn bounds_the_number_of_fields() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nfields = 10");
    let ask = |fields: usize| {
        let more = "X: 1\r\n".repeat(fields - 1);
        gateway.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n"))
    };
    assert_eq!(ask(10).text(), "ok");
    ask(11).assert_own(431, "fields_too_large");
}

#[test]
fn bounds_the_bytes_of_fields() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nfields_size = \"1KiB\"");
    let ask = |bytes: usize| {
        let value = "v".repeat(bytes);
        gateway.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n"))
    };
    assert_eq!(ask(900).text(), "ok");
    ask(1100).assert_own(431, "fields_too_large");
}

#[test]
fn bounds_a_body_with_a_length_before_it_comes() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nbody = \"1KiB\"");
    let post = |bytes: usize| {
        let body = "b".repeat(bytes);
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n{body}")
    };
    assert_eq!(gateway.ask(post(1024)).text(), "ok");
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n";
    gateway.ask(head).assert_own(413, "body_too_large");
    assert_eq!(upstream.received().len(), 1);
}

#[test]
fn bounds_a_chunked_body_as_it_comes() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[limits]\nbody = \"1KiB\"");
    let post = |chunks: usize| {
        let body = format!("100\r\n{}\r\n", "b".repeat(256)).repeat(chunks);
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
    };
    assert_eq!(gateway.ask(post(4)).text(), "ok");
    gateway.ask(post(5)).assert_own(413, "body_too_large");
    gateway.wait_for_reason("body_too_large");
}

#[test]
fn a_route_has_its_own_body_limit() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/small\"\nmax_body = \"4B\"\n\
         upstreams = [{{ url = \"http://{0}\" }}]\n\n[[routes]]\npath = \"/large\"\n\
         upstreams = [{{ url = \"http://{0}\" }}]\n",
        upstream.address
    ));
    let post = |path: &str| {
        gateway.ask(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"))
    };
    post("/small").assert_own(413, "body_too_large");
    assert_eq!(post("/large").text(), "ok");
}

#[test]
fn bounds_chunk_extensions() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let post = |bytes: usize| {
        let extension = "e".repeat(bytes);
        gateway.ask(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             2;{extension}\r\nhi\r\n0\r\n\r\n"
        ))
    };
    assert_eq!(post(100).text(), "ok");
    post(10_000).assert_own(400, "chunk_invalid");
}

#[test]
fn bounds_connections() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[connection_limits]\nmax_connections = 3");
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut held: Vec<_> = (0..3).map(|_| gateway.connect()).collect();
    for client in &mut held {
        assert_eq!(client.ask(request).text(), "ok");
    }
    let mut fourth = gateway.connect();
    // A refused client may be answered or closed; it is not served.
    let served = fourth.try_send(request.as_bytes()).map(|()| fourth.rest()).unwrap_or_default();
    assert!(!served.starts_with(b"HTTP/1.1 200"), "a fourth connection was served");
    gateway.wait_for_reason("connections_full");
    drop(held);
    until("a place is free again", 10, || {
        let mut client = gateway.connect();
        client.try_send(request.as_bytes()).ok()?;
        let head = client.head()?;
        head.line.starts_with("HTTP/1.1 200").then_some(())
    });
}

#[test]
fn bounds_requests_of_one_connection() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[connection_limits]\nrequests_per_connection = 3");
    let mut client = gateway.connect();
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(!client.ask(request).closes());
    assert!(!client.ask(request).closes());
    assert!(client.ask(request).closes());
    assert!(client.is_closed());
}

#[test]
fn a_long_pipeline_is_answered_or_refused_never_lost() {
    let upstream = Upstream::saying("ok");
    let gateway = limited(&upstream, "[connection_limits]\nrequests_per_connection = 100000");
    let mut client = gateway.connect();
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(request.repeat(2_000));
    for _ in 0..2_000 {
        assert_eq!(client.response().text(), "ok");
    }
}
