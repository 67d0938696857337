//! The server over the simulated network, in virtual time: what is sent, when, and in which order.

use super::*;
use crate::runtime::simulated::{Faults, Settings};
use crate::runtime::{self, Address, Errno, Instant, Segment, Socket};
use std::cell::Cell;
use std::future::Future;

const SEEDS: std::ops::Range<u64> = 0..40;

const MS: u64 = 1_000_000;

fn address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 80))
}

/// Runs `test` beside a server with these options; checks invariants after each turn and that
/// nothing is left at the end.
fn run<F: Future<Output = ()>>(
    seed: u64,
    faults: Faults,
    options: Options,
    test: impl FnOnce(Runtime) -> F,
) {
    let sizes = runtime::Options {
        sockets_count_max: 64,
        buffers_count: 16,
        buffer_bytes: 1024,
        ..runtime::Options::default()
    };
    let runtime = Runtime::simulated(&sizes, Settings { seed, faults });
    runtime.after_turn(move |runtime| {
        runtime.check().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    });
    let listener = runtime.listen_simulated(address()).unwrap();
    let serving = runtime.clone();
    runtime.spawn(async move { serve(&serving, listener, &options).await });
    let timer = runtime.timer();
    timer.set(runtime.now().plus_ms(3_600_000));
    let ended = runtime.block_on(timer.limit(test(runtime.clone())));
    assert!(ended.is_ok(), "seed {seed} hangs: {runtime:?}");
    drop(timer);
    runtime.shutdown();
    let counters = runtime.counters();
    assert_eq!(counters.operations_in_flight, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.buffers_out, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.blocks_out, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.tasks, 0, "seed {seed}: {counters:?}");
    assert_eq!(runtime.simulated_ends_count(), 0, "seed {seed}: an end leaked");
}

fn calmly<F: Future<Output = ()>>(options: Options, test: impl FnOnce(Runtime) -> F) {
    run(0, Faults::none(), options, test);
}

/// The client's side of one connection.
struct Peer {
    runtime: Runtime,
    socket: Rc<Socket>,
    received: Vec<u8>,
}

struct Answered {
    head: String,
    body: Vec<u8>,
}

impl Peer {
    async fn connect(runtime: &Runtime) -> Peer {
        let socket = runtime.connect(&Address::Tcp(address())).await.unwrap();
        Peer { runtime: runtime.clone(), socket: socket.into(), received: Vec::new() }
    }

    fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut block = self.runtime.blocks().take();
        block.extend_from_slice(bytes.as_ref());
        self.socket.push(Segment::Block(block));
    }

    fn get(&self, target: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    async fn ask(&mut self, target: &str) -> Answered {
        self.get(target);
        self.answer().await
    }

    /// Receives more; false at the end.
    async fn more(&mut self) -> Result<bool, Errno> {
        let lease = self.socket.receive().await?;
        self.received.extend_from_slice(lease.as_deref().unwrap_or_default());
        Ok(lease.is_some())
    }

    async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                return String::from_utf8(self.received.drain(..at + 4).collect()).unwrap();
            }
            assert!(self.more().await.unwrap(), "{:?}", self.received);
        }
    }

    async fn take(&mut self, bytes: usize) -> Vec<u8> {
        while self.received.len() < bytes {
            assert!(self.more().await.unwrap(), "only {} of {bytes}", self.received.len());
        }
        self.received.drain(..bytes).collect()
    }

    /// An answer with a length, or in chunks.
    async fn answer(&mut self) -> Answered {
        let head = self.head().await;
        let mut body = Vec::new();
        if let Some(length) = field(&head, "Content-Length") {
            body = self.take(length.parse().unwrap()).await;
        } else if field(&head, "Transfer-Encoding") == Some("chunked") {
            loop {
                let line = self.line().await;
                let bytes = usize::from_str_radix(&line, 16).unwrap();
                body.extend(self.take(bytes).await);
                assert_eq!(self.line().await, "");
                if bytes == 0 {
                    break;
                }
            }
        }
        Answered { head, body }
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.take(1).await);
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    async fn rest(&mut self) -> Result<Vec<u8>, Errno> {
        while self.more().await? {}
        Ok(std::mem::take(&mut self.received))
    }
}

