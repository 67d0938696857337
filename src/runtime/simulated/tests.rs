//! The socket code over the simulated network: many seeds, every invariant after each turn.

use super::*;
use crate::runtime::{Instant, Lease, Segment, Socket};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::Ipv4Addr;

const SEEDS: std::ops::Range<u64> = 0..40;

fn options() -> Options {
    Options { sockets_count_max: 256, buffers_count: 16, buffer_bytes: 1024, ..Options::default() }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), port))
}

/// Runs `test` in virtual time; checks all invariants after each turn, and that nothing is left at
/// the end. Returns the trace.
fn run<F: Future<Output = ()>>(seed: u64, faults: Faults, test: impl FnOnce(Runtime) -> F) -> u64 {
    let runtime = Runtime::simulated(&options(), Settings { seed, faults });
    runtime.after_turn(move |runtime| {
        runtime.check().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    });
    let timer = runtime.timer();
    timer.set(runtime.now().plus_ms(600_000));
    let ended = runtime.block_on(timer.limit(test(runtime.clone())));
    assert!(ended.is_ok(), "seed {seed} hangs: {runtime:?}");
    drop(timer);
    runtime.shutdown();
    let counters = runtime.counters();
    assert_eq!(counters.operations_in_flight, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.sockets_open, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.buffers_out, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.blocks_out, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.tasks, 0, "seed {seed}: {counters:?}");
    assert_eq!(counters.timers, 0, "seed {seed}: {counters:?}");
    assert_eq!(runtime.simulated_ends_count(), 0, "seed {seed}: an end leaked");
    runtime.trace_hash()
}

fn run_seeds<F: Future<Output = ()>>(faults: &Faults, test: impl Fn(Runtime) -> F) {
    for seed in SEEDS {
        run(seed, faults.clone(), &test);
    }
}

async fn pair(runtime: &Runtime) -> (Socket, Socket) {
    let listener = runtime.listen_simulated(address(80)).unwrap();
    let client = runtime.connect(&Address::Tcp(address(80))).await.unwrap();
    let server = listener.accept().await.unwrap();
    (client, server)
}

fn block(runtime: &Runtime, bytes: &[u8]) -> Segment {
    let mut block = runtime.blocks().take();
    block.extend_from_slice(bytes);
    Segment::Block(block)
}

fn body(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|number| (number * 7 / 3) as u8).collect()
}

async fn read_to_end(socket: &Socket) -> Result<Vec<u8>, Errno> {
    let mut read = Vec::new();
    while let Some(lease) = socket.receive().await? {
        read.extend_from_slice(&lease);
    }
    Ok(read)
}

async fn send_all(runtime: &Runtime, socket: &Socket, bytes: &[u8]) -> Result<(), Errno> {
    for part in bytes.chunks(700) {
        socket.push(block(runtime, part));
        socket.drained(4000).await?;
    }
    socket.shutdown_write();
    socket.drained(0).await
}

/// Sends back what comes, segment by segment, until the end.
async fn echo(socket: Socket) {
    loop {
        match socket.receive().await {
            Ok(Some(lease)) => socket.push(Segment::Lease(lease)),
            Ok(None) => break socket.shutdown_write(),
            Err(_) => break socket.abort(),
        }
        if socket.drained(2000).await.is_err() {
            return;
        }
    }
}

fn serve_echo(runtime: &Runtime, port: u16) {
    let listener = runtime.listen_simulated(address(port)).unwrap();
    let spawner = runtime.clone();
    runtime.spawn(async move {
        while let Ok(socket) = listener.accept().await {
            spawner.spawn(echo(socket));
        }
    });
}

/// One client: its whole body comes back in order, or the connection fails.
async fn client(runtime: Runtime, port: u16, bytes: usize) -> Result<(), Errno> {
    let socket = Rc::new(runtime.connect(&Address::Tcp(address(port))).await?);
    let expected = body(bytes);
    let (sending, sent_body, of) = (Rc::clone(&socket), expected.clone(), runtime.clone());
    runtime.spawn(async move {
        let _ = send_all(&of, &sending, &sent_body).await;
    });
    let read = read_to_end(&socket).await?;
    assert!(expected.starts_with(&read), "bytes were changed on the way");
    if let Some(errno) = socket.send_error() {
        return Err(errno);
    }
    assert_eq!(read.len(), expected.len());
    Ok(())
}

