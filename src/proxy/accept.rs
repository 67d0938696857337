//! From a listener to clients: each accepted connection becomes a task.

use crate::limits;
use crate::runtime::{Errno, Socket};

use super::exchange::Door;
use super::worker::Worker;

use std::rc::Rc;
use std::time::Duration;

/// Hands accepted connections to `admit` until the listener is closed. Where the process is out of
/// descriptors, the backlog holds the clients for a moment.
pub async fn run(worker: Rc<Worker>, door: Rc<Door>, admit: fn(&Rc<Worker>, Socket, &Door)) {
    loop {
        match door.listener.accept().await {
            Ok(socket) => {
                worker.accepted(&socket);
                admit(&worker, socket, &door);
            }
            Err(Errno::CANCELLED | Errno::CLOSED) => return,
            Err(_) if worker.is_draining() || door.closed.get() => return,
            Err(_) => {
                let pause = Duration::from_millis(limits::ACCEPT_PAUSE_MS);
                worker.runtime.sleep_until(worker.runtime.now() + pause).await;
            }
        }
    }
}
