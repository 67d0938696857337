//! The counters of one worker: written by its thread alone, read by control at scrape.
//!
//! A counter is added to by a relaxed load and a relaxed store. That is no atomic addition and
//! needs none, because a block has one writer; a reader sees each counter whole, though not all of
//! them of one instant. Routes and upstreams get their counters at their first use, so
//! a configuration with thousands of them costs only those that are asked for.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::histogram::Histogram;
use super::reason::Reason;
use super::recent;
use super::stages::Stages;
use crate::limits::{METRIC_ROUTES_MAX, METRIC_UPSTREAMS_MAX};
use crate::snapshot::{RouteId, UpstreamId};

/// The first digit of a response's status, or that there was no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StatusClass {
    /// No response was begun.
    None,
    /// 1xx: only as the final status of an upgrade.
    Informational,
    /// 2xx.
    Success,
    /// 3xx.
    Redirection,
    /// 4xx.
    ClientError,
    /// 5xx.
    ServerError,
}

impl StatusClass {
    /// Every class, in the order of its number.
    pub const ALL: [StatusClass; 6] = [
        StatusClass::None,
        StatusClass::Informational,
        StatusClass::Success,
        StatusClass::Redirection,
        StatusClass::ClientError,
        StatusClass::ServerError,
    ];

    /// The class of a status; 0, and what is no status, is [`StatusClass::None`].
    pub const fn of(status: u16) -> StatusClass {
        match status {
            100..=199 => StatusClass::Informational,
            200..=299 => StatusClass::Success,
            300..=399 => StatusClass::Redirection,
            400..=499 => StatusClass::ClientError,
            500..=599 => StatusClass::ServerError,
            _ => StatusClass::None,
        }
    }

    /// The word for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            StatusClass::None => "none",
            StatusClass::Informational => "1xx",
            StatusClass::Success => "2xx",
            StatusClass::Redirection => "3xx",
            StatusClass::ClientError => "4xx",
            StatusClass::ServerError => "5xx",
        }
    }
}

/// A number that one thread writes and others read.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning thread may.
    pub fn add(&self, count: u64) {
        self.set(self.read().wrapping_add(count));
    }

    /// Takes away; only the owning thread may. Stops at zero.
    pub fn subtract(&self, count: u64) {
        debug_assert!(self.read() >= count, "a gauge fell below zero");
        self.set(self.read().saturating_sub(count));
    }

    /// Replaces; only the owning thread may.
    pub fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// The number as of some moment not long ago.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a finished exchange adds to the counters.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// The route, unless none was found.
    pub route: Option<RouteId>,
    /// The upstream whose response was sent on; none for the gateway's own answers.
    pub upstream: Option<UpstreamId>,
    /// The status that the client was sent; 0 if no response was begun.
    pub status: u16,
    /// The upstream's own status; 0 if it sent none.
    pub upstream_status: u16,
    /// How it ended.
    pub reason: Reason,
    /// Bytes of head and body received from the client.
    pub bytes_in: u64,
    /// Bytes of head and body sent to the client.
    pub bytes_out: u64,
    /// From the head's first byte to the response's last.
    pub duration_ns: u64,
    /// From the request head's sending to the response head's arrival; 0 if there was no response.
    pub upstream_first_byte_ns: u64,
}

/// What a worker is doing, as `/stats` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WorkerState {
    /// Before its first snapshot.
    Starting,
    /// Accepting.
    Serving,
    /// Its listeners are closed.
    Draining,
    /// Its loop has returned.
    Ended,
}

/// Exchanges of one route, of all routes beyond the cap, or of no route.
#[repr(align(64))]
#[derive(Default)]
pub struct RouteBlock {
    /// Exchanges by [`StatusClass`].
    pub classes: [Counter; StatusClass::ALL.len()],
    /// Bytes received from clients.
    pub bytes_in: Counter,
    /// Bytes sent to clients.
    pub bytes_out: Counter,
    /// Durations of whole exchanges.
    pub latency: Histogram,
}

/// Traffic with one upstream, or with all upstreams beyond the cap.
#[repr(align(64))]
#[derive(Default)]
pub struct UpstreamBlock {
    /// Responses by [`StatusClass`] of the upstream's own status.
    pub classes: [Counter; StatusClass::ALL.len()],
    /// Time to the first byte of each response.
    pub first_byte: Histogram,
    /// Attempts that failed, by any of [`super::Blame::Upstream`]'s reasons.
    pub failures: Counter,
    /// Attempts that repeated a failed one, on this upstream.
    pub retries: Counter,
    /// Connections that were made.
    pub connects: Counter,
    /// Connections that could not be made.
    pub connect_failures: Counter,
    /// Exchanges that began on a pooled connection.
    pub reuses: Counter,
    /// Gauge: connections now open, idle ones included.
    pub open: Counter,
    /// Gauge: connections now in the pool.
    pub idle: Counter,
    /// Exchanges refused because every connection was in use.
    pub full: Counter,
}