/// Twenty clients at once; returns how many were served.
async fn clients(runtime: Runtime) -> usize {
    serve_echo(&runtime, 80);
    let (served, done) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for number in 0..20 {
        let (served, done) = (Rc::clone(&served), Rc::clone(&done));
        let runtime_of_client = runtime.clone();
        runtime.spawn(async move {
            let timer = runtime_of_client.timer();
            timer.set(runtime_of_client.now().plus_ms(100_000));
            let exchange = client(runtime_of_client.clone(), 80, 500 * number);
            if let Ok(Ok(())) = timer.limit(exchange).await {
                served.set(served.get() + 1);
            }
            done.set(done.get() + 1);
        });
    }
    while done.get() < 20 {
        runtime.sleep_until(runtime.now().plus_ms(10)).await;
    }
    served.get()
}

#[test]
fn a_network_without_faults_serves_every_client() {
    run(1, Faults::none(), |runtime| async move {
        assert_eq!(clients(runtime).await, 20);
    });
}

#[test]
fn what_a_peer_may_not_notice_changes_no_byte() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        assert_eq!(clients(runtime).await, 20);
    });
}

#[test]
fn broken_connections_leave_nothing_behind() {
    let served = Rc::new(Cell::new(0));
    run_seeds(&Faults::rough(), |runtime| {
        let served = Rc::clone(&served);
        async move { served.set(served.get() + clients(runtime).await) }
    });
    let all = 20 * SEEDS.count();
    assert!(served.get() > all / 10, "{} of {all}", served.get());
    assert!(served.get() < all, "nothing went wrong");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        run(seed, Faults::rough(), |runtime| async move {
            let _ = clients(runtime).await;
        })
    };
    assert_eq!(trace(3), trace(3));
    assert_ne!(trace(3), trace(4));
}

#[test]
fn time_jumps_to_the_next_timer() {
    run(1, Faults::none(), |runtime| async move {
        let before = std::time::Instant::now();
        runtime.sleep_until(runtime.now().plus_ms(500_000)).await;
        assert!(runtime.now().0 >= 500_000_000_000);
        assert!(before.elapsed().as_secs() < 60);
    });
}

#[test]
fn a_reader_that_stops_stops_the_sender() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let (client, server) = pair(&runtime).await;
        for part in body(200_000).chunks(1000) {
            client.push(block(&runtime, part));
        }
        client.shutdown_write();
        runtime.sleep_until(runtime.now().plus_ms(60_000)).await;
        assert!(client.queued_bytes() > 150_000, "{}", client.queued_bytes());
        assert!(read_to_end(&server).await.unwrap() == body(200_000));
    });
}

#[test]
fn a_cancelled_send_keeps_its_bytes_until_it_completes() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let (client, server) = pair(&runtime).await;
        for part in body(100_000).chunks(900) {
            client.push(block(&runtime, part));
        }
        runtime.sleep_until(runtime.now().plus_ms(1)).await;
        let sending = runtime.counters().blocks_out;
        assert!(sending > 0);
        client.abort();
        // What was queued is dropped; what the kernel has is not.
        let kept = runtime.counters();
        assert!(kept.operations_in_flight > 0);
        assert!(kept.blocks_out > 0, "the kernel's bytes were dropped with the socket");
        let read = read_until_failure(&server).await;
        assert!(body(100_000).starts_with(&read), "bytes changed after the cancellation");
    });
}

async fn read_until_failure(socket: &Socket) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(lease)) = socket.receive().await {
        read.extend_from_slice(&lease);
    }
    read
}

#[test]
fn a_dropped_receive_hands_its_buffer_to_nobody_and_back() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let (client, server) = pair(&runtime).await;
        server.watch();
        client.push(Segment::Static(b"never read"));
        runtime.yield_now().await;
        drop(server);
        drop(client);
        runtime.sleep_until(runtime.now().plus_ms(1000)).await;
        assert_eq!(runtime.counters().buffers_out, 0);
        assert_eq!(runtime.simulated_ends_count(), 0);
    });
}

#[test]
fn a_dropped_connect_leaks_no_end() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let listener = runtime.listen_simulated(address(80)).unwrap();
        for wait_ns in (0..4_000_000).step_by(100_000) {
            let timer = runtime.timer();
            timer.set(Instant(runtime.now().0 + wait_ns));
            // Some win, some lose; whoever wins is dropped too.
            drop(timer.limit(runtime.connect(&Address::Tcp(address(80)))).await);
        }
        drop(listener);
        runtime.sleep_until(runtime.now().plus_ms(1000)).await;
        assert_eq!(runtime.simulated_ends_count(), 0);
    });
}

#[test]
fn a_dropped_listener_closes_what_nobody_accepted() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let listener = runtime.listen_simulated(address(80)).unwrap();
        let mut clients = Vec::new();
        for _ in 0..10 {
            clients.push(runtime.connect(&Address::Tcp(address(80))).await.unwrap());
        }
        drop(listener.accept().await);
        drop(listener);
        for client in &clients {
            while let Ok(Some(_)) = client.receive().await {}
        }
    });
}

