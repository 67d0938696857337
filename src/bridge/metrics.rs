//! The counters of one worker: written by its thread alone, read by control at scrape.
//!
//! A reader sees each counter whole, though not all of them of one instant. Routes and upstreams
//! have series of their own ([`crate::meters::Series`]), which the snapshot holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::reason::Reason;
use super::stages::Stages;
pub use crate::meters::{Counter, RouteBlock, StatusClass, UpstreamBlock};

/// What a finished exchange adds to the counters.
#[derive(Clone, Copy)]
pub struct Done<'a> {
    /// This worker's block of the route, unless none was found.
    pub route: Option<&'a RouteBlock>,
    /// And of the upstream that was tried last; none for the gateway's own answers.
    pub upstream: Option<&'a UpstreamBlock>,
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

/// A worker's counters, those of routes and upstreams apart. About 125 KiB. A series of a route or
/// an upstream that was asked for is 8.5 KiB more a worker: at most 512 + 1 of each.
#[repr(align(64))]
pub struct WorkerBlock {
    /// Where the time of its requests went.
    pub stages: Stages,
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
    unrouted: RouteBlock,
}

impl WorkerBlock {
    /// The block of the worker of this number, all zero.
    pub fn new(worker: usize) -> Arc<WorkerBlock> {
        Arc::new(WorkerBlock {
            stages: Stages::default(),
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
            unrouted: RouteBlock::default(),
        })
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
    pub fn request_done(&self, done: &Done<'_>) {
        self.requests_active.subtract(1);
        self.note(done.reason);
        let route = done.route.unwrap_or(&self.unrouted);
        route.classes[StatusClass::of(done.status) as usize].add(1);
        route.bytes_in.add(done.bytes_in);
        route.bytes_out.add(done.bytes_out);
        route.latency.record(done.duration_ns);
        if let Some(upstream) = done.upstream {
            upstream.answered(done.upstream_status, done.upstream_first_byte_ns);
        }
    }

    /// An access-log record was put into the ring, or there was no room for it.
    pub fn log_pushed(&self, taken: bool) {
        if taken { self.log_written.add(1) } else { self.log_dropped.add(1) }
    }

    /// Copies the engine's own counters here; once a turn or less often.
    pub fn mirror_engine(&self, counters: &EngineCounters) {
        self.engine.store(counters);
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

    /// The exchanges that matched no route.
    pub fn unrouted(&self) -> &RouteBlock {
        &self.unrouted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::histogram::Merged;

    fn done(route: Option<&RouteBlock>, status: u16) -> Done<'_> {
        Done {
            route,
            upstream: None,
            status,
            upstream_status: status,
            reason: Reason::Ok,
            bytes_in: 10,
            bytes_out: 100,
            duration_ns: 1_000_000,
            upstream_first_byte_ns: 500_000,
        }
    }

    fn record(block: &WorkerBlock, done: &Done<'_>) {
        block.request_begun();
        block.request_done(done);
    }

    #[test]
    fn counts_exchanges_without_a_route_apart() {
        let block = WorkerBlock::new(0);
        let route = RouteBlock::default();
        record(&block, &done(Some(&route), 200));
        record(&block, &done(None, 404));
        let sum = |block: &RouteBlock| block.classes.iter().map(Counter::read).sum::<u64>();
        assert_eq!((sum(&route), sum(block.unrouted())), (1, 1));
    }

    #[test]
    fn is_read_by_one_thread_while_another_writes() {
        const REQUESTS: u64 = 50_000;
        let block = WorkerBlock::new(0);
        let routes: [RouteBlock; 3] = Default::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..REQUESTS {
                    record(&block, &done(Some(&routes[number as usize % 3]), 200));
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
                routes.iter().for_each(|route| merged.add(&route.latency));
                assert!(merged.count() <= REQUESTS);
            }
        });
        let mut merged = Merged::default();
        routes.iter().for_each(|route| merged.add(&route.latency));
        assert_eq!(merged.count(), REQUESTS);
        assert_eq!(block.reason_count(Reason::Ok), REQUESTS);
        assert_eq!(block.requests_active(), 0);
        assert_eq!(block.engine().turns, REQUESTS);
    }
}
