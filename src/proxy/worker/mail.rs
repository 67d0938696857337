//! What control tells the worker, at one fixed point of its turn.

use crate::bridge::mailbox::{Acceptor, Message, Receiver};
use crate::bridge::metrics::WorkerState;
use crate::bridge::stages::Stage;
use crate::limits;
use crate::runtime::{Instant, Listener};
use crate::snapshot::{Snapshot, Timeouts};

use super::super::exchange::Door;
use super::super::{accept, serve};
use super::{Generation, LOOK_MS, Worker, maintain};

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

impl Worker {
    /// Serves `listeners`, numbered in their order, as the mailbox says, until it says to end; then
    /// nothing is in flight, or the time for it was over.
    pub async fn run(self: Rc<Self>, listeners: Vec<Listener>, mut mailbox: Receiver) {
        let wake = mailbox.take_wake().map(|wake| self.runtime.adopt(wake));
        let mut unopened = listeners;
        self.runtime.spawn(maintain(self.clone()));
        self.listen_for_answers();
        let block = self.block.clone();
        self.runtime.sample_turns(limits::STAGE_SAMPLE_EVERY, move |busy_ns| {
            block.stages.record(Stage::Turn, busy_ns);
        });
        loop {
            while let Some(message) = mailbox.pop() {
                match message {
                    Message::Install(snapshot) => {
                        let has_custom = !snapshot.custom_filters.is_empty();
                        self.install(snapshot);
                        if has_custom {
                            self.runtime.spawn(self.clone().prepare_filters());
                        }
                        for (listener, number) in unopened.drain(..).zip(0..) {
                            self.open(number, listener);
                        }
                    }
                    Message::Listen(number, acceptor) => self.listen(number, acceptor),
                    Message::Unlisten(numbers) => self.unlisten(&numbers),
                    Message::Drain { timeout } => return self.drain(mailbox, timeout).await,
                    Message::Stop => return,
                }
            }
            match &wake {
                // Without control nobody could drain or stop this worker any more.
                Some(wake) => match wake.receive().await {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return,
                },
                None => self.runtime.sleep_until(self.runtime.now().plus_ms(LOOK_MS)).await,
            }
        }
    }

    /// Uses a snapshot for every request that begins from now on.
    ///
    /// What it costs does not depend on what is in the snapshot, and nothing of the old one is
    /// freed here: control lets go of a snapshot last.
    pub fn install(&self, snapshot: Arc<Snapshot>) {
        let (number, configuration) = (snapshot.generation, snapshot.configuration);
        self.connections_max
            .set(self.share(u32::try_from(snapshot.limits.connections_max).unwrap_or(u32::MAX)));
        let new = Rc::new(Generation::new(snapshot));
        for exchange in self.exchanges.borrow_mut().iter_mut() {
            exchange.generation = new.clone();
        }
        let old = self.generation.borrow_mut().replace(new);
        self.retired.borrow_mut().extend(old);
        let now = self.runtime.now();
        for retired in self.retired.borrow().iter() {
            let is_older = retired.snapshot.configuration != configuration;
            if is_older && retired.superseded_at.get() == Instant::NEVER {
                retired.superseded_at.set(now);
            }
        }
        self.reap();
        self.block.enter(WorkerState::Serving);
        self.block.acknowledge(number);
    }

    /// Lets go of the generations that no exchange uses any more, and says how many use the others.
    pub(super) fn reap(&self) {
        self.retired.borrow_mut().retain(|retired| {
            let exchanges_count = Rc::strong_count(retired) as u64 - 1;
            if let Some(requests) = retired.snapshot.requests.get(self.number) {
                requests.set(exchanges_count);
            }
            exchanges_count > 0
        });
    }

    /// Ends the exchanges of configurations that have been old for too long.
    pub(super) fn expire(&self) {
        let Some(generation) = self.generation.borrow().clone() else { return };
        let age_max_ns = generation.snapshot.generation_age_max_ns;
        if age_max_ns == Timeouts::NONE {
            return;
        }
        let now = self.runtime.now();
        let is_expired =
            |retired: &&Rc<Generation>| retired.superseded_at.get().plus_ns(age_max_ns) <= now;
        let retired = self.retired.borrow();
        let numbers = retired.iter().filter(is_expired).map(|old| old.snapshot.generation);
        let below = numbers.max().map_or(0, |number| number + 1);
        if below > self.expired_below.get() {
            self.expired_below.set(below);
            // Each looks again at what it waits for, and finds that it is over.
            self.runtime.wake_all();
        }
    }

    fn open(self: &Rc<Self>, number: u32, listener: Listener) {
        let door = Rc::new(Door::new(number, listener));
        self.runtime.spawn(accept::run(self.clone(), door.clone(), serve::admit));
        self.doors.borrow_mut().push(door);
    }

    fn listen(self: &Rc<Self>, number: u32, acceptor: Acceptor) {
        let listener = match acceptor {
            Acceptor::Tcp(listener) => self.runtime.listen(listener),
            Acceptor::Unix(listener) => self.runtime.listen_unix(listener),
        };
        // Control holds to the bound on listeners, and the socket has taken its options before.
        if let Ok(listener) = listener {
            self.open(number, listener);
        }
    }

    fn unlisten(&self, numbers: &[u32]) {
        self.doors.borrow_mut().retain(|door| {
            let is_meant = numbers.contains(&door.number);
            if is_meant {
                door.close();
            }
            !is_meant
        });
    }

    async fn drain(&self, mut mailbox: Receiver, timeout: Duration) {
        self.draining.set(true);
        self.block.enter(WorkerState::Draining);
        for door in self.doors.borrow().iter() {
            door.close();
        }
        self.pools.close_idle();
        // Clients that wait for their next request look again, and leave.
        self.runtime.wake_all();
        let deadline = self.runtime.now() + timeout;
        while self.connections_count.get() > 0 && self.runtime.now() < deadline {
            self.runtime.sleep_until(self.runtime.now().plus_ms(LOOK_MS)).await;
            if matches!(mailbox.pop(), Some(Message::Stop)) {
                return;
            }
        }
    }
}
