//! One core's share of the gateway: its loop, its configuration, its pools, its counters.

mod filters;
mod generation;
mod mail;
mod questions;

use crate::bridge::log;
use crate::bridge::metrics::{EngineCounters, WorkerBlock};
use crate::bridge::stages::Stage;
use crate::limits;
use crate::meters::{RouteBlock, UpstreamBlock};
use crate::runtime::{Runtime, Socket};
use crate::snapshot::{ExchangeId, Timeouts};

pub use self::generation::{Generation, Local};
use super::exchange::{Door, Exchange, Facts, Ledger};
use super::filter;
use super::pools::Pools;

use questions::Questions;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

const LOOK_MS: u64 = limits::DRAIN_LOOK_MS;

/// What a worker is made of; all but the loop itself is made by the thread that starts it.
pub struct Parts {
    /// The loop of this thread.
    pub runtime: Runtime,
    /// This worker's number, from 0.
    pub number: usize,
    /// How many workers there are.
    pub count: usize,
    /// Where it counts.
    pub block: Arc<WorkerBlock>,
    /// Where it logs, if a log is kept.
    pub log: Option<log::Writer>,
    /// For jitter and for the balancers' first picks.
    pub seed: u64,
}

/// One worker; shared by the tasks of its thread.
pub struct Worker {
    /// Its loop.
    pub runtime: Runtime,
    /// Its counters.
    pub block: Arc<WorkerBlock>,
    /// Its upstream connections.
    pub pools: Rc<Pools>,
    /// Bytes of bodies that it holds for filters.
    pub ledger: Ledger,
    number: usize,
    count: usize,
    generation: RefCell<Option<Rc<Generation>>>,
    /// Older generations that exchanges still use, in their order.
    retired: RefCell<Vec<Rc<Generation>>>,
    /// Exchanges of generations below this one are over.
    expired_below: Cell<u64>,
    /// What is known of each cluster, by [`crate::snapshot::Cluster::slot`].
    locals: RefCell<Vec<Option<Rc<Local>>>>,
    /// What is kept for each filter, by [`crate::snapshot::filter::Filter::slot`].
    filters: RefCell<Vec<Option<Rc<filter::Local>>>>,
    /// What is asked of control.
    questions: Questions,
    doors: RefCell<Vec<Rc<Door>>>,
    draining: Cell<bool>,
    connections_count: Cell<u32>,
    connections_max: Cell<u32>,
    connections_total: Cell<u64>,
    /// Counted by its clones: connections that are being told that they are too many.
    turned_away: Rc<()>,
    // Boxed where they are made: a request takes and returns a pointer, not a kilobyte.
    #[allow(clippy::vec_box)]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    log: RefCell<Option<log::Writer>>,
    random: Cell<u64>,
    /// The first half of the ids of this worker's exchanges, and what hides how many there were.
    identity: [u64; 2],
    exchanges_total: Cell<u64>,
    /// Requests until one whose short steps are timed.
    until_sample: Cell<u32>,
    /// Connections until one that is asked how long it waited.
    until_accept_sample: Cell<u32>,
}

/// One client's place among the worker's connections; left when dropped.
pub struct Seat {
    worker: Rc<Worker>,
    /// Number of the connection among all that this worker has taken.
    pub number: u64,
}

impl Worker {
    /// A worker that has no configuration yet and so serves nobody.
    pub fn new(parts: Parts) -> Rc<Self> {
        let pools = Rc::new(Pools::new(parts.runtime.clone(), parts.number));
        Rc::new(Self {
            runtime: parts.runtime,
            block: parts.block,
            pools,
            ledger: Ledger::default(),
            number: parts.number,
            count: parts.count,
            generation: RefCell::new(None),
            retired: RefCell::default(),
            expired_below: Cell::new(0),
            locals: RefCell::default(),
            filters: RefCell::default(),
            questions: Questions::default(),
            doors: RefCell::default(),
            draining: Cell::new(false),
            connections_count: Cell::new(0),
            connections_max: Cell::new(0),
            connections_total: Cell::new(0),
            turned_away: Rc::new(()),
            exchanges: RefCell::new(Vec::new()),
            log: RefCell::new(parts.log),
            random: Cell::new(parts.seed),
            identity: [mixed(parts.seed), mixed(parts.seed ^ u64::MAX)],
            exchanges_total: Cell::new(0),
            until_sample: Cell::new(0),
            until_accept_sample: Cell::new(0),
        })
    }

