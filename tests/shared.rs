//! What a warm request shares with another core: nothing. A worker's thread is stepped, one
//! instruction at a time, and each that the processor would carry out under a lock is counted, and
//! each system call, since no other core can be woken without one. Counts, not times, so they gate.
//!
//! The worker runs in a second process of this same program; `played` and `ring` say how.

#[path = "shared/instruction.rs"]
mod instruction;
#[path = "shared/ring.rs"]
mod ring;
#[path = "../benches/cases/scene.rs"]
mod scene;
#[path = "shared/stepped.rs"]
mod stepped;

use scene::{GATEWAY, Scene};
use stepped::{Refused, Steps};

use std::io::Read;
use std::sync::Arc;

/// Set for the second process.
const CHILD: &str = "FRYS_SHARED_CHILD";
/// The system call of `io_uring_enter`.
const IO_URING_ENTER: u64 = 426;
const GETTID: u64 = 186;
/// Requests that are stepped through on the simulated network.
const PLAYED_COUNT: u64 = 2;

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Begins and ends what is counted: a system call that nothing else here makes.
fn mark() {
    // Who the parent is does not matter.
    let _ = std::os::unix::process::parent_id();
}

/// Tells which thread to step, in the second process.
fn tell_thread(thread: i32) {
    println!("\nthread {thread}");
}

/// Waits for the first process, in the second.
fn wait_for_start() {
    let read = std::io::stdin().read(&mut [0; 1]).expect("the first process is there");
    assert_eq!(read, 1, "the first process went away");
}

fn stepped(test: &str) -> Option<Steps> {
    match stepped::run(test) {
        Ok(steps) => Some(steps),
        Err(Refused(why)) => {
            assert!(std::env::var_os("CI").is_none(), "left out where CI is set: {why}");
            println!("left out: {why}");
            None
        }
    }
}

/// The worker, its upstream and its client on the simulated network.
fn played() {
    let mut scene = Scene::new(1, GATEWAY);
    tell_thread(nix::unistd::gettid().as_raw());
    wait_for_start();
    let blocks_count = Arc::strong_count(&scene.worker.block);
    let right_count = scene.ask_between(PLAYED_COUNT + 1, |time| {
        if time == 0 || time == PLAYED_COUNT {
            mark();
        }
    });
    assert_eq!(right_count, PLAYED_COUNT + 1, "requests that were answered rightly");
    assert_eq!(Arc::strong_count(&scene.worker.block), blocks_count, "holders of the counters");
}

#[test]
fn a_request_on_the_simulated_network_locks_nothing_and_calls_nobody() {
    if is_child() {
        return played();
    }
    let test = "a_request_on_the_simulated_network_locks_nothing_and_calls_nobody";
    let Some(steps) = stepped(test) else { return };
    println!("{PLAYED_COUNT} requests: {steps:?}");
    assert!(steps.steps_count > 10_000 * PLAYED_COUNT, "they were stepped through: {steps:?}");
    assert_eq!(steps.locked, [], "locked instructions");
    assert_eq!(steps.calls, [], "system calls");
}

/// Locks and calls that are there to be seen.
fn shown() {
    tell_thread(nix::unistd::gettid().as_raw());
    wait_for_start();
    let shared = Arc::new(());
    mark();
    let clones = [Arc::clone(&shared), Arc::clone(&shared)];
    let threads = [nix::unistd::gettid(), nix::unistd::gettid(), nix::unistd::gettid()];
    mark();
    assert_eq!((Arc::strong_count(&shared), threads[0]), (1 + clones.len(), threads[2]));
}

#[test]
fn a_shared_count_and_a_system_call_are_seen() {
    if is_child() {
        return shown();
    }
    let Some(steps) = stepped("a_shared_count_and_a_system_call_are_seen") else { return };
    assert_eq!(steps.locked.iter().map(|(_, count)| count).sum::<u64>(), 2, "{steps:?}");
    assert_eq!(steps.calls, [(GETTID, 3)], "{steps:?}");
}

#[test]
fn a_request_on_the_ring_locks_nothing_and_only_enters() {
    if is_child() {
        return ring::run();
    }
    let Some(steps) = stepped("a_request_on_the_ring_locks_nothing_and_only_enters") else {
        return;
    };
    println!("{} requests: {steps:?}", ring::REQUESTS_COUNT);
    assert!(steps.steps_count > 1_000 * ring::REQUESTS_COUNT, "they were stepped: {steps:?}");
    assert_eq!(steps.locked, [], "locked instructions");
    let others: Vec<_> = steps.calls.iter().filter(|(call, _)| *call != IO_URING_ENTER).collect();
    assert!(others.is_empty(), "system calls beside io_uring_enter: {others:?}");
    let enters_count: u64 = steps.calls.iter().map(|(_, count)| count).sum();
    // As in `tests/budget.rs`: two wake-ups, and an enter that a send ends.
    assert!(enters_count >= ring::REQUESTS_COUNT, "{enters_count} enters");
    assert!(enters_count <= 4 * ring::REQUESTS_COUNT + 4, "{enters_count} enters");
}