impl Answered {
    fn status(&self) -> &str {
        &self.head[9..12]
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Milliseconds since `begun`, rounded down.
fn elapsed_ms(runtime: &Runtime, begun: Instant) -> u64 {
    runtime.now().nanos_since(begun) / MS
}

#[test]
fn a_small_answer_has_the_bytes_that_measurements_know() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        let head = "HTTP/1.1 200 OK\r\nServer: lab\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
                    Content-Type: text/plain\r\nContent-Length: 150\r\n\r\n";
        for target in ["/small", "/small", "/"] {
            let answer = peer.ask(target).await;
            assert_eq!(answer.head, head);
            assert_eq!(answer.body, [b'x'; 150]);
        }
    });
}

#[test]
fn pipelined_requests_are_answered_in_order_however_they_are_cut() {
    for seed in SEEDS {
        run(seed, Faults::gentle(), Options::default(), |runtime| async move {
            let mut peer = Peer::connect(&runtime).await;
            let targets: Vec<String> = (0..60)
                .map(|number| match (number * 7 + seed) % 9 {
                    0..=4 => "/small".to_owned(),
                    5 => format!("/bytes/{number}"),
                    6 => format!("/chunked/{number}"),
                    7 => format!("/status/{}", 400 + number),
                    _ => "/delay/3".to_owned(),
                })
                .collect();
            targets.iter().for_each(|target| peer.get(target));
            for (number, target) in targets.iter().enumerate() {
                let answer = peer.answer().await;
                let (status, bytes) = match target.as_str() {
                    "/small" | "/delay/3" => (200, 150),
                    sized if sized.starts_with("/status") => (400 + number, 0),
                    _ => (200, number),
                };
                assert_eq!(answer.status(), status.to_string(), "seed {seed}: {number}");
                assert_eq!(answer.body.len(), bytes, "seed {seed}: {number}");
            }
        });
    }
}

#[test]
fn the_same_head_is_taken_for_the_same_request_only_as_a_whole() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        assert_eq!(peer.ask("/small").await.status(), "200");
        // The same first bytes, and then another head.
        peer.send("GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = peer.answer().await;
        assert_eq!(field(&answer.head, "Connection"), Some("close"));
        assert_eq!(peer.rest().await, Ok(Vec::new()));
    });
}

#[test]
fn a_body_behind_the_same_head_is_read_each_time() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for body in ["abc", "xyz", "GET"] {
            peer.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{body}"));
            assert_eq!(peer.answer().await.body, body.as_bytes());
        }
    });
}

#[test]
fn a_delay_is_waited_for_and_no_longer() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for (target, least_ms) in [("/delay/100", 100), ("/?delay=2s", 2000), ("/small", 0)] {
            let begun = runtime.now();
            peer.ask(target).await;
            let took_ms = elapsed_ms(&runtime, begun);
            assert!((least_ms..=least_ms + 1).contains(&took_ms), "{target}: {took_ms}");
        }
    });
}

#[test]
fn a_fixed_service_rate_is_held_whoever_asks() {
    let options = Options { service_rate: Some(500), ..Options::default() };
    calmly(options, |runtime| async move {
        let begun = runtime.now();
        let left = Rc::new(Cell::new(8));
        for _ in 0..8 {
            let (inside, left) = (runtime.clone(), Rc::clone(&left));
            runtime.spawn(async move {
                let mut peer = Peer::connect(&inside).await;
                for _ in 0..25 {
                    peer.ask("/small").await;
                }
                left.set(left.get() - 1);
            });
        }
        while left.get() > 0 {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
        // 200 requests at 500 a second.
        let took_ms = elapsed_ms(&runtime, begun);
        assert!((400..=403).contains(&took_ms), "{took_ms}");
    });
}

#[test]
fn a_stall_answers_nothing_until_its_end() {
    let options = Options { stall: "1s/10s".parse().ok(), ..Options::default() };
    calmly(options, |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for (asked_ms, answered_ms) in [(8_900, 8_900), (9_500, 10_000), (19_001, 20_000)] {
            runtime.sleep_until(Instant(asked_ms * MS)).await;
            peer.ask("/small").await;
            assert_eq!(runtime.now().0 / MS, answered_ms);
        }
    });
}

