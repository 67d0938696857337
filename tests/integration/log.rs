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
