//! Counters that one worker writes and control reads, and the series that they belong to.
//!
//! A counter is added to by a relaxed load and a relaxed store. That is no atomic addition and
//! needs none, because a block has one writer. A [`Series`] has one block for each worker, made at
//! its first use; a snapshot holds the series of its routes and upstreams, so a name that stays
//! from one configuration to the next goes on counting where it stood.

pub mod histogram;
mod registry;

pub use registry::{Named, Registry};

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use histogram::Histogram;

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

impl fmt::Debug for Counter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.read())
    }
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
    /// Attempts that failed, by any reason that is the upstream's doing.
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

/// What one filter did, or all filters beyond the cap.
#[repr(align(64))]
#[derive(Default)]
pub struct FilterBlock {
    /// Requests that it let pass.
    pub passed: Counter,
    /// Requests that it refused.
    pub refused: Counter,
    /// Requests that it answered itself.
    pub answered: Counter,
    /// Requests that it would have refused, were it not only watching.
    pub shadowed: Counter,
    /// Questions to control.
    pub asked: Counter,
    /// Decisions for which what was found out before was enough.
    pub cache_hits: Counter,
    /// Decisions that had to be worked out anew.
    pub cache_misses: Counter,
    /// Bodies that it changed.
    pub bodies_changed: Counter,
    /// Bodies that were for it and that it could not read, so that they went on as they were.
    pub bodies_left: Counter,
    /// Gauge: requests under way that it counts.
    pub held: Counter,
}

impl UpstreamBlock {
    /// An exchange ended with an answer of this upstream, or with none (status 0).
    pub fn answered(&self, status: u16, first_byte_ns: u64) {
        self.classes[StatusClass::of(status) as usize].add(1);
        if first_byte_ns != 0 {
            self.first_byte.record(first_byte_ns);
        }
    }

    /// A connection was made.
    pub fn connected(&self) {
        self.connects.add(1);
        self.open.add(1);
    }

    /// A connection went into the pool.
    pub fn checked_in(&self) {
        self.idle.add(1);
    }

    /// A connection left the pool, for an exchange (`reused`) or to be closed.
    pub fn checked_out(&self, reused: bool) {
        self.idle.subtract(1);
        self.reuses.add(u64::from(reused));
    }

    /// A connection that was made is closed. One in the pool leaves it first.
    pub fn closed(&self) {
        self.open.subtract(1);
    }
}

/// What a block is added to when its series ends.
pub trait Block: Default {
    /// Adds what another block counted.
    fn absorb(&self, other: &Self);
}

fn absorb_all(into: &[Counter], from: &[Counter]) {
    for (total, counter) in into.iter().zip(from) {
        total.add(counter.read());
    }
}

impl Block for RouteBlock {
    fn absorb(&self, other: &RouteBlock) {
        absorb_all(&self.classes, &other.classes);
        self.bytes_in.add(other.bytes_in.read());
        self.bytes_out.add(other.bytes_out.read());
        self.latency.absorb(&other.latency);
    }
}

impl Block for FilterBlock {
    fn absorb(&self, other: &FilterBlock) {
        self.passed.add(other.passed.read());
        self.refused.add(other.refused.read());
        self.answered.add(other.answered.read());
        self.shadowed.add(other.shadowed.read());
        self.asked.add(other.asked.read());
        self.cache_hits.add(other.cache_hits.read());
        self.cache_misses.add(other.cache_misses.read());
        self.bodies_changed.add(other.bodies_changed.read());
        self.bodies_left.add(other.bodies_left.read());
        self.held.add(other.held.read());
    }
}

impl Block for UpstreamBlock {
    fn absorb(&self, other: &UpstreamBlock) {
        absorb_all(&self.classes, &other.classes);
        self.first_byte.absorb(&other.first_byte);
        self.failures.add(other.failures.read());
        self.retries.add(other.retries.read());
        self.connects.add(other.connects.read());
        self.connect_failures.add(other.connect_failures.read());
        self.reuses.add(other.reuses.read());
        self.open.add(other.open.read());
        self.idle.add(other.idle.read());
        self.full.add(other.full.read());
    }
}

/// The counters of one name: a block for each worker.
pub struct Series<T> {
    blocks: Box<[OnceLock<Box<T>>]>,
    /// What ended series counted, worker by worker: written by control alone.
    folded: Box<[OnceLock<Box<T>>]>,
}

impl<T: Block> Series<T> {
    /// All zero, for so many workers.
    pub fn new(workers_count: usize) -> Series<T> {
        let blocks = (0..workers_count.max(1)).map(|_| OnceLock::new()).collect();
        Series { blocks, folded: Box::default() }
    }

    fn folding(workers_count: usize) -> Series<T> {
        let folded = (0..workers_count.max(1)).map(|_| OnceLock::new()).collect();
        Series { folded, ..Series::new(workers_count) }
    }

    /// The block that this worker, and no other, writes.
    pub fn of(&self, worker: usize) -> &T {
        debug_assert!(worker < self.blocks.len());
        self.blocks[worker.min(self.blocks.len() - 1)].get_or_init(Box::default)
    }

    /// What was counted for a worker; nothing where it never was.
    pub fn read(&self, worker: usize) -> impl Iterator<Item = &T> {
        let blocks = [self.blocks.get(worker), self.folded.get(worker)];
        blocks.into_iter().flatten().filter_map(|block| block.get().map(|block| &**block))
    }

    fn fold(&self, ended: &Series<T>) {
        for (worker, into) in self.folded.iter().enumerate() {
            for block in ended.read(worker) {
                into.get_or_init(Box::default).absorb(block);
            }
        }
    }
}

impl<T> fmt::Debug for Series<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Series")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_a_connection_between_pool_and_use() {
        let block = UpstreamBlock::default();
        let gauges = || (block.open.read(), block.idle.read(), block.reuses.read());
        block.connected();
        assert_eq!(gauges(), (1, 0, 0));
        block.checked_in();
        assert_eq!(gauges(), (1, 1, 0));
        block.checked_out(true);
        assert_eq!(gauges(), (1, 0, 1));
        block.checked_in();
        block.checked_out(false);
        block.closed();
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
    fn each_worker_has_a_block_of_its_own() {
        let series: Series<RouteBlock> = Series::new(2);
        series.of(1).bytes_in.add(7);
        assert_eq!(series.read(0).count(), 0);
        assert_eq!(series.read(1).map(|block| block.bytes_in.read()).sum::<u64>(), 7);
    }
}
