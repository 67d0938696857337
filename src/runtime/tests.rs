//! The runtime on a real ring, over loopback.

use super::*;
use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};

fn options() -> Options {
    Options { sockets_count_max: 512, buffers_count: 16, buffer_bytes: 4096, ..Options::default() }
}

fn runtime() -> Runtime {
    Runtime::new(&options()).unwrap_or_else(|fault| panic!("{fault}"))
}

fn listener(runtime: &Runtime) -> (Listener, Address) {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = bound.local_addr().unwrap();
    (runtime.listen(bound).unwrap(), Address::Tcp(address))
}

/// A connected pair of sockets over loopback.
async fn pair(runtime: &Runtime) -> (Socket, Socket) {
    let (listener, address) = listener(runtime);
    let client = runtime.connect(&address).await.unwrap();
    let server = listener.accept().await.unwrap();
    (client, server)
}

fn block(runtime: &Runtime, bytes: &[u8]) -> Segment {
    let mut block = runtime.blocks().take();
    block.extend_from_slice(bytes);
    Segment::Block(block)
}

async fn read_exactly(socket: &Socket, bytes: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < bytes {
        read.extend_from_slice(&socket.receive().await.unwrap().expect("more bytes"));
    }
    read
}

async fn echo(socket: Socket) {
    while let Ok(Some(lease)) = socket.receive().await {
        socket.push(Segment::Lease(lease));
        if socket.drained(64 * 1024).await.is_err() {
            return;
        }
    }
}

/// Runs `test` with a timer that fails it, and checks that nothing is left behind.
fn run<F: Future<Output = ()>>(test: impl FnOnce(Runtime) -> F) {
    let runtime = runtime();
    let timer = runtime.timer();
    timer.set(runtime.now().plus_ms(20_000));
    let ended = runtime.block_on(timer.limit(test(runtime.clone())));
    assert!(ended.is_ok(), "the test hangs: {runtime:?}");
    drop(timer);
    runtime.check().unwrap();
    runtime.shutdown();
    let counters = runtime.counters();
    assert_eq!(counters.stale_completions, 0);
    assert_eq!(counters.operations_in_flight, 0, "{counters:?}");
    assert_eq!(counters.sockets_open, 0, "{counters:?}");
    assert_eq!(counters.buffers_out, 0, "{counters:?}");
    assert_eq!(counters.blocks_out, 0, "{counters:?}");
    assert_eq!(counters.tasks, 0, "{counters:?}");
    assert_eq!(counters.timers, 0, "{counters:?}");
}

#[test]
fn the_ring_here_runs_deferred() {
    assert_eq!(runtime().task_run(), Some(TaskRun::Deferred));
}

#[test]
fn bytes_come_back_from_an_echo_server() {
    run(|runtime| async move {
        let (listener, address) = listener(&runtime);
        let spawner = runtime.clone();
        runtime.spawn(async move {
            while let Ok(socket) = listener.accept().await {
                spawner.spawn(echo(socket));
            }
        });
        let client = runtime.connect(&address).await.unwrap();
        assert_eq!(client.peer_address().map(Address::Tcp), Some(address));
        for round in 0..100u8 {
            client.push(block(&runtime, &[round; 10]));
            client.push(Segment::Static(b"tail"));
            assert_eq!(read_exactly(&client, 14).await, [&[round; 10][..], b"tail"].concat());
        }
    });
}

#[test]
fn a_large_body_arrives_whole_and_in_order() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        let body: Vec<u8> = (0..3_000_000u32).map(|number| (number / 7) as u8).collect();
        for part in body.chunks(7000) {
            client.push(block(&runtime, part));
        }
        client.shutdown_write();
        let mut read = Vec::new();
        while let Some(lease) = server.receive().await.unwrap() {
            read.extend_from_slice(&lease);
        }
        assert!(read == body);
        client.drained(0).await.unwrap();
    });
}

#[test]
fn a_small_request_costs_one_entry_a_send_and_no_block() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        let round = async |runtime: &Runtime| {
            client.push(block(runtime, b"head"));
            client.push(Segment::Static(b"body"));
            drop(read_exactly(&server, 8).await);
            server.push(block(runtime, b"answer"));
            drop(read_exactly(&client, 6).await);
        };
        round(&runtime).await;
        let before = runtime.counters();
        for _ in 0..50 {
            round(&runtime).await;
        }
        let after = runtime.counters();
        assert_eq!(after.entries - before.entries, 100);
        assert_eq!(after.blocks_allocated, before.blocks_allocated);
        assert_eq!(after.copied_bytes, before.copied_bytes);
    });
}

#[test]
fn a_dropped_receive_loses_no_byte() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(5));
        assert_eq!(timer.limit(server.receive()).await.map(|_| ()), Err(Expired));
        client.push(Segment::Static(b"kept"));
        assert_eq!(read_exactly(&server, 4).await, b"kept");
    });
}