#[test]
fn a_slow_body_takes_its_time() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for target in ["/bytes/5000?rate=1000", "/chunked/5000?rate=1000"] {
            let begun = runtime.now();
            assert_eq!(peer.ask(target).await.body.len(), 5000);
            let took_ms = elapsed_ms(&runtime, begun);
            assert!((5_000..=5_001).contains(&took_ms), "{target}: {took_ms}");
        }
    });
}

#[test]
fn chunks_have_the_size_that_is_asked_for() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.get("/bytes/5?chunk=2&close");
        peer.head().await;
        let chunks = peer.rest().await;
        assert_eq!(chunks, Ok(b"2\r\nxx\r\n2\r\nxx\r\n1\r\nx\r\n0\r\n\r\n".to_vec()));
    });
}

#[test]
fn a_cut_ends_in_the_middle_of_the_body() {
    for (target, bytes) in [("/bytes/1000?fail=1:cut", 500), ("/chunked/9?fail=1:cut", 7)] {
        calmly(Options::default(), |runtime| async move {
            let mut peer = Peer::connect(&runtime).await;
            peer.get(target);
            let head = peer.head().await;
            assert_eq!(field(&head, "Connection"), None, "{target}: nobody is told before");
            assert_eq!(peer.rest().await.map(|rest| rest.len()), Ok(bytes), "{target}");
        });
    }
}

#[test]
fn a_cut_without_a_body_sends_nothing() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.get("/status/204?fail=1:cut");
        assert_eq!(peer.rest().await, Ok(Vec::new()));
    });
}

#[test]
fn a_cut_of_a_body_that_ends_with_the_connection_is_a_reset() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.get("/close/1000?fail=1:cut");
        assert_eq!(peer.rest().await, Err(Errno::RESET));
    });
}

#[test]
fn a_reset_comes_before_the_first_byte() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.get("/?fail=1:reset");
        assert_eq!(peer.rest().await, Err(Errno::RESET));
        assert!(peer.received.is_empty());
    });
}

#[test]
fn a_failing_share_fails_by_seed() {
    let failures = |seed| {
        let failed = Rc::new(Cell::new(0));
        let inside = Rc::clone(&failed);
        let failure = "0.3:502".parse().ok();
        let defaults = Defaults { failure, ..Defaults::default() };
        let options = Options { seed, defaults, ..Options::default() };
        calmly(options, |runtime| async move {
            let mut peer = Peer::connect(&runtime).await;
            for place in 0..60 {
                if peer.ask("/small").await.status() == "502" {
                    inside.set(inside.get() | 1_u64 << place);
                }
            }
        });
        failed.get()
    };
    assert_eq!(failures(1), failures(1));
    assert_ne!(failures(1), failures(2));
    assert!((8..=28).contains(&failures(1).count_ones()), "{}", failures(1).count_ones());
}

#[test]
fn bodies_of_any_size_and_framing_are_echoed() {
    for seed in 0..8 {
        run(seed, Faults::gentle(), Options::default(), |runtime| async move {
            let body: Vec<u8> = (0..600_000_u32).map(|number| (number % 251) as u8).collect();
            for (bytes, chunked) in [(9, true), (600_000, false), (600_000, true), (0, true)] {
                let mut peer = Peer::connect(&runtime).await;
                let body = body[..bytes].to_vec();
                runtime.spawn(upload(runtime.clone(), peer.socket.clone(), body.clone(), chunked));
                let answer = peer.answer().await;
                assert!(answer.body == body, "seed {seed}: {bytes} bytes, chunked {chunked}");
            }
        });
    }
}

