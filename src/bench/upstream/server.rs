//! What the connections of one thread share, and the loop that accepts them.

use crate::limits;
use crate::runtime::{Errno, Instant, Listener, Runtime};

use super::behaviour::Defaults;
use super::client::Client;
use super::schedule::Schedule;
use crate::bench::random::Random;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// One thread's part of a server.
pub(super) struct Server {
    pub(super) runtime: Runtime,
    pub(super) defaults: Defaults,
    pub(super) schedule: Arc<Schedule>,
    /// The server's age when the runtime's clock began, in nanoseconds.
    pub(super) age_ns: u64,
    pub(super) random: RefCell<Random>,
}

impl Server {
    /// Draws from the thread's generator.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.random.borrow_mut())
    }

    /// When the answer to a request that was read now begins, where it waits for `delay_ns` once it
    /// was served.
    pub(super) fn due(&self, delay_ns: u64) -> Instant {
        let now = self.runtime.now();
        let age_ns = now.0 + self.age_ns;
        now.plus_ns(self.schedule.take(age_ns, delay_ns).saturating_sub(age_ns))
    }

    /// Serves whoever connects until the listener closes.
    pub(super) async fn accept(self: Rc<Self>, listener: Listener) {
        loop {
            match listener.accept().await {
                Ok(socket) => {
                    self.runtime.spawn(Client::new(Rc::clone(&self), socket).serve());
                }
                Err(Errno::CANCELLED | Errno::CLOSED) => return,
                Err(_) => {
                    // Out of descriptors: the backlog holds the clients for a moment.
                    let pause = self.runtime.now().plus_ms(limits::ACCEPT_PAUSE_MS);
                    self.runtime.sleep_until(pause).await;
                }
            }
        }
    }
}
