//! The access log: JSON lines and formats, files that are reopened.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, until};

fn logging(upstream: &Upstream, format: &str) -> Gateway {
    Gateway::start(&format!(
        "[access_log]\noutput = \"@FOLDER@/access.log\"\nformat = '{format}'\n\n{}",
        route_to(&[upstream.address])
    ))
}

fn lines(path: &Path, count: usize) -> Vec<String> {
    until("the log has its lines", 10, || {
        let text = fs::read_to_string(path).ok()?;
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        (lines.len() >= count && text.ends_with('\n')).then_some(lines)
    })
}

#[test]
fn writes_a_line_of_json_for_each_exchange() {
    let upstream = Upstream::saying("ok");
    let gateway = logging(&upstream, "json");
    gateway.ask("GET /a?b=\"c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: \"me\"\r\n\r\n");
    gateway.ask("POST /p HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\n\r\nhi");
    let found: Vec<Value> = lines(&gateway.file("access.log"), 2)
        .iter()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(found[0]["request_method"], "GET");
    assert_eq!(found[0]["request_uri"], "/a?b=\"c");
    assert_eq!(found[0]["http_user_agent"], "\"me\"");
    assert_eq!(found[0]["status"], 200);
    assert_eq!(found[0]["reason"], "ok");
    assert_eq!(found[0]["route"], "all");
    assert_eq!(found[1]["request_method"], "POST");
    assert_eq!(found[1]["upstream_addr"], upstream.address.to_string());
}

#[test]
fn says_why_a_request_failed() {
    let (_port, refusing) = crate::support::gateway::reserve();
    let gateway = Gateway::start(&format!(
        "[access_log]\noutput = \"@FOLDER@/access.log\"\nformat = \"json\"\n\n{}",
        route_to(&[refusing])
    ));
    assert_eq!(gateway.get("/").status, 502);
    let line = lines(&gateway.file("access.log"), 1).remove(0);
    let found: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(found["reason"], "connect_refused");
    assert_eq!(found["status"], 502);
}

#[test]
fn logs_what_it_refused() {
    let upstream = Upstream::saying("ok");
    let gateway = logging(&upstream, "json");
    assert_eq!(gateway.ask("GET / HTTP/1.1\r\nHost : a\r\n\r\n").status, 400);
    let line = lines(&gateway.file("access.log"), 1).remove(0);
    let found: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(found["reason"], "request_malformed");
}

const SENT: &str = "$status $bytes_sent $body_bytes_sent $request_length";

/// The numbers of the log's only line, after the status.
fn sizes(gateway: &Gateway, status: &str) -> [u64; 3] {
    let line = lines(&gateway.file("access.log"), 1).remove(0);
    let numbers = line.strip_prefix(status).expect("the status is first").split_whitespace();
    let numbers: Vec<u64> = numbers.map(|word| word.parse().expect("a number")).collect();
    numbers.try_into().expect("three numbers")
}

#[test]
fn counts_heads_and_bodies_on_both_sides() {
    const REQUEST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let upstream = Upstream::start(|peer| {
        peer.request();
        peer.wire
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
        peer.wait_for_end();
    });
    let gateway = logging(&upstream, SENT);
    let mut client = gateway.connect();
    client.send(REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    let received_bytes = client.rest().len() as u64;
    let sent_bytes = (REQUEST.len() + "Connection: close\r\n".len()) as u64;
    assert_eq!(sizes(&gateway, "200"), [received_bytes, 4, sent_bytes]);
    assert_eq!(gateway.metric("frys_http_sent_bytes_total", &["all"]), received_bytes as f64);
    assert_eq!(gateway.metric("frys_http_received_bytes_total", &["all"]), sent_bytes as f64);
}

#[test]
fn counts_what_the_kernel_moved_by_itself() {
    const BODY_BYTES: usize = 8 << 20;
    let upstream = Upstream::answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n{}",
        "b".repeat(BODY_BYTES)
    ));
    let gateway = logging(&upstream, SENT);
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let received_bytes = client.rest().len() as u64;
    let [sent_bytes, body_bytes, _] = sizes(&gateway, "200");
    assert_eq!([sent_bytes, body_bytes], [received_bytes, BODY_BYTES as u64]);
}

#[test]
fn counts_the_gateways_own_answers() {
    let (_port, refusing) = crate::support::gateway::reserve();
    let gateway = Gateway::start(&format!(
        "[access_log]\noutput = \"@FOLDER@/access.log\"\nformat = '{SENT}'\n\n{}",
        route_to(&[refusing])
    ));
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = client.rest();
    let head_bytes = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let body_bytes = (answer.len() - head_bytes) as u64;
    let [sent_bytes, body_sent_bytes, _] = sizes(&gateway, "502");
    assert_eq!([sent_bytes, body_sent_bytes], [answer.len() as u64, body_bytes]);
}

#[test]
fn tells_the_first_line_of_what_it_refused() {
    let upstream = Upstream::saying("ok");
    let gateway = logging(&upstream, "json");
    let mut pieces = gateway.connect();
    pieces.send("GET /in-pieces HTTP/1.1\r\nHo");
    pieces.send("st : a\r\n\r\n");
    assert_eq!(pieces.response().status, 400);
    gateway.ask("GET /at-once HTTP/1.1\r\nHost : a\r\n\r\n");
    gateway.ask(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "long".repeat(4096)));
    let found: Vec<Value> = lines(&gateway.file("access.log"), 3)
        .iter()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(found[0]["request_uri"], "GET /in-pieces HTTP/1.1");
    assert_eq!(found[1]["request_uri"], "GET /at-once HTTP/1.1");
    let long = found[2]["request_uri"].as_str().expect("a text");
    assert!(long.starts_with("GET /longlong"), "{long}");
    assert!(long.len() <= 256, "{long}");
}

#[test]
fn tells_the_first_line_of_a_head_that_was_too_slow() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&format!(
        "[timeouts]\nclient_header = \"100ms\"\n\n[access_log]\n\
         output = \"@FOLDER@/access.log\"\nformat = '\"$request\" $status'\n\n{}",
        route_to(&[upstream.address])
    ));
    let mut client = gateway.connect();
    client.send("GET /slow HTTP/1.1\r\nHo");
    assert_eq!(client.response().status, 408);
    assert_eq!(lines(&gateway.file("access.log"), 1), ["\"GET /slow HTTP/1.1\" 408"]);
}

#[test]
fn writes_in_a_format_of_variables() {
    let upstream = Upstream::saying("ok");
    let gateway = logging(&upstream, "$remote_addr \"$request\" $status $reason");
    gateway.get("/x");
    let line = lines(&gateway.file("access.log"), 1).remove(0);
    assert_eq!(line, "127.0.0.1 \"GET /x HTTP/1.1\" 200 ok");
}

#[test]
fn opens_its_file_again_on_sigusr1() {
    let upstream = Upstream::saying("ok");
    let gateway = logging(&upstream, "$request_uri");
    let (log, old) = (gateway.file("access.log"), gateway.file("access.log.1"));
    gateway.get("/before");
    lines(&log, 1);
    fs::rename(&log, &old).expect("the log can be moved");
    gateway.signal("USR1");
    until("the log is there again", 10, || log.exists().then_some(()));
    gateway.get("/after");
    assert_eq!(lines(&log, 1), ["/after"]);
    assert_eq!(lines(&old, 1), ["/before"]);
}