#[test]
fn a_hanging_connect_can_be_given_up() {
    let faults = Faults { hang_per_mille: 1000, ..Faults::none() };
    run(1, faults, |runtime| async move {
        let _listener = runtime.listen_simulated(address(80)).unwrap();
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(50));
        assert!(timer.limit(runtime.connect(&Address::Tcp(address(80)))).await.is_err());
    });
}

#[test]
fn nobody_listening_refuses() {
    run(1, Faults::none(), |runtime| async move {
        let refused = runtime.connect(&Address::Tcp(address(81))).await.map(|_| ());
        assert_eq!(refused, Err(Errno::REFUSED));
    });
}

#[test]
fn starved_receives_are_served_in_order_as_buffers_return() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let listener = runtime.listen_simulated(address(80)).unwrap();
        let held: Rc<RefCell<Vec<Lease>>> = Rc::default();
        let mut clients = Vec::new();
        for number in 0..40u8 {
            let client = runtime.connect(&Address::Tcp(address(80))).await.unwrap();
            let server = listener.accept().await.unwrap();
            client.push(block(&runtime, &[number; 8]));
            let held = Rc::clone(&held);
            runtime.spawn(async move {
                // Holds on to what it got: 40 leases of 16 buffers.
                while let Ok(Some(lease)) = server.receive().await {
                    held.borrow_mut().push(lease);
                }
            });
            clients.push(client);
        }
        let mut bytes = 0;
        while bytes < 40 * 8 {
            runtime.sleep_until(runtime.now().plus_ms(100)).await;
            assert!(held.borrow().len() <= 16);
            bytes += held.borrow_mut().drain(..).map(|lease| lease.len()).sum::<usize>();
        }
        assert!(runtime.counters().receives_starved > 0);
    });
}

#[test]
fn stalled_connections_leave_buffers_for_the_others() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let listener = runtime.listen_simulated(address(80)).unwrap();
        let mut stalled = Vec::new();
        for _ in 0..20 {
            let client = runtime.connect(&Address::Tcp(address(80))).await.unwrap();
            let server = listener.accept().await.unwrap();
            // Watched and never read: what arrives lies.
            server.watch();
            client.push(block(&runtime, &body(10_000)));
            stalled.push((client, server));
        }
        runtime.sleep_until(runtime.now().plus_ms(1000)).await;
        drop(listener);
        let (client, server) = pair(&runtime).await;
        let sender = runtime.clone();
        runtime.spawn(async move { send_all(&sender, &client, &body(30_000)).await.unwrap() });
        assert!(read_to_end(&server).await.unwrap() == body(30_000));
        assert!(runtime.counters().copied_bytes > 0);
    });
}

#[test]
fn half_a_connection_may_go_on() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let (client, server) = pair(&runtime).await;
        client.push(Segment::Static(b"question"));
        client.shutdown_write();
        assert_eq!(read_to_end(&server).await.unwrap(), b"question");
        server.push(Segment::Static(b"answer"));
        server.shutdown_write();
        assert_eq!(read_to_end(&client).await.unwrap(), b"answer");
    });
}

#[test]
fn a_transfer_moves_the_bytes_it_was_told_to() {
    run_seeds(&Faults::gentle(), |runtime| async move {
        let (from, relay_in) = pair(&runtime).await;
        let listener = runtime.listen_simulated(address(90)).unwrap();
        let relay_out = runtime.connect(&Address::Tcp(address(90))).await.unwrap();
        let to = listener.accept().await.unwrap();
        let sender = runtime.clone();
        runtime.spawn(async move {
            send_all(&sender, &from, &body(50_000)).await.unwrap();
            drop(from.receive().await);
        });
        let reading = Rc::new(RefCell::new(Vec::new()));
        let read = Rc::clone(&reading);
        runtime.spawn(async move { *read.borrow_mut() = read_to_end(&to).await.unwrap() });
        let pipe = runtime.pipe();
        assert_eq!(relay_in.transfer(&relay_out, 30_000, &pipe).await, Ok(30_000));
        assert_eq!(pipe.moved_bytes(), 30_000);
        assert_eq!(relay_in.transfer(&relay_out, u64::MAX, &pipe).await, Ok(20_000));
        relay_out.shutdown_write();
        while reading.borrow().len() < 50_000 {
            runtime.sleep_until(runtime.now().plus_ms(10)).await;
        }
        assert!(*reading.borrow() == body(50_000));
    });
}