#[test]
fn an_idle_socket_notices_the_end_and_unasked_bytes() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        server.watch();
        runtime.sleep_until(runtime.now().plus_ms(5)).await;
        assert!(!server.is_dead());
        client.shutdown_write();
        while !server.is_dead() {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
        client.watch();
        server.push(Segment::Static(b"unasked"));
        while !client.is_dead() {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
    });
}

#[test]
fn unread_bytes_hold_no_more_than_a_few_buffers() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        server.watch();
        for _ in 0..400 {
            client.push(block(&runtime, &[7; 10_000]));
        }
        runtime.sleep_until(runtime.now().plus_ms(50)).await;
        assert!(runtime.counters().buffers_out <= 16);
        assert_eq!(read_exactly(&server, 4_000_000).await.len(), 4_000_000);
    });
}

#[test]
fn sockets_without_a_buffer_are_served_when_buffers_return() {
    run(|runtime| async move {
        let mut held = Vec::new();
        let (client, server) = pair(&runtime).await;
        for _ in 0..16 {
            client.push(Segment::Static(b"one"));
            held.push(server.receive().await.unwrap().unwrap());
        }
        let (late_client, late_server) = pair(&runtime).await;
        late_client.push(Segment::Static(b"late"));
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(20));
        assert_eq!(timer.limit(late_server.receive()).await.map(|_| ()), Err(Expired));
        assert!(runtime.counters().receives_starved > 0);
        drop(held);
        assert_eq!(read_exactly(&late_server, 4).await, b"late");
    });
}

#[test]
fn a_refused_connect_says_so() {
    run(|runtime| async move {
        let (listener, address) = listener(&runtime);
        drop(listener);
        runtime.sleep_until(runtime.now().plus_ms(1)).await;
        assert_eq!(runtime.connect(&address).await.map(|_| ()), Err(Errno::REFUSED));
    });
}

#[test]
fn an_aborted_socket_resets_its_peer() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        client.push(Segment::Static(b"x"));
        drop(read_exactly(&server, 1).await);
        server.abort();
        assert_eq!(client.receive().await.map(|_| ()), Err(Errno::RESET));
    });
}

#[test]
fn a_dropped_socket_still_sends_what_was_queued() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        for _ in 0..100 {
            server.push(block(&runtime, &[1; 20_000]));
        }
        drop(server);
        assert_eq!(read_exactly(&client, 2_000_000).await.len(), 2_000_000);
        assert!(client.receive().await.unwrap().is_none());
    });
}

#[test]
fn sending_to_a_gone_peer_fails_without_a_signal() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        drop(client);
        while server.send_error().is_none() {
            server.push(block(&runtime, &[0; 1000]));
            let _ = server.drained(0).await;
        }
        assert!(server.drained(0).await.is_err());
        assert_eq!(server.queued_bytes(), 0);
    });
}

#[test]
fn a_unix_socket_serves_as_well() {
    run(|runtime| async move {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = runtime.listen_unix(UnixListener::bind(&path).unwrap()).unwrap();
        let address = Address::Unix(path.into());
        let client = runtime.connect(&address).await.unwrap();
        let server = listener.accept().await.unwrap();
        client.push(Segment::Static(b"over unix"));
        assert_eq!(read_exactly(&server, 9).await, b"over unix");
        assert_eq!(server.peer_address(), None);
    });
}

#[test]
fn a_closed_listener_fails_its_accept() {
    run(|runtime| async move {
        let (listener, _) = listener(&runtime);
        let listener = Rc::new(listener);
        let closer = Rc::clone(&listener);
        let later = runtime.sleep_until(runtime.now().plus_ms(2));
        runtime.spawn(async move {
            later.await;
            closer.close();
        });
        assert_eq!(listener.accept().await.map(|_| ()), Err(Errno::CLOSED));
    });
}

#[test]
fn the_poll_face_copies_both_ways() {
    run(|runtime| async move {
        let (client, server) = pair(&runtime).await;
        let sent = poll_fn(|context| client.poll_write(context, b"hello")).await;
        assert_eq!(sent, Ok(5));
        poll_fn(|context| client.poll_shutdown(context)).await.unwrap();
        let mut target = [0; 3];
        let mut read = Vec::new();
        loop {
            let bytes = poll_fn(|context| server.poll_read(context, &mut target)).await.unwrap();
            if bytes == 0 {
                break;
            }
            read.extend_from_slice(&target[..bytes]);
        }
        assert_eq!(read, b"hello");
    });
}

/// A relay between two pairs over loopback: far client, relay in, relay out, far server.
async fn relay(runtime: &Runtime) -> (Socket, Socket, Socket, Socket) {
    let (from, relay_in) = pair(runtime).await;
    let (relay_out, to) = pair(runtime).await;
    (from, relay_in, relay_out, to)
}