/// Sends a body bit by bit, as fast as it is taken.
async fn upload(runtime: Runtime, socket: Rc<Socket>, body: Vec<u8>, chunked: bool) {
    let block = |text: String, bytes: &[u8]| {
        let mut block = runtime.blocks().take();
        block.extend_from_slice(text.as_bytes());
        block.extend_from_slice(bytes);
        Segment::Block(block)
    };
    let framing = match chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {}", body.len()),
    };
    socket.push(block(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"), b""));
    for part in body.chunks(5_000) {
        if chunked {
            socket.push(block(format!("{:x}\r\n", part.len()), part));
            socket.push(Segment::Static(b"\r\n"));
        } else {
            socket.push(block(String::new(), part));
        }
        socket.drained(8_000).await.unwrap();
    }
    if chunked {
        socket.push(Segment::Static(b"0\r\n\r\n"));
    }
    socket.drained(0).await.unwrap();
}

#[test]
fn a_reader_that_waits_costs_a_bounded_memory() {
    for target in ["/bytes/100m", "/bytes/100m?chunk=1", "/bytes/100m?chunk=64k"] {
        calmly(Options::default(), |runtime| async move {
            let peer = Peer::connect(&runtime).await;
            peer.get(target);
            runtime.sleep_until(runtime.now().plus_ms(1_000)).await;
            let counters = runtime.counters();
            assert!(counters.blocks_out <= 2 * limits::SEGMENTS_PER_SEND_MAX, "{counters:?}");
            peer.socket.abort();
        });
    }
}

#[test]
fn who_pipelines_and_does_not_read_is_not_read_from() {
    calmly(Options::default(), |runtime| async move {
        let peer = Peer::connect(&runtime).await;
        (0..20_000).for_each(|_| peer.get("/small"));
        runtime.sleep_until(runtime.now().plus_ms(1_000)).await;
        assert!(peer.socket.queued_bytes() > 0, "everything was read");
        peer.socket.abort();
    });
}

#[test]
fn a_client_that_ended_its_side_is_still_answered() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.get("/delay/50");
        peer.get("/chunked/70000");
        peer.socket.shutdown_write();
        assert_eq!(peer.answer().await.body.len(), 150);
        assert_eq!(peer.answer().await.body.len(), 70_000);
        assert_eq!(peer.rest().await, Ok(Vec::new()));
    });
}

#[test]
fn http_1_0_closes_unless_it_asks_to_be_kept() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for _ in 0..2 {
            peer.send("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            let answer = peer.answer().await;
            assert_eq!(field(&answer.head, "Connection"), Some("keep-alive"));
        }
        peer.send("GET /chunked/9 HTTP/1.0\r\n\r\n");
        let head = peer.head().await;
        assert_eq!(field(&head, "Transfer-Encoding"), None);
        assert_eq!(field(&head, "Connection"), Some("close"));
        assert_eq!(peer.rest().await, Ok(b"xxxxxxxxx".to_vec()));
    });
}

#[test]
fn head_is_answered_with_the_head_alone() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        for target in ["/small", "/1m", "/chunked/9", "/status/204"] {
            peer.send(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let head = peer.head().await;
            assert!(head.starts_with("HTTP/1.1 20"), "{target}: {head}");
        }
        assert_eq!(peer.ask("/bytes/3").await.body, b"xxx");
    });
}

#[test]
fn a_body_that_waits_for_leave_gets_it() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        let expects = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
        peer.send(format!("PUT /echo HTTP/1.1\r\n{expects}"));
        assert_eq!(peer.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
        peer.send("ok");
        assert_eq!(peer.answer().await.body, b"ok");
    });
}

