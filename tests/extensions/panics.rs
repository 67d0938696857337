//! A filter that panics: the gateway ends in order, and says why.

use super::support::*;
use frys_gateway::*;
use serde_json::json;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Barrier, Mutex};
use std::time::Instant;

/// Opened by the test when it has seen enough.
static GATE: Barrier = Barrier::new(2);

/// What the gateway says in its log.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// A client of each of the two workers.
fn client_of_each(address: SocketAddr, told: &Receiver<String>) -> [Client; 2] {
    let mut clients = [None, None];
    // The kernel spreads them: that all come to one worker does not happen.
    for _ in 0..1_000 {
        if clients.iter().all(Option::is_some) {
            break;
        }
        let mut client = Client::new(address);
        assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: test\r\n\r\n").status, 200);
        let worker: usize = heard(told).parse().expect("a number");
        clients[worker] = Some(client);
    }
    clients.map(|client| client.expect("there is one"))
}

#[test]
fn the_others_finish_their_requests_and_the_end_says_who_panicked() {
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Logged).finish();
    tracing::subscriber::set_global_default(subscriber).expect("nobody else has set one");
    let (script, told) = Script::new(|told, request, context| {
        told.tell(context.worker().to_string());
        match request.path() {
            b"/panic" => panic!("meant"),
            b"/wait" => Flow::Ask(Question::task(|| {
                GATE.wait();
            })),
            _ => Flow::Continue,
        }
    });
    let mut config = config(vec![Route {
        path: "/*".into(),
        respond: Some(StaticResponse::default()),
        middlewares: vec![custom("see", json!({}))],
        ..Route::default()
    }]);
    config.workers = Workers::Count(2);
    config.admin.enabled = true;
    config.admin.address = "127.0.0.1:0".parse().expect("an address");
    let extensions = Extensions::new().filter("see", script);
    let gateway = Gateway::checked_with(config, extensions).expect("it is right");
    let mut running = gateway.launch().expect("it starts");
    running.wait_ready().expect("it serves");
    let (Some(ListenAddress::Tcp(admin)), ListenAddress::Tcp(address)) =
        (running.admin_address(), running.addresses()[0].clone())
    else {
        panic!("TCP listeners")
    };

    let [mut waiting, mut failing] = client_of_each(address, &told);
    waiting.send("GET /wait HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(heard(&told), "0");
    failing.send("GET /panic HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(failing.is_closed());
    until("/ready says so", || {
        let ready = Client::new(admin).ask("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (ready.status, ready.body.starts_with("draining")) == (503, true)
    });
    until("nobody listens", || TcpStream::connect(address).is_err());
    let handle = running.handle();
    assert_eq!(handle.stats().phase, Phase::Draining);
    GATE.wait();
    assert_eq!(waiting.answer().status, 200);
    match running.wait() {
        Err(StartError::WorkerPanicked { worker: 1, message }) => assert_eq!(message, "meant"),
        other => panic!("{other:?}"),
    }
    let logged = String::from_utf8(LOGGED.lock().expect("no panic").clone()).expect("text");
    let says_so = |line: &str| line.contains("ended unasked") && line.contains("worker=1");
    assert!(logged.lines().any(says_so), "{logged}");
}
