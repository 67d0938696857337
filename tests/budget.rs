//! What one small proxied request costs once everything is warm, counted on the real ring: heap
//! allocations, entries submitted, enters, and bytes copied. Counts, not times, so they gate.

use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::config::{GatewayConfig, Route, Upstream};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::{Options, Runtime};
use frys_gateway::snapshot::{self, Resolved};

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts the allocations of each thread by itself.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches no memory of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    // SAFETY: the caller's promise is the one that the system's allocator asks for.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the worker's thread has counted, as of its last turn.
#[derive(Default)]
struct Counted {
    allocations: AtomicU64,
    entries: AtomicU64,
    enters: AtomicU64,
    copied_bytes: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    allocations: u64,
    entries: u64,
    enters: u64,
    copied_bytes: u64,
}

impl Counted {
    fn sample(&self) -> Sample {
        Sample {
            allocations: self.allocations.load(Ordering::SeqCst),
            entries: self.entries.load(Ordering::SeqCst),
            enters: self.enters.load(Ordering::SeqCst),
            copied_bytes: self.copied_bytes.load(Ordering::SeqCst),
        }
    }
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: budget.test\r\nUser-Agent: budget\r\n\r\n";
const WARM_COUNT: u64 = 300;
const REQUESTS_COUNT: u64 = 1_000;

/// An upstream that answers each head with the same bytes.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            stream.set_nodelay(true).expect("an open socket");
            let mut received = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let bytes = stream.read(&mut piece).unwrap_or(0);
                if bytes == 0 {
                    break;
                }
                received.extend_from_slice(&piece[..bytes]);
                if received.ends_with(b"\r\n\r\n") {
                    received.clear();
                    stream.write_all(ANSWER).expect("the gateway reads");
                }
            }
        }
    });
    address
}

/// A worker on a thread of its own, with its metrics on; where it listens and what it counts.
fn worker(upstream: SocketAddr) -> (SocketAddr, Arc<Counted>, mailbox::Sender) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let config = GatewayConfig {
        listen_addr: address.into(),
        routes: vec![Route {
            id: "all".into(),
            path: "/*".into(),
            upstreams: vec![Upstream {
                url: format!("http://{upstream}").parse().expect("a url"),
                weight: 1,
            }],
            ..Route::default()
        }],
        ..GatewayConfig::default()
    };
    let snapshot = snapshot::compile(&config, &Resolved::default(), 1).expect("it is valid");
    let counted = Arc::new(Counted::default());
    let (mut sender, receiver) = mailbox::pair().expect("two descriptors");
    assert!(sender.send(Message::Install(Arc::new(snapshot))).is_ok());
    let shown = counted.clone();
    std::thread::spawn(move || {
        let runtime = Runtime::new(&Options::default()).expect("io_uring is allowed");
        runtime.after_turn(move |runtime| {
            let counters = runtime.counters();
            shown.allocations.store(ALLOCATIONS.with(Cell::get), Ordering::SeqCst);
            shown.entries.store(counters.entries, Ordering::SeqCst);
            shown.enters.store(counters.enters, Ordering::SeqCst);
            shown.copied_bytes.store(counters.copied_bytes, Ordering::SeqCst);
        });
        let block = WorkerBlock::new(0);
        let parts =
            Parts { runtime: runtime.clone(), number: 0, count: 1, block, log: None, seed: 1 };
        let listener = runtime.listen(listener).expect("a bound listener");
        runtime.block_on(Worker::new(parts).run(vec![listener], receiver));
    });
    (address, counted, sender)
}

fn ask(client: &mut TcpStream, expected_bytes: usize) -> usize {
    client.write_all(REQUEST).expect("the gateway reads");
    let mut piece = [0; 4096];
    let mut received_bytes = 0;
    while received_bytes < expected_bytes.max(1) {
        let bytes = client.read(&mut piece).expect("the gateway answers");
        assert!(bytes > 0, "the gateway closed the connection");
        received_bytes += bytes;
    }
    received_bytes
}

#[test]
fn a_warm_small_request_allocates_nothing_and_submits_two_sends() {
    let (address, counted, _sender) = worker(upstream());
    let mut client = TcpStream::connect(address).expect("the gateway listens");
    client.set_nodelay(true).expect("an open socket");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("an open socket");
    let answer_bytes = ask(&mut client, 0);
    for _ in 0..WARM_COUNT {
        ask(&mut client, answer_bytes);
    }
    let before = counted.sample();
    for _ in 0..REQUESTS_COUNT {
        ask(&mut client, answer_bytes);
    }
    let after = counted.sample();
    println!("before {before:?}\nafter  {after:?} ({REQUESTS_COUNT} requests)");
    assert_eq!(after.allocations - before.allocations, 0, "allocations");
    // Two sends a request. What is in flight at the two looks may shift a handful in all.
    let entries = after.entries - before.entries;
    assert!(entries.abs_diff(2 * REQUESTS_COUNT) <= 10, "{entries} entries");
    // Alone on its worker a request is two wake-ups; each send that completes within the enter
    // that submitted it ends that enter once more.
    let enters = after.enters - before.enters;
    assert!(enters <= 4 * REQUESTS_COUNT + 20, "{enters} enters");
    let copied_bytes = after.copied_bytes - before.copied_bytes;
    assert_eq!(copied_bytes, 0, "bytes copied by the engine");
}