#[test]
fn what_is_malformed_is_refused_and_the_connection_ends() {
    let chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
    let lengths = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n";
    for bytes in ["GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", chunks, lengths] {
        calmly(Options::default(), |runtime| async move {
            let mut peer = Peer::connect(&runtime).await;
            peer.send(bytes);
            let answer = peer.answer().await;
            assert_eq!(answer.status(), "400", "{bytes}");
            assert_eq!(field(&answer.head, "Connection"), Some("close"), "{bytes}");
            assert_eq!(peer.rest().await, Ok(Vec::new()), "{bytes}");
        });
    }
}

#[test]
fn a_parameter_that_is_not_understood_is_named_and_the_connection_goes_on() {
    calmly(Options::default(), |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        let answer = peer.ask("/?delay=soon").await;
        assert_eq!(answer.status(), "400");
        assert!(answer.body.starts_with(b"delay: `soon` is no delay"), "{:?}", answer.body);
        assert_eq!(peer.ask("/small").await.status(), "200");
    });
}

#[test]
fn a_description_tells_name_fields_and_body() {
    let defaults = Defaults { name: Some("blue".to_owned()), ..Defaults::default() };
    calmly(Options { defaults, ..Options::default() }, |runtime| async move {
        let mut peer = Peer::connect(&runtime).await;
        peer.send("POST /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\nContent-Length: 4\r\n\r\nbody");
        let answer = peer.answer().await;
        assert_eq!(field(&answer.head, "Server"), Some("blue"));
        let text = "blue was asked: POST /a?b=c\n  Host: a\n  X-Y: z\n  Content-Length: 4\n  \
                    and sent 4 bytes\n";
        assert_eq!(String::from_utf8_lossy(&answer.body), text);
    });
}

#[test]
fn no_fault_of_the_network_stops_the_server() {
    for seed in SEEDS {
        run(seed, Faults::rough(), Options::default(), |runtime| async move {
            let targets = ["/small", "/bytes/70000", "/chunked/70000", "/close/9", "/delay/5"];
            for target in targets.iter().cycle().take(25) {
                let timer = runtime.timer();
                timer.set(runtime.now().plus_ms(500));
                let asking = async {
                    let socket = runtime.connect(&Address::Tcp(address())).await?;
                    let (runtime, received) = (runtime.clone(), Vec::new());
                    let mut peer = Peer { runtime, socket: socket.into(), received };
                    peer.get(target);
                    peer.socket.shutdown_write();
                    peer.rest().await
                };
                if let Ok(Ok(answer)) = timer.limit(asking).await {
                    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "seed {seed}: {target}");
                }
            }
        });
    }
}

// ---- on threads of its own

#[test]
fn options_that_cannot_be_had_are_named() {
    let fault = |options: Options| start(&options).expect_err("refused").to_string();
    let threads = fault(Options { threads_count: 0, ..Options::default() });
    assert!(threads.starts_with("threads: 0 is not from 1"), "{threads}");
    let cores = fault(Options { cores: vec![9999], ..Options::default() });
    assert!(cores.starts_with("cores: this process may not run on core 9999"), "{cores}");
    let rate = fault(Options { service_rate: Some(0), ..Options::default() });
    assert!(rate.starts_with("service-rate: 0 is not from 1"), "{rate}");
    let defaults = Defaults { name: Some("a b".to_owned()), ..Defaults::default() };
    let name = fault(Options { defaults, ..Options::default() });
    assert!(name.starts_with("name: `a b` is no name"), "{name}");
}

#[test]
fn an_address_in_use_is_refused() {
    for threads_count in [1, 2] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        let fault = start(&Options { listen, threads_count, ..Options::default() });
        let text = fault.expect_err("refused").to_string();
        assert!(text.starts_with(&format!("listen: cannot listen at {listen}")), "{text}");
    }
}

#[test]
fn several_threads_share_a_port_and_stop_together() {
    use std::io::{Read, Write};
    let running = start(&Options { threads_count: 2, ..Options::default() }).unwrap();
    for _ in 0..8 {
        let mut stream = std::net::TcpStream::connect(running.address()).unwrap();
        stream.write_all(b"GET /close/5 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(b"\r\n\r\nxxxxx"));
    }
    let address = running.address();
    running.stop().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err(), "it listens no more");
}
