//! Where the time of a request goes, in virtual time: exact to the nanosecond.

use crate::world::{Shared, World};

use frys_gateway::bridge::stages::{Basis, Stage};
use frys_gateway::limits;
use frys_gateway::runtime::{Segment, Socket};

use std::cell::Cell;
use std::rc::Rc;

const SECOND_NS: u64 = 1_000_000_000;

fn scene(play: impl AsyncFnOnce(Rc<Shared>) -> Result<(), String>) {
    let outcome = World::new(1, true).run_scene(play);
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

async fn connect(shared: &Shared) -> Result<Socket, String> {
    shared.runtime.connect(&shared.gateway).await.map_err(|errno| errno.to_string())
}

fn send(shared: &Shared, socket: &Socket, bytes: &[u8]) {
    let mut block = shared.runtime.blocks().take();
    block.extend_from_slice(bytes);
    socket.push(Segment::Block(block));
}

/// Sends a GET and reads its answer of no body.
async fn ask(shared: &Shared, socket: &Socket, id: u64) -> Result<(), String> {
    let request = format!("GET /echo/0/length/{id} HTTP/1.1\r\nHost: a\r\n\r\n");
    send(shared, socket, request.as_bytes());
    answer(socket).await
}

async fn answer(socket: &Socket) -> Result<(), String> {
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        match socket.receive().await {
            Ok(Some(lease)) => received.extend_from_slice(&lease),
            end @ (Ok(None) | Err(_)) => return Err(format!("{end:?} instead of an answer")),
        }
    }
    match received.starts_with(b"HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&received).into_owned()),
    }
}

#[test]
fn the_stages_of_one_request_add_up_to_its_whole() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        let begun = shared.runtime.now();
        ask(&shared, &socket, 1).await?;
        let seen_ns = shared.runtime.now().nanos_since(begun);
        shared.check_stages()?;
        let whole = shared.whole();
        assert_eq!(whole.count(), 1);
        assert!(whole.sum_ns() > 0);
        assert!(whole.sum_ns() < seen_ns, "the client waits for the network as well");
        let count = |stage| shared.stage(stage).count();
        for stage in [Stage::Connect, Stage::UpstreamFirstByte, Stage::Relay] {
            assert_eq!(count(stage), 1, "{stage:?}");
        }
        for stage in [Stage::PoolWait, Stage::Upload] {
            assert_eq!(count(stage), 0, "{stage:?}");
        }
        assert!(shared.stage(Stage::Connect).sum_ns() > 0);
        ask(&shared, &socket, 2).await?;
        Ok(())
    });
}

#[test]
fn one_request_in_so_many_has_its_steps_timed() {
    const REQUESTS_COUNT: u64 = 3 * limits::STAGE_SAMPLE_EVERY as u64;
    scene(async |shared| {
        let socket = connect(&shared).await?;
        for id in 1..=REQUESTS_COUNT {
            ask(&shared, &socket, id).await?;
        }
        assert_eq!(shared.whole().count(), REQUESTS_COUNT);
        let of_request = Stage::ALL.iter().filter(|stage| stage.basis() == Basis::Sample);
        // The route has no filters.
        let is_met =
            |stage: &&Stage| !matches!(stage, Stage::AcceptWait | Stage::Turn | Stage::Filter);
        for stage in of_request.filter(is_met) {
            assert_eq!(shared.stage(*stage).count(), 3, "{stage:?}");
        }
        assert_eq!(shared.stage(Stage::Filter).count(), 0);
        assert!(shared.stage(Stage::Turn).count() > 0);
        Ok(())
    });
}

#[test]
fn waiting_for_a_full_pool_is_a_stage_of_its_own() {
    // The first upstream is given three of five and has three connections.
    const CLIENTS_COUNT: u64 = 12;
    scene(async |shared| {
        let answered = Rc::new(Cell::new(0));
        for id in 1..=CLIENTS_COUNT {
            let (shared, answered) = (shared.clone(), answered.clone());
            let runtime = shared.runtime.clone();
            runtime.spawn(async move {
                let asked = async {
                    let socket = connect(&shared).await?;
                    ask(&shared, &socket, id).await
                };
                match asked.await {
                    Ok(()) => answered.set(answered.get() + 1),
                    Err(fault) => shared.fault(fault),
                }
            });
        }
        shared.wait("the clients", || answered.get() == CLIENTS_COUNT).await?;
        let waits = shared.stage(Stage::PoolWait);
        assert!(waits.count() > 0, "nobody waited");
        assert!(waits.count() < CLIENTS_COUNT, "everybody waited");
        assert!(waits.sum_ns() > 0);
        assert_eq!(shared.stage(Stage::UpstreamFirstByte).count(), CLIENTS_COUNT);
        shared.check_stages()
    });
}

#[test]
fn a_slow_head_and_a_slow_body_are_not_put_on_the_upstream() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        let pause = async || {
            shared.runtime.sleep_until(shared.runtime.now().plus_ns(SECOND_NS)).await;
        };
        send(&shared, &socket, b"POST /echo/0/length/1 HTTP/1.1\r\nHost: a\r\n");
        pause().await;
        send(&shared, &socket, b"Content-Length: 2\r\n\r\n");
        pause().await;
        pause().await;
        // What the upstream expects of request 1.
        send(&shared, &socket, &crate::world::body_of(1 ^ 0xFF, 2));
        answer(&socket).await?;
        let seconds = |stage| (shared.stage(stage).sum_ns() + SECOND_NS / 2) / SECOND_NS;
        assert_eq!(seconds(Stage::Receive), 1);
        assert_eq!(seconds(Stage::Upload), 2);
        assert_eq!(seconds(Stage::UpstreamFirstByte), 0);
        assert_eq!(shared.stage(Stage::UpstreamFirstByte).count(), 1);
        shared.check_stages()
    });
}