fn send_in_background(runtime: &Runtime, socket: Socket, bytes: usize) {
    let spawner = runtime.clone();
    runtime.spawn(async move {
        for start in (0..bytes).step_by(10_000) {
            let part: Vec<u8> =
                (start..bytes.min(start + 10_000)).map(|at| (at / 3) as u8).collect();
            socket.push(block(&spawner, &part));
            if socket.drained(100_000).await.is_err() {
                return;
            }
        }
        socket.shutdown_write();
        drop(socket.receive().await);
    });
}

async fn expect_body(socket: &Socket, bytes: usize) {
    let body = read_exactly(socket, bytes).await;
    let changed = body.iter().enumerate().position(|(at, byte)| *byte != (at / 3) as u8);
    assert_eq!((body.len(), changed), (bytes, None));
}

#[test]
fn a_transfer_moves_what_it_was_told_to_and_no_more() {
    run(|runtime| async move {
        let (from, relay_in, relay_out, to) = relay(&runtime).await;
        send_in_background(&runtime, from, 5_000_000);
        // Received before the transfer begins, and queued before it.
        drop(read_exactly(&relay_in, 0).await);
        relay_in.watch();
        runtime.sleep_until(runtime.now().plus_ms(5)).await;
        let pipe = runtime.pipe();
        let reader = runtime.clone();
        let done = Rc::new(Cell::new(false));
        let read = Rc::clone(&done);
        runtime.spawn(async move {
            expect_body(&to, 5_000_000).await;
            assert!(to.receive().await.unwrap().is_none());
            read.set(true);
            drop(reader);
        });
        assert_eq!(relay_in.transfer(&relay_out, 3_000_001, &pipe).await, Ok(3_000_001));
        let rest = relay_in.receive().await.unwrap().unwrap();
        relay_in.unread(rest);
        assert_eq!(relay_in.transfer(&relay_out, u64::MAX, &pipe).await, Ok(1_999_999));
        relay_out.shutdown_write();
        while !done.get() {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
    });
}

#[test]
fn a_transfer_waits_for_a_slow_sink() {
    run(|runtime| async move {
        let (from, relay_in, relay_out, to) = relay(&runtime).await;
        send_in_background(&runtime, from, 20_000_000);
        let pipe = Rc::new(runtime.pipe());
        let shared = Rc::clone(&pipe);
        let transferred = Rc::new(Cell::new(None));
        let result = Rc::clone(&transferred);
        runtime.spawn(async move {
            result.set(Some(relay_in.transfer(&relay_out, 20_000_000, &shared).await));
        });
        runtime.sleep_until(runtime.now().plus_ms(100)).await;
        assert!(pipe.moved_bytes() < 20_000_000);
        assert_eq!(transferred.get(), None);
        expect_body(&to, 20_000_000).await;
        while transferred.get().is_none() {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
        assert_eq!(transferred.get(), Some(Ok(20_000_000)));
    });
}

#[test]
fn a_transfer_says_which_side_failed() {
    run(|runtime| async move {
        let (from, relay_in, relay_out, to) = relay(&runtime).await;
        let pipe = runtime.pipe();
        from.abort();
        let fault = relay_in.transfer(&relay_out, 10, &pipe).await.unwrap_err();
        assert_eq!((fault.side, fault.errno), (Side::Source, Errno::RESET));
        drop(to);
        let (from, relay_in) = pair(&runtime).await;
        send_in_background(&runtime, from, 50_000_000);
        let fault = relay_in.transfer(&relay_out, 50_000_000, &pipe).await.unwrap_err();
        assert_eq!(fault.side, Side::Sink);
    });
}

#[test]
fn a_sink_dropped_while_a_transfer_waits_for_room_closes_at_once() {
    run(|runtime| async move {
        let (from, relay_in, relay_out, to) = relay(&runtime).await;
        send_in_background(&runtime, from, 50_000_000);
        let pipe = runtime.pipe();
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(100));
        let stuck = timer.limit(relay_in.transfer(&relay_out, 50_000_000, &pipe)).await;
        assert_eq!(stuck, Err(Expired));
        drop(relay_out);
        // Far less than LINGER_MS_MAX, after which it would be cut in any case.
        timer.set(runtime.now().plus_ms(5_000));
        let ended = timer.limit(async { while let Ok(Some(_)) = to.receive().await {} }).await;
        assert_eq!(ended, Ok(()));
    });
}

#[test]
fn a_dropped_transfer_gives_the_sockets_back() {
    run(|runtime| async move {
        let (from, relay_in, relay_out, _to) = relay(&runtime).await;
        let pipe = runtime.pipe();
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(5));
        let dropped = timer.limit(relay_in.transfer(&relay_out, 10, &pipe)).await;
        assert_eq!(dropped, Err(Expired));
        from.push(Segment::Static(b"still there"));
        assert_eq!(read_exactly(&relay_in, 11).await, b"still there");
    });
}

