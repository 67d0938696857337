//! The admin server over real sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::*;
use crate::control::report::tests::sample;
use crate::control::state::Phase;

/// An admin server on its own thread, over the sample state.
struct Served {
    address: Address,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn serve(address: &Address) -> Served {
    let state = sample();
    let bound = bind(address).expect("a free address");
    let address = bound.address().clone();
    let (reloads, _) = mpsc::channel(1);
    let admin = Admin::new(Arc::clone(&state), Some("/metrics".to_owned()), &address, reloads);
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = runtime.spawn(admin.serve(bound));
        runtime.block_on(stopped).expect("it is stopped before it is dropped");
        assert!(!server.is_finished());
    });
    Served { address, state, stop: Some(stop), thread: Some(thread) }
}

impl Drop for Served {
    fn drop(&mut self) {
        let stop = self.stop.take().expect("dropped once");
        let thread = self.thread.take().expect("dropped once");
        let stopped = stop.send(()).is_ok() && thread.join().is_ok();
        assert!(stopped || std::thread::panicking(), "the server's thread panicked");
    }
}

fn serve_tcp() -> Served {
    serve(&Address::Tcp("127.0.0.1:0".parse().expect("an address")))
}

impl Served {
    fn send(&self, bytes: &str) -> String {
        let mut response = String::new();
        let limit = Some(Duration::from_secs(10));
        match &self.address {
            Address::Tcp(address) => {
                let mut stream = TcpStream::connect(address).expect("it listens");
                stream.set_read_timeout(limit).expect("a socket");
                stream.write_all(bytes.as_bytes()).expect("it reads");
                stream.read_to_string(&mut response).expect("it answers and closes");
            }
            Address::Unix(path) => {
                let mut stream = UnixStream::connect(path).expect("it listens");
                stream.set_read_timeout(limit).expect("a socket");
                stream.write_all(bytes.as_bytes()).expect("it reads");
                stream.read_to_string(&mut response).expect("it answers and closes");
            }
        }
        response
    }

    fn get(&self, path: &str, fields: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n"
        ))
    }
}

fn status(response: &str) -> &str {
    response.split(' ').nth(1).expect("a status line")
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").expect("a head").1
}

fn has_field(response: &str, field: &str) -> bool {
    let head = response.split_once("\r\n\r\n").expect("a head").0;
    head.lines().any(|line| line.eq_ignore_ascii_case(field))
}

#[test]
fn is_healthy_before_it_is_ready() {
    let served = serve_tcp();
    assert_eq!(status(&served.get("/health", "")), "200");
    let starting = served.get("/ready", "");
    assert_eq!(status(&starting), "503");
    assert_eq!(body(&starting), "starting: 0 of 2 workers have installed the first snapshot\n");
    served.state.blocks[0].acknowledge(1);
    assert!(body(&served.get("/ready", "")).contains("1 of 2"));
    served.state.enter(Phase::Ready);
    assert_eq!(status(&served.get("/ready", "")), "200");
    served.state.enter(Phase::Draining);
    let draining = served.get("/ready", "");
    assert_eq!(status(&draining), "503");
    assert!(body(&draining).starts_with("draining"));
    assert_eq!(status(&served.get("/health", "")), "200");
}