    /// A place for one more client; none where the worker's share of `max_connections` is taken.
    pub fn seat(self: &Rc<Self>) -> Option<Seat> {
        let count = self.connections_count.get();
        if count >= self.connections_max.get() {
            return None;
        }
        self.connections_count.set(count + 1);
        self.connections_total.set(self.connections_total.get() + 1);
        self.block.connection_opened();
        Some(Seat { worker: self.clone(), number: self.connections_total.get() })
    }

    /// A place among the connections that are told that they are too many, if one is left.
    pub fn turned_away(&self) -> Option<Rc<()>> {
        let is_left = Rc::strong_count(&self.turned_away) <= limits::TURNED_AWAY_COUNT_MAX;
        is_left.then(|| self.turned_away.clone())
    }

    /// Working memory for a request that begins now, under the present configuration.
    pub fn begin(&self) -> Box<Exchange> {
        let generation = self.generation();
        let now = self.runtime.now();
        self.block.request_begun();
        let free = self.exchanges.borrow_mut().pop();
        let mut exchange = match free {
            Some(mut exchange) => {
                exchange.renew(generation, now);
                exchange
            }
            None => Box::new(Exchange::new(generation, now)),
        };
        let number = self.exchanges_total.get();
        self.exchanges_total.set(number + 1);
        exchange.facts.number = number;
        match self.until_sample.get() {
            0 => {
                self.until_sample.set(limits::STAGE_SAMPLE_EVERY - 1);
                exchange.facts.sampled_at = Some(now);
            }
            count => self.until_sample.set(count - 1),
        }
        exchange
    }

    /// Where a step that fits into one turn begins: looks at the clock, for the requests whose
    /// steps are timed.
    pub fn step(&self, facts: &mut Facts) {
        if facts.sampled_at.is_some() {
            facts.sampled_at = Some(self.runtime.precise());
        }
    }

    /// The step since the last look was this one.
    pub fn stepped(&self, facts: &mut Facts, stage: Stage) {
        if let Some(from) = facts.sampled_at {
            let now = self.runtime.precise();
            self.block.stages.record(stage, now.nanos_since(from));
            facts.sampled_at = Some(now);
        }
    }

    /// Asks some of the accepted connections how long they waited.
    pub fn accepted(&self, socket: &Socket) {
        let until_sample = self.until_accept_sample.get();
        if until_sample > 0 {
            return self.until_accept_sample.set(until_sample - 1);
        }
        self.until_accept_sample.set(limits::ACCEPT_SAMPLE_EVERY - 1);
        if let Some(waited_ms) = socket.silent_ms() {
            self.block.stages.record(Stage::AcceptWait, u64::from(waited_ms) * 1_000_000);
        }
    }

    /// Takes the working memory back.
    pub fn end(&self, mut exchange: Box<Exchange>) {
        let mut free = self.exchanges.borrow_mut();
        if free.len() < limits::EXCHANGES_FREE_MAX && exchange.is_small() {
            let present = self.generation.borrow();
            if let Some(present) = present.as_ref()
                && !Rc::ptr_eq(present, &exchange.generation)
            {
                // What is free must not keep an old generation.
                exchange.generation = present.clone();
            }
            free.push(exchange);
        }
    }

    /// Whether the exchanges of a generation have been cut off for their age.
    pub fn has_expired(&self, generation: u64) -> bool {
        generation < self.expired_below.get()
    }