#[test]
fn addresses_are_those_of_the_simulated_network() {
    run(1, Faults::none(), |runtime| async move {
        let (client, server) = pair(&runtime).await;
        assert_eq!(client.peer_address(), Some(address(80)));
        assert_eq!(server.local_address(), Some(address(80)));
        assert_eq!(server.peer_address(), client.local_address());
    });
}

#[test]
#[should_panic(expected = "nothing can happen any more")]
fn a_wait_for_nothing_is_found_out() {
    let settings = Settings { seed: 1, faults: Faults::none() };
    let runtime = Runtime::simulated(&options(), settings);
    runtime.block_on(std::future::pending::<()>());
}

#[test]
fn one_turn_in_so_many_is_timed() {
    run(1, Faults::none(), |runtime| async move {
        let timed_count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&timed_count);
        let before = runtime.counters().turns;
        runtime.sample_turns(3, move |busy_ns| {
            assert_eq!(busy_ns, 0, "virtual time stands still within a turn");
            counted.set(counted.get() + 1);
        });
        for _ in 0..9 {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
        let turns = runtime.counters().turns - before;
        assert!(turns >= 9, "{turns} turns");
        // The next turn, and each third from it on.
        assert_eq!(timed_count.get(), turns.div_ceil(3), "of {turns} turns");
    });
}

// ---- files

fn no_folder() -> crate::runtime::Folder {
    let fd = std::fs::File::open("/").unwrap();
    crate::runtime::Folder::new(std::sync::Arc::new(fd.into()))
}

fn name(runtime: &Runtime, name: &str) -> crate::memory::Block {
    let mut block = runtime.blocks().take();
    block.extend_from_slice(name.as_bytes());
    block.push(0);
    block
}

/// Sends a planted file over a connection; what arrived, if neither disk nor network failed.
async fn send_file(runtime: &Runtime, client: &Socket, server: Socket) -> Result<Vec<u8>, Errno> {
    let file = runtime.open(&no_folder(), name(runtime, "a")).await?;
    let bytes = file.metadata()?.bytes;
    let sender = runtime.clone();
    runtime.spawn(async move {
        let pipe = sender.pipe();
        let sent = file.send(&server, 0, bytes, &pipe).await;
        if sent != Ok(bytes) || server.drained(0).await.is_err() {
            server.abort();
        }
    });
    read_to_end(client).await
}

#[test]
fn a_file_arrives_whole_or_its_connection_breaks() {
    let expected = body(300_000);
    let whole_count = Rc::new(Cell::new(0));
    for (faults, is_certain) in [(Faults::gentle(), true), (Faults::rough(), false)] {
        run_seeds(&faults, |runtime| {
            let (expected, whole_count) = (expected.clone(), whole_count.clone());
            async move {
                runtime.plant("a", Planted { bytes: expected.clone(), ..Planted::default() });
                let listener = runtime.listen_simulated(address(80)).unwrap();
                let dialled = runtime.connect(&Address::Tcp(address(80)));
                let timer = runtime.timer();
                timer.set(runtime.now().plus_ms(1_000));
                let Ok(Ok(client)) = timer.limit(dialled).await else { return };
                let server = listener.accept().await.unwrap();
                match send_file(&runtime, &client, server).await {
                    Ok(read) => {
                        assert!(read == expected, "a broken answer looks whole");
                        whole_count.set(whole_count.get() + 1);
                    }
                    Err(errno) => assert!(!is_certain, "{errno}"),
                }
            }
        });
    }
    assert!(whole_count.get() > SEEDS.end, "{}", whole_count.get());
}

#[test]
fn opens_and_reads_may_be_dropped_at_any_time() {
    let faults = Faults { file_error_per_mille: 50, ..Faults::gentle() };
    run_seeds(&faults, |runtime| async move {
        runtime.plant("a", Planted { bytes: body(100_000), ..Planted::default() });
        let folder = no_folder();
        for number in 0..60 {
            let timer = runtime.timer();
            timer.set(runtime.now().plus_ns(number * 1_000_000));
            let reading = async {
                let file = runtime.open(&folder, name(&runtime, "a")).await?;
                let part = crate::runtime::Part { offset: 5, bytes: 90_000 };
                file.read(runtime.chunks().take(), part).await
            };
            if let Ok(Ok(block)) = timer.limit(reading).await {
                assert!(block.as_slice() == &body(100_000)[5..90_005]);
            }
        }
        let missing = runtime.open(&folder, name(&runtime, "b")).await.err();
        assert!(missing.is_some_and(|errno| [libc::ENOENT, libc::EIO].contains(&errno.0)));
    });
}