#[test]
fn answers_head_without_a_body() {
    let served = serve_tcp();
    let response =
        served.send("HEAD /health HTTP/1.1\r\nHost: 127.0.0.1:9901\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&response), "200");
    assert!(has_field(&response, "content-length: 3"));
    assert_eq!(body(&response), "");
}

#[test]
fn serves_statistics_as_json() {
    let response = serve_tcp().get("/stats", "");
    assert!(has_field(&response, "content-type: application/json"));
    let document: serde_json::Value = serde_json::from_str(body(&response)).expect("JSON");
    assert_eq!(document["total"]["requests"], 6);
}

#[test]
fn serves_metrics_in_the_form_asked_for() {
    let served = serve_tcp();
    let text = served.get("/metrics?x=1", "Accept: */*\r\n");
    assert!(has_field(&text, "content-type: text/plain; version=0.0.4; charset=utf-8"));
    assert!(body(&text).contains("frys_http_requests_total{"));
    let openmetrics = served.get("/metrics", "Accept: application/openmetrics-text\r\n");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(has_field(&openmetrics, kind));
    assert!(body(&openmetrics).ends_with("# EOF\n"));
}

#[test]
fn lists_its_paths_where_there_is_nothing() {
    let response = serve_tcp().get("/nothing", "");
    assert_eq!(status(&response), "404");
    for path in ["/health", "/ready", "/stats", "/config", "/config/reload", "/metrics"] {
        assert!(body(&response).lines().any(|line| line == path), "{path}");
    }
}

#[test]
fn refuses_to_be_written_to() {
    let response = serve_tcp().send(
        "POST /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
            Connection: close\r\n\r\nhi",
    );
    assert_eq!(status(&response), "405");
    assert!(has_field(&response, "allow: GET, HEAD"));
}

#[test]
fn refuses_the_names_of_pages_on_loopback() {
    let served = serve_tcp();
    let of_host = |host: &str| {
        let request = format!("GET /health HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        status(&served.send(&request)).to_owned()
    };
    for host in ["localhost:9901", "LOCALHOST", "127.0.0.1:80", "[::1]:9901", "10.0.0.1"] {
        assert_eq!(of_host(&format!("Host: {host}\r\n")), "200", "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:9901", "127.0.0.1.evil.example", "[", ""] {
        assert_eq!(of_host(&format!("Host: {host}\r\n")), "403", "{host}");
    }
    assert_eq!(
        status(&served.send(
            "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\
            Connection: close\r\n\r\n"
        )),
        "403"
    );
    assert_eq!(status(&served.send("GET /health HTTP/1.0\r\n\r\n")), "200");
}

#[test]
fn answers_to_any_name_on_another_address() {
    let served = serve(&Address::Tcp("0.0.0.0:0".parse().expect("an address")));
    let request = "GET /health HTTP/1.1\r\nHost: gateway.internal\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&served.send(request)), "200");
}

#[test]
fn serves_more_clients_than_it_has_places_one_after_the_other() {
    let served = serve_tcp();
    for _ in 0..2 * ADMIN_CONNECTIONS_MAX {
        assert_eq!(status(&served.get("/health", "")), "200");
    }
}

#[test]
fn keeps_a_connection_for_several_requests() {
    let served = serve_tcp();
    let one = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let last = "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let responses = served.send(&format!("{one}{one}{last}"));
    assert_eq!(responses.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(responses.matches("HTTP/1.1 503").count(), 1);
}

#[test]
fn serves_on_a_unix_socket_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    let served = serve(&Address::Unix(path.clone()));
    let mode = path.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(status(&served.get("/health", "")), "200");
    let request = "GET /health HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&served.send(request)), "200");
    drop(served);
    assert!(!path.exists());
}

#[test]
fn replaces_a_socket_that_nobody_answers_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    drop(UnixListener::bind(&path).expect("a new socket"));
    assert!(path.exists());
    assert_eq!(status(&serve(&Address::Unix(path)).get("/health", "")), "200");
}

#[test]
fn leaves_a_socket_that_is_answered_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    let other = UnixListener::bind(&path).expect("a new socket");
    let error = bind(&Address::Unix(path.clone())).err().expect("it is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(path.exists());
    drop(other);
}

#[test]
fn leaves_a_file_that_is_no_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("precious");
    std::fs::write(&path, "text").expect("a file");
    let error = bind(&Address::Unix(path.clone())).err().expect("it is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).expect("untouched"), "text");
    assert!(bind(&Address::Unix(Path::new("/nowhere/admin.sock").into())).is_err());
}