#[test]
fn a_timer_that_moves_later_fires_once_and_late() {
    run(|runtime| async move {
        let timer = runtime.timer();
        let start = runtime.now();
        timer.set(start.plus_ms(10));
        timer.set(start.plus_ms(30));
        assert!(timer.limit(std::future::pending::<()>()).await.is_err());
        assert!(runtime.now().nanos_since(start) >= 30_000_000);
        assert_eq!(timer.limit(async { 5 }).await, Ok(5));
    });
}

#[test]
fn another_thread_can_wake_a_task() {
    run(|_| async move {
        let (sender, receiver) = std::sync::mpsc::channel();
        let asked = Cell::new(false);
        let answer = RefCell::new(None);
        let woken = poll_fn(|context| {
            if !asked.replace(true) {
                let (waker, sender) = (context.waker().clone(), sender.clone());
                let thread = std::thread::spawn(move || {
                    sender.send(7).unwrap();
                    waker.wake();
                });
                answer.replace(Some(thread));
                return Poll::Pending;
            }
            match receiver.try_recv() {
                Ok(number) => Poll::Ready(number),
                Err(_) => Poll::Pending,
            }
        })
        .await;
        assert_eq!(woken, 7);
        answer.take().unwrap().join().unwrap();
    });
}

#[test]
fn an_adopted_socket_hears_another_thread() {
    run(|runtime| async move {
        let (here, there) = UnixStream::pair().unwrap();
        let socket = runtime.adopt(here.into());
        let thread = std::thread::spawn(move || {
            use std::io::Write;
            (&there).write_all(b"!").unwrap();
        });
        assert_eq!(read_exactly(&socket, 1).await, b"!");
        assert!(socket.receive().await.unwrap().is_none());
        thread.join().unwrap();
    });
}

#[test]
fn a_task_that_always_yields_leaves_room_for_others() {
    run(|runtime| async move {
        let busy = runtime.clone();
        runtime.spawn(async move {
            loop {
                busy.yield_now().await;
            }
        });
        let (client, server) = pair(&runtime).await;
        client.push(Segment::Static(b"through"));
        assert_eq!(read_exactly(&server, 7).await, b"through");
    });
}

#[test]
#[should_panic(expected = "in a task")]
fn a_panic_in_a_task_comes_out_of_block_on() {
    let runtime = runtime();
    runtime.spawn(async { panic!("in a task") });
    runtime.block_on(std::future::pending::<()>());
}

#[test]
fn a_runtime_with_receives_in_flight_can_be_dropped() {
    let runtime = runtime();
    let sockets = runtime.block_on(pair(&runtime));
    sockets.0.watch();
    sockets.1.watch();
    runtime.block_on(runtime.yield_now());
    assert!(runtime.counters().operations_in_flight >= 3);
    let core = Rc::downgrade(&runtime.core);
    drop((sockets, runtime));
    assert!(core.upgrade().is_none(), "the ring is still open");
}

#[test]
fn more_entries_than_the_queue_holds_are_all_submitted() {
    let small = Options { entries_count: 4, ..options() };
    let runtime = Runtime::new(&small).unwrap_or_else(|fault| panic!("{fault}"));
    runtime.block_on(async {
        let mut pairs = Vec::new();
        for _ in 0..40 {
            pairs.push(pair(&runtime).await);
        }
        for (client, _) in &pairs {
            client.push(Segment::Static(b"ping"));
        }
        for (_, server) in &pairs {
            assert_eq!(read_exactly(server, 4).await, b"ping");
        }
    });
    runtime.shutdown();
    assert_eq!(runtime.counters().operations_in_flight, 0);
}

#[test]
fn a_full_table_of_sockets_refuses_the_next() {
    let small = Options { sockets_count_max: 3, ..options() };
    let runtime = Runtime::new(&small).unwrap_or_else(|fault| panic!("{fault}"));
    runtime.block_on(async {
        let (listener, address) = listener(&runtime);
        let _client = runtime.connect(&address).await.unwrap();
        let _server = listener.accept().await.unwrap();
        let refused = runtime.connect(&address).await.map(|_| ());
        assert_eq!(refused, Err(Errno::TOO_MANY_FILES));
    });
    runtime.shutdown();
}

#[test]
fn a_listener_has_the_address_it_was_bound_to() {
    run(|runtime| async move {
        let (listener, address) = listener(&runtime);
        assert_eq!(listener.local_address().map(Address::Tcp), Some(address));
        let _: Option<SocketAddr> = listener.local_address();
    });
}
