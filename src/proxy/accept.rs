//! From a listener to clients: each accepted connection becomes a task.

use crate::limits;
use crate::runtime::{Errno, Listener, Socket};

use super::worker::Worker;

use std::rc::Rc;
use std::time::Duration;

/// Hands accepted connections to `admit` until the listener is closed. Where the process is out of
/// descriptors, the backlog holds the clients for a moment.
pub async fn run(worker: Rc<Worker>, listener: Rc<Listener>, admit: fn(&Rc<Worker>, Socket)) {
    loop {
        match listener.accept().await {
            Ok(socket) => {
                worker.accepted(&socket);
                admit(&worker, socket);
            }
            Err(Errno::CANCELLED | Errno::CLOSED) => return,
            Err(_) if worker.is_draining() => return,
            Err(_) => {
                let pause = Duration::from_millis(limits::ACCEPT_PAUSE_MS);
                worker.runtime.sleep_until(worker.runtime.now() + pause).await;
            }
        }
    }
}
