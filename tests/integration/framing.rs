//! Requests and responses whose end could be read two ways are refused, and nothing is forwarded.

use crate::support::{Gateway, Upstream};

/// Sends bytes; the gateway must refuse them itself, close, and have sent the upstream nothing.
fn refuses(bytes: &str, status: u16, reason: &str) {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send(bytes);
    let response = client.response();
    response.assert_own(status, reason);
    assert!(client.is_closed(), "the connection stays open");
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    gateway.wait_for_reason(reason);
}

#[test]
fn refuses_both_lengths() {
    refuses(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\n",
        400,
        "framing_invalid",
    );
}

#[test]
fn refuses_two_lengths_that_differ() {
    refuses(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        400,
        "framing_invalid",
    );
}

#[test]
fn refuses_a_length_that_is_no_number() {
    refuses(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        400,
        "framing_invalid",
    );
}

#[test]
fn refuses_a_coding_it_does_not_know() {
    refuses(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
        "coding_unsupported",
    );
}

#[test]
fn refuses_a_bare_line_feed() {
    refuses("GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "request_malformed");
}

#[test]
fn refuses_a_folded_field() {
    refuses("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400, "request_malformed");
}

#[test]
fn refuses_a_space_before_the_colon() {
    refuses("GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400, "request_malformed");
}

#[test]
fn refuses_a_nul() {
    refuses("GET / HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n", 400, "request_malformed");
}

#[test]
fn refuses_a_request_without_a_host() {
    refuses("GET / HTTP/1.1\r\nX: 1\r\n\r\n", 400, "host_invalid");
}

#[test]
fn refuses_two_hosts() {
    refuses("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "host_invalid");
}

#[test]
fn refuses_another_version() {
    refuses("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "version_unsupported");
}

#[test]
fn refuses_connect() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.ask("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    assert!([405, 501].contains(&response.status), "{response:?}");
    assert!(upstream.received().is_empty());
}

#[test]
fn refuses_a_chunk_that_is_none() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    client.response().assert_own(400, "chunk_invalid");
    assert!(client.is_closed());
    assert!(upstream.received().is_empty(), "no whole request reached the upstream");
}

#[test]
fn a_refusal_ends_the_pipeline() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost : a\r\n\r\n\
         GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response().text(), "ok");
    client.response().assert_own(400, "request_malformed");
    assert!(client.is_closed());
    assert_eq!(upstream.received().len(), 1);
}

/// An upstream's answer that the gateway must turn into this one of its own.
fn refuses_answer(answer: &str, status: u16, reason: &str) {
    let upstream = Upstream::answering(answer);
    let gateway = Gateway::to(&[upstream.address]);
    gateway.get("/").assert_own(status, reason);
    gateway.wait_for_reason(reason);
}

#[test]
fn refuses_an_answer_that_is_not_http() {
    refuses_answer("SSH-2.0-OpenSSH_9.2\r\n\r\n", 502, "upstream_malformed");
}

#[test]
fn refuses_an_answer_with_both_lengths() {
    refuses_answer(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        502,
        "upstream_framing_invalid",
    );
}

#[test]
fn refuses_an_answer_with_two_lengths() {
    refuses_answer(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        502,
        "upstream_framing_invalid",
    );
}

#[test]
fn refuses_an_answer_with_an_endless_head() {
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 0123456789\r\n".repeat(20_000));
    refuses_answer(&head, 502, "upstream_head_too_large");
}

#[test]
fn never_gives_a_client_what_followed_anothers_answer() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
         HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    );
    let gateway = Gateway::to(&[upstream.address]);
    for _ in 0..5 {
        assert_eq!(gateway.get("/").text(), "ok");
    }
}
