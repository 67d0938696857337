//! `api_key` through the real binary.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::gateway::FRYS;
use crate::support::{Gateway, Upstream, run, until};

const KEY: &str = "0123456789abcdef-first";
const OTHER: &str = "0123456789abcdef-other";

/// Runs `frys hash` on a line.
pub fn hash(arguments: &[&str], line: &str) -> (Option<i32>, String) {
    let mut child = Command::new(FRYS)
        .arg("hash")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("frys starts");
    let mut input = child.stdin.take().expect("a pipe");
    writeln!(input, "{line}").expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(text).expect("text").trim_end().to_owned())
}

fn ask(gateway: &Gateway, target: &str, lines: &str) -> (u16, Option<String>) {
    let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let answer = gateway.ask(head);
    (answer.status, answer.field("www-authenticate").map(str::to_owned))
}

#[test]
fn lets_known_keys_pass_and_says_what_it_wants() {
    let upstream = Upstream::saying("hello");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         api_key = {{ keys = [{{ name = \"a\", key = \"{KEY}\" }}], realm = \"the api\" }}\n",
        upstream.address
    ));
    let challenge = Some("ApiKey realm=\"the api\"".to_owned());
    assert_eq!(ask(&gateway, "/", &format!("X-Api-Key: {KEY}\r\n")), (200, None));
    assert_eq!(ask(&gateway, "/", ""), (401, challenge.clone()));
    for wrong in [
        "X-Api-Key: 0123456789abcdef-firsT\r\n".to_owned(),
        "X-Api-Key:\r\n".to_owned(),
        format!("X-Api-Key: {KEY}\r\nX-Api-Key: {KEY}\r\n"),
        format!("X-Api-Key: {}\r\n", "a".repeat(5_000)),
    ] {
        assert_eq!(ask(&gateway, "/", &wrong), (401, challenge.clone()), "{wrong}");
    }
    // Neither the query nor a field that only looks like it is asked.
    assert_eq!(ask(&gateway, &format!("/?api_key={KEY}"), "").0, 401);
    assert_eq!(ask(&gateway, "/", &format!("X_Api_Key: {KEY}\r\n")).0, 401);
    gateway.wait_for_reason("credentials_missing");
    gateway.wait_for_reason("credentials_invalid");
    let log_free = gateway.stderr();
    assert!(!log_free.contains("abcdef-first"), "{log_free}");
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(upstream.received()[0].field("x-api-key"), Some(KEY));
}

#[test]
fn finds_keys_wherever_it_is_told_to_and_keeps_them_from_the_upstream() {
    let upstream = Upstream::saying("hello");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         api_key = {{ keys = [{{ name = \"a\", key = \"{KEY}\" }}], forward_credentials = false, \
         from = [\"header:X-Key\", \"bearer\", \"cookie:key\"] }}\n\
         [[routes]]\npath = \"/query\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         api_key = {{ keys = [{{ name = \"a\", key = \"{KEY}\" }}], from = \"query:key\", \
         optional = true }}\n",
        upstream.address, upstream.address
    ));
    for lines in [
        format!("X-Key: {KEY}\r\n"),
        format!("Authorization: Bearer {KEY}\r\n"),
        format!("Cookie: a=b; key={KEY}; c=d\r\n"),
        format!("X-Key: {KEY}\r\nX_Key: {KEY}\r\nAuthorization: Basic YTpi\r\n"),
    ] {
        assert_eq!(ask(&gateway, "/", &lines), (200, None), "{lines}");
    }
    let received = upstream.received();
    for request in &received {
        assert!(!String::from_utf8_lossy(&request.head).contains(KEY), "{:?}", request.fields);
    }
    assert_eq!(received[2].field("cookie"), Some("a=b; c=d"));
    assert_eq!(received[3].field("authorization"), Some("Basic YTpi"));
    // Two keys in two places are two keys.
    let both = format!("X-Key: {KEY}\r\nCookie: key={KEY}\r\n");
    let challenge = Some("Bearer realm=\"restricted\"".to_owned());
    assert_eq!(ask(&gateway, "/", &both), (401, challenge));
    assert_eq!(ask(&gateway, &format!("/query?key={KEY}"), ""), (200, None));
    assert_eq!(ask(&gateway, "/query?key=wrong", "").0, 401);
    assert_eq!(ask(&gateway, "/query", ""), (200, None));
}

#[test]
fn a_file_of_keys_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    let line = |name: &str, key: &str| hash(&["key", "--name", name, "--roles", "r"], key).1;
    fs::write(&file, line("a", KEY)).expect("a file");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nrespond = {{ body = \"in\" }}\n\
         api_key = {{ keys_file = \"{}\" }}\n",
        file.display()
    ));
    let status = |key: &str| ask(&gateway, "/", &format!("X-Api-Key: {key}\r\n")).0;
    assert_eq!((status(KEY), status(OTHER)), (200, 401));
    fs::write(&file, format!("# rotated\n{}\n", line("b", OTHER))).expect("a file");
    until("the new key passes", 20, || (status(OTHER) == 200).then_some(()));
    assert_eq!(status(KEY), 401);
    // One that is wrong changes nothing, and is told without its text.
    fs::write(&file, format!("{}\nthis is no key\n", line("a", KEY))).expect("a file");
    until("the fault is told", 20, || gateway.stderr().contains("keys_file: line 2").then_some(()));
    assert!(!gateway.stderr().contains("this is no key"));
    assert_eq!((status(KEY), status(OTHER)), (401, 200));
}

#[test]
fn prints_hashes_of_keys() {
    let (code, printed) = hash(&["key"], "0123456789abcdef");
    let want = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    assert_eq!((code, printed.as_str()), (Some(0), want));
    let named = hash(&["key", "--name", "a"], "0123456789abcdef").1;
    assert_eq!(named, format!("a:{want}"));
    for arguments in [&["key", "--name", "a:b"][..], &["nothing"], &["key", "--roles", "x"]] {
        assert_ne!(hash(arguments, "0123456789abcdef").0, Some(0), "{arguments:?}");
    }
    assert!(hash(&["key"], "short").1.contains("from 16 to 1024 bytes"));
    let (_, help, _) = run(Command::new(FRYS).args(["hash", "--help"]));
    assert!(help.contains("--name"), "{help}");
}
