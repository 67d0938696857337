//! No descriptor leaks, whatever is dropped in the middle. Alone in its process, which it counts.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::pin;
use std::task::Poll;

use frys_gateway::runtime::{Address, Listener, Options, Runtime, Segment};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has /proc").count()
}

fn listener(runtime: &Runtime) -> (Listener, Address) {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = Address::Tcp(bound.local_addr().expect("it is bound"));
    (runtime.listen(bound).expect("room for a listener"), address)
}

/// Polls once and drops.
async fn poll_once(future: impl Future) {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let _ = future.as_mut().poll(context).is_ready();
        Poll::Ready(())
    })
    .await;
}

async fn drop_in_the_middle(runtime: &Runtime) {
    let (listener, address) = listener(runtime);
    for round in 0..200u32 {
        // A connect dropped before it was submitted, and one while it is in flight.
        drop(runtime.connect(&address));
        poll_once(runtime.connect(&address)).await;
        let dialled = runtime.connect(&address);
        if round % 2 == 0 {
            runtime.yield_now().await;
        }
        drop(dialled);
        // An accept dropped while connections arrive.
        poll_once(listener.accept()).await;
        let client = runtime.connect(&address).await.expect("the listener listens");
        poll_once(client.receive()).await;
        client.push(Segment::Static(b"unread"));
    }
    // What was accepted and never asked for goes with the listener.
    drop(listener);
}

#[test]
fn nothing_that_was_dropped_stays_open() {
    let before = open_descriptors();
    let runtime = Runtime::new(&Options::default()).unwrap_or_else(|fault| panic!("{fault}"));
    runtime.block_on(drop_in_the_middle(&runtime));
    runtime.shutdown();
    let counters = runtime.counters();
    assert_eq!(counters.operations_in_flight, 0, "{counters:?}");
    assert_eq!(counters.sockets_open, 0, "{counters:?}");
    drop(runtime);
    assert_eq!(open_descriptors(), before);
}