macro_rules! engine_counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What the engine counted since its start; gauges where the text says so.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct EngineCounters { $($(#[$doc])* pub $name: u64,)* }

        #[derive(Default)]
        struct EngineMirror { $($name: Counter,)* }

        impl EngineMirror {
            fn store(&self, counters: &EngineCounters) { $(self.$name.set(counters.$name);)* }
            fn load(&self) -> EngineCounters {
                EngineCounters { $($name: self.$name.read(),)* }
            }
        }

        impl EngineCounters {
            /// Name and value of each counter.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

engine_counters! {
    /// Turns of the loop.
    turns,
    /// System calls that entered the ring.
    enters,
    /// Operations submitted.
    entries,
    /// Completions taken.
    completions,
    /// Bytes copied between buffers.
    copied_bytes,
    /// Receives that waited because no buffer was free.
    receives_starved,
    /// Gauge: received buffers that are lent out.
    buffers_out,
    /// Gauge: sockets open.
    sockets_open,
    /// Gauge: tasks alive.
    tasks,
}

/// A worker's counters. About 125 KiB, and 8.5 KiB for each route and upstream that was asked for:
/// at most 512 + 2 and 512 + 1 of them, so under 9 MiB whatever the configuration.
#[repr(align(64))]
pub struct WorkerBlock {
    /// Where the time of its requests went.
    pub stages: Stages,
    recent: OnceLock<recent::Ring>,
    worker: usize,
    thread: AtomicU64,
    state: AtomicU8,
    generation: AtomicU64,
    reasons: [Counter; Reason::COUNT],
    requests_active: Counter,
    connections_accepted: Counter,
    connections_active: Counter,
    log_written: Counter,
    log_dropped: Counter,
    engine: EngineMirror,
    routes: Box<[OnceLock<Box<RouteBlock>>]>,
    upstreams: Box<[OnceLock<Box<UpstreamBlock>>]>,
}

/// Where in [`WorkerBlock`] the routes beyond the cap are counted together.
pub const ROUTE_OTHER: usize = METRIC_ROUTES_MAX;
/// Where the exchanges that matched no route are counted.
pub const ROUTE_NONE: usize = METRIC_ROUTES_MAX + 1;
/// Where the upstreams beyond the cap are counted together.
pub const UPSTREAM_OTHER: usize = METRIC_UPSTREAMS_MAX;

impl WorkerBlock {
    /// The block of the worker of this number, all zero.
    pub fn new(worker: usize) -> Arc<WorkerBlock> {
        Arc::new(WorkerBlock {
            stages: Stages::default(),
            recent: OnceLock::new(),
            worker,
            thread: AtomicU64::new(0),
            state: AtomicU8::new(WorkerState::Starting as u8),
            generation: AtomicU64::new(0),
            reasons: std::array::from_fn(|_| Counter::default()),
            requests_active: Counter::default(),
            connections_accepted: Counter::default(),
            connections_active: Counter::default(),
            log_written: Counter::default(),
            log_dropped: Counter::default(),
            engine: EngineMirror::default(),
            routes: (0..=ROUTE_NONE).map(|_| OnceLock::new()).collect(),
            upstreams: (0..=UPSTREAM_OTHER).map(|_| OnceLock::new()).collect(),
        })
    }

    /// Keeps so many of the requests that ended last from now on; the first call counts.
    pub fn keep_recent(&self, count: usize) {
        self.recent.get_or_init(|| recent::Ring::new(count));
    }

    /// The requests that ended last, where they are kept.
    pub fn recent(&self) -> Option<&recent::Ring> {
        self.recent.get()
    }
}

/// What the worker calls. One thread may, the same one always.
impl WorkerBlock {
    /// Says that this generation is installed; control waits for it.
    pub fn acknowledge(&self, generation: u64) {
        self.generation.store(generation, Ordering::Release);
    }

    /// Says which of the process's threads the worker is.
    pub fn run_on(&self, thread: u64) {
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// Says what the worker is doing.
    pub fn enter(&self, state: WorkerState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// A client connection was accepted and will be served.
    pub fn connection_opened(&self) {
        self.connections_accepted.add(1);
        self.connections_active.add(1);
    }

    /// A client connection that was opened here is closed.
    pub fn connection_closed(&self) {
        self.connections_active.subtract(1);
    }

    /// Something ended that is not an exchange: a connection turned away, an idle one closed.
    pub fn note(&self, reason: Reason) {
        if let Some(counter) = self.reasons.get(reason.index()) {
            counter.add(1);
        }
    }

    /// An exchange began; [`WorkerBlock::request_done`] must follow.
    pub fn request_begun(&self) {
        self.requests_active.add(1);
    }

    /// An exchange ended, well or not.
    pub fn request_done(&self, done: &Done) {
        self.requests_active.subtract(1);
        self.note(done.reason);
        let slot = match done.route {
            Some(RouteId(id)) => (id as usize).min(ROUTE_OTHER),
            None => ROUTE_NONE,
        };
        if let Some(route) = self.routes.get(slot) {
            let route = route.get_or_init(Box::default);
            route.classes[StatusClass::of(done.status) as usize].add(1);
            route.bytes_in.add(done.bytes_in);
            route.bytes_out.add(done.bytes_out);
            route.latency.record(done.duration_ns);
        }
        if let Some(id) = done.upstream {
            let upstream = self.upstream_block(id);
            upstream.classes[StatusClass::of(done.upstream_status) as usize].add(1);
            if done.upstream_first_byte_ns != 0 {
                upstream.first_byte.record(done.upstream_first_byte_ns);
            }
        }
    }

    /// A connection to an upstream was made.
    pub fn upstream_connected(&self, id: UpstreamId) {
        let upstream = self.upstream_block(id);
        upstream.connects.add(1);
        upstream.open.add(1);
    }

    /// A connection to an upstream could not be made.
    pub fn upstream_connect_failed(&self, id: UpstreamId) {
        self.upstream_block(id).connect_failures.add(1);
    }

    /// A connection that was made is closed. One in the pool leaves it first.
    pub fn upstream_closed(&self, id: UpstreamId) {
        self.upstream_block(id).open.subtract(1);
    }

    /// A connection went into the pool.
    pub fn upstream_checked_in(&self, id: UpstreamId) {
        self.upstream_block(id).idle.add(1);
    }

    /// A connection left the pool, for an exchange (`reused`) or to be closed.
    pub fn upstream_checked_out(&self, id: UpstreamId, reused: bool) {
        let upstream = self.upstream_block(id);
        upstream.idle.subtract(1);
        upstream.reuses.add(u64::from(reused));
    }

    /// An attempt on this upstream failed, whether or not another follows.
    pub fn upstream_failed(&self, id: UpstreamId) {
        self.upstream_block(id).failures.add(1);
    }

    /// An attempt on this upstream repeats one that failed.
    pub fn upstream_retried(&self, id: UpstreamId) {
        self.upstream_block(id).retries.add(1);
    }

    /// An exchange found every connection of this upstream in use.
    pub fn upstream_full(&self, id: UpstreamId) {
        self.upstream_block(id).full.add(1);
    }

    /// An access-log record was put into the ring, or there was no room for it.
    pub fn log_pushed(&self, taken: bool) {
        if taken { self.log_written.add(1) } else { self.log_dropped.add(1) }
    }

    /// Copies the engine's own counters here; once a turn or less often.
    pub fn mirror_engine(&self, counters: &EngineCounters) {
        self.engine.store(counters);
    }

    fn upstream_block(&self, id: UpstreamId) -> &UpstreamBlock {
        let slot = (id.0 as usize).min(UPSTREAM_OTHER);
        self.upstreams[slot].get_or_init(Box::default)
    }
}

/// What control reads, at any time.
impl WorkerBlock {
    /// The worker's number.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// The system's number of the worker's thread; `None` before it started.
    pub fn thread(&self) -> Option<u64> {
        Some(self.thread.load(Ordering::Relaxed)).filter(|thread| *thread != 0)
    }

    /// The last acknowledged generation; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What the worker is doing.
    pub fn state(&self) -> WorkerState {
        match self.state.load(Ordering::Acquire) {
            0 => WorkerState::Starting,
            1 => WorkerState::Serving,
            2 => WorkerState::Draining,
            _ => WorkerState::Ended,
        }
    }

    /// Exchanges, and connections without one, that ended for this reason.
    pub fn reason_count(&self, reason: Reason) -> u64 {
        self.reasons.get(reason.index()).map_or(0, Counter::read)
    }

    /// Exchanges under way.
    pub fn requests_active(&self) -> u64 {
        self.requests_active.read()
    }

    /// Client connections accepted since the start.
    pub fn connections_accepted(&self) -> u64 {
        self.connections_accepted.read()
    }

    /// Client connections open now.
    pub fn connections_active(&self) -> u64 {
        self.connections_active.read()
    }

    /// Access-log records handed over.
    pub fn log_written(&self) -> u64 {
        self.log_written.read()
    }

    /// Access-log records for which the ring had no room.
    pub fn log_dropped(&self) -> u64 {
        self.log_dropped.read()
    }

    /// The engine's counters as last mirrored.
    pub fn engine(&self) -> EngineCounters {
        self.engine.load()
    }

    /// The routes that were asked for: below [`ROUTE_OTHER`] the slot is the route's number.
    pub fn routes(&self) -> impl Iterator<Item = (usize, &RouteBlock)> {
        self.routes.iter().enumerate().filter_map(|(slot, block)| Some((slot, &**block.get()?)))
    }

    /// The upstreams that were used: below [`UPSTREAM_OTHER`] the slot is the upstream's number.
    pub fn upstreams(&self) -> impl Iterator<Item = (usize, &UpstreamBlock)> {
        self.upstreams.iter().enumerate().filter_map(|(slot, block)| Some((slot, &**block.get()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::histogram::Merged;

    fn done(route: Option<u32>, status: u16) -> Done {
        Done {
            route: route.map(RouteId),
            upstream: Some(UpstreamId(0)),
            status,
            upstream_status: status,
            reason: Reason::Ok,
            bytes_in: 10,
            bytes_out: 100,
            duration_ns: 1_000_000,
            upstream_first_byte_ns: 500_000,
        }
    }

    fn record(block: &WorkerBlock, done: &Done) {
        block.request_begun();
        block.request_done(done);
    }

    #[test]
    fn counts_routes_beyond_the_cap_together() {
        let block = WorkerBlock::new(0);
        for id in [0, ROUTE_OTHER as u32, ROUTE_OTHER as u32 + 7, u32::MAX - 1] {
            record(&block, &done(Some(id), 200));
        }
        record(&block, &done(None, 404));
        let counts: Vec<_> = block
            .routes()
            .map(|(slot, route)| (slot, route.classes.iter().map(Counter::read).sum::<u64>()))
            .collect();
        assert_eq!(counts, [(0, 1), (ROUTE_OTHER, 3), (ROUTE_NONE, 1)]);
    }

    #[test]
    fn counts_upstreams_beyond_the_cap_together() {
        let block = WorkerBlock::new(0);
        for id in [1, UPSTREAM_OTHER as u32, UPSTREAM_OTHER as u32 + 1] {
            block.upstream_connected(UpstreamId(id));
        }
        let open: Vec<_> = block.upstreams().map(|(slot, up)| (slot, up.open.read())).collect();
        assert_eq!(open, [(1, 1), (UPSTREAM_OTHER, 2)]);
    }

    #[test]
    fn moves_a_connection_between_pool_and_use() {
        let block = WorkerBlock::new(0);
        let id = UpstreamId(3);
        let gauges = || {
            let (_, upstream) = block.upstreams().next().expect("one was used");
            (upstream.open.read(), upstream.idle.read(), upstream.reuses.read())
        };
        block.upstream_connected(id);
        assert_eq!(gauges(), (1, 0, 0));
        block.upstream_checked_in(id);
        assert_eq!(gauges(), (1, 1, 0));
        block.upstream_checked_out(id, true);
        assert_eq!(gauges(), (1, 0, 1));
        block.upstream_checked_in(id);
        block.upstream_checked_out(id, false);
        block.upstream_closed(id);
        assert_eq!(gauges(), (0, 0, 1));
    }

    #[test]
    fn gives_every_status_a_class() {
        let classes =
            [0, 101, 204, 304, 404, 502, 600].map(|status| StatusClass::of(status).label());
        assert_eq!(classes, ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "none"]);
        for (index, class) in StatusClass::ALL.iter().enumerate() {
            assert_eq!(*class as usize, index);
        }
    }

    #[test]
    fn is_read_by_one_thread_while_another_writes() {
        const REQUESTS: u64 = 50_000;
        let block = WorkerBlock::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..REQUESTS {
                    record(&block, &done(Some((number % 3) as u32), 200));
                    block
                        .mirror_engine(&EngineCounters { turns: number + 1, ..Default::default() });
                }
                block.enter(WorkerState::Ended);
            });
            let mut seen = 0;
            while block.state() != WorkerState::Ended {
                let ok = block.reason_count(Reason::Ok);
                assert!(ok >= seen, "a counter ran backwards");
                seen = ok;
                let mut merged = Merged::default();
                block.routes().for_each(|(_, route)| merged.add(&route.latency));
                assert!(merged.count() <= REQUESTS);
            }
        });
        let mut merged = Merged::default();
        block.routes().for_each(|(_, route)| merged.add(&route.latency));
        assert_eq!(merged.count(), REQUESTS);
        assert_eq!(block.reason_count(Reason::Ok), REQUESTS);
        assert_eq!(block.requests_active(), 0);
        assert_eq!(block.engine().turns, REQUESTS);
    }
}