    /// Where this worker counts an exchange's route, once it was found.
    pub fn route_block<'e>(&self, exchange: &'e Exchange) -> Option<&'e RouteBlock> {
        Some(exchange.route()?.series.of(self.number))
    }

    /// Where this worker counts the upstream that an exchange tried last.
    pub fn upstream_block<'e>(&self, exchange: &'e Exchange) -> Option<&'e UpstreamBlock> {
        let upstream = exchange.generation.snapshot.upstream(exchange.facts.upstream?);
        Some(upstream.series.of(self.number))
    }

    /// The configuration for requests that begin now.
    pub fn generation(&self) -> Rc<Generation> {
        let generation = self.generation.borrow();
        generation.clone().expect("listeners open after the first snapshot was installed")
    }

    /// The bounds on a client's time between requests.
    pub fn timeouts(&self) -> Timeouts {
        self.generation().snapshot.timeouts
    }

    /// Whether what this address says of its own client is believed.
    pub fn trusts(&self, address: Option<SocketAddr>) -> bool {
        let generation = self.generation();
        address.is_some_and(|address| generation.snapshot.trusted.contains(address.ip()))
    }

    /// Whether the gateway is about to end: idle clients leave, answers say `Connection: close`.
    pub fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Hands a record to the log, if one is kept; made only then.
    pub fn log<'a>(&self, record: impl FnOnce() -> log::Record<'a>) {
        if let Some(writer) = self.log.borrow_mut().as_mut() {
            // One that finds no room is counted by the writer.
            let _ = writer.push(&record());
        }
    }

    /// This worker's part of a bound that holds for the process, at least 1.
    pub fn share(&self, count: u32) -> u32 {
        let workers = u32::try_from(self.count).unwrap_or(u32::MAX);
        count.div_ceil(workers).max(1)
    }

    /// A number below `bound`, for jitter.
    pub fn random_below(&self, bound: u64) -> u64 {
        let state = self.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.random.set(state);
        mixed(state) % bound.max(1)
    }

    /// The id of the exchange with this number. Mixing is one to one, so no two are the same, and
    /// one tells nothing of how many there were.
    pub fn exchange_id(&self, number: u64) -> ExchangeId {
        let [first, hidden] = self.identity;
        let second = mixed(number.wrapping_add(hidden));
        ExchangeId(u128::from(first) << 64 | u128::from(second))
    }

    /// Brings all that is known of clusters to the present snapshot, a few a turn.
    async fn tidy(&self) {
        let mut next = 0;
        loop {
            next = self.tidy_locals(next, limits::LOCALS_TIDIED_MAX);
            if next == 0 {
                break;
            }
            self.runtime.yield_now().await;
        }
        loop {
            next = self.tidy_filters(next, limits::LOCALS_TIDIED_MAX);
            if next == 0 {
                return;
            }
            self.runtime.yield_now().await;
        }
    }

    fn mirror(&self) {
        let counters = self.runtime.counters();
        self.block.mirror_engine(&EngineCounters {
            turns: counters.turns,
            enters: counters.enters,
            entries: counters.entries,
            completions: counters.completions,
            copied_bytes: counters.copied_bytes,
            receives_starved: counters.receives_starved,
            buffers_out: counters.buffers_out as u64,
            sockets_open: counters.sockets_open as u64,
            tasks: counters.tasks as u64,
        });
    }
}

/// The finalizer of SplitMix64: one to one.
fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Once a second: what is left of old generations goes, dead and overdue upstream connections are
/// closed, the loop's counters shown.
async fn maintain(worker: Rc<Worker>) {
    loop {
        let now = worker.runtime.now();
        worker.mirror();
        if worker.generation.borrow().is_some() {
            worker.expire();
            worker.reap();
            worker.tidy().await;
        }
        worker.pools.sweep().await;
        worker.runtime.sleep_until(now + Duration::from_millis(limits::MAINTENANCE_MS)).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let worker = &self.worker;
        worker.connections_count.set(worker.connections_count.get() - 1);
        worker.block.connection_closed();
    }
}
