//! The worker on the real ring: an upstream and a client on threads of their own, which are not
//! stepped. The marks are made between two turns of the worker's loop.

use super::{mark, tell_thread, wait_for_start};

use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::config::{GatewayConfig, Route, Upstream};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::{Options, Runtime};
use frys_gateway::snapshot::{self, Resolved};

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

pub const REQUESTS_COUNT: u64 = 4;

const WARM_COUNT: u64 = 50;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: shared.test\r\nUser-Agent: shared\r\n\r\n";

/// Marks that are due; the worker makes one after its turn where it has made fewer.
static DUE: AtomicU64 = AtomicU64::new(0);
/// The worker's.
static THREAD: AtomicI32 = AtomicI32::new(0);

pub fn run() {
    let (address, _sender) = worker(upstream());
    let mut client = TcpStream::connect(address).expect("the worker listens");
    client.set_nodelay(true).expect("an open socket");
    client.set_read_timeout(Some(Duration::from_secs(30))).expect("an open socket");
    for _ in 0..WARM_COUNT {
        ask(&mut client);
    }
    tell_thread(THREAD.load(Ordering::SeqCst));
    wait_for_start();
    // Each mark falls behind the first turn of the request after it, so that between the two lie
    // the turns of as many requests as are asked here.
    DUE.store(1, Ordering::SeqCst);
    for _ in 0..REQUESTS_COUNT {
        ask(&mut client);
    }
    DUE.store(2, Ordering::SeqCst);
    ask(&mut client);
}

fn ask(client: &mut TcpStream) {
    client.write_all(REQUEST).expect("the worker reads");
    let (mut received, mut piece) = (Vec::new(), [0; 4096]);
    while !received.ends_with(b"\r\n\r\nhello") {
        let bytes = client.read(&mut piece).expect("the worker answers");
        assert!(bytes > 0, "the worker closed the connection");
        received.extend_from_slice(&piece[..bytes]);
    }
    assert!(received.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

/// An upstream for one connection: each head is answered with the same bytes.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the worker connects");
        stream.set_nodelay(true).expect("an open socket");
        let (mut received, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(bytes) = stream.read(&mut piece)
            && bytes > 0
        {
            received.extend_from_slice(&piece[..bytes]);
            if received.ends_with(b"\r\n\r\n") {
                received.clear();
                stream.write_all(ANSWER).expect("the worker reads");
            }
        }
    });
    address
}

fn worker(upstream: SocketAddr) -> (SocketAddr, mailbox::Sender) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let url = format!("http://{upstream}").parse().expect("a url");
    let config = GatewayConfig {
        listen_addr: address.into(),
        routes: vec![Route {
            id: "all".into(),
            path: "/*".into(),
            upstreams: vec![Upstream { url, weight: 1 }],
            ..Route::default()
        }],
        ..GatewayConfig::default()
    };
    let snapshot = snapshot::compile(&config, &Resolved::default(), 1).expect("it is valid");
    let (mut sender, receiver) = mailbox::pair().expect("two descriptors");
    assert!(sender.send(Message::Install(Arc::new(snapshot))).is_ok());
    std::thread::spawn(move || {
        THREAD.store(nix::unistd::gettid().as_raw(), Ordering::SeqCst);
        let runtime = Runtime::new(&Options::default()).expect("io_uring is allowed");
        let made_count = std::cell::Cell::new(0);
        runtime.after_turn(move |_| {
            if made_count.get() < DUE.load(Ordering::SeqCst) {
                made_count.set(made_count.get() + 1);
                mark();
            }
        });
        let block = WorkerBlock::new(0);
        let parts =
            Parts { runtime: runtime.clone(), number: 0, count: 1, block, log: None, seed: 1 };
        let listener = runtime.listen(listener).expect("a bound listener");
        runtime.block_on(Worker::new(parts).run(vec![listener], receiver));
    });
    (address, sender)
}
