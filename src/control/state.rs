//! What the control thread's tasks share: the workers' blocks, the generations, and how far the
//! gateway has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::ledger::Ledger;
use super::names::Names;
use super::reload::{Outcome, Source};
use super::resolve::Addresses;
use crate::bridge::WorkerBlock;
use crate::meters::{FilterBlock, Named, RouteBlock, UpstreamBlock};
use crate::snapshot::{SharedMeters, Snapshot};

/// How far the gateway has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not all workers have acknowledged the first snapshot.
    Starting,
    /// All workers serve.
    Ready,
    /// The workers finish what is under way and take nothing new.
    Draining,
}

impl Phase {
    /// The word for `/stats`.
    pub const fn label(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Draining => "draining",
        }
    }
}

/// The configuration in use.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// Its first generation; 0 before there is one.
    pub generation: u64,
    /// Where it came from.
    pub source: Arc<Source>,
    /// Since when.
    pub since: Option<SystemTime>,
    /// Where it listens, with the ports that the system chose.
    pub addresses: Vec<String>,
    /// Why the one that was asked for at the start is not in use, if it is not.
    pub fallback: Option<Arc<str>>,
}

/// Where the names of one gateway count.
pub struct AllSeries {
    /// By route.
    pub routes: Vec<Named<RouteBlock>>,
    /// By cluster and upstream.
    pub upstreams: Vec<Named<UpstreamBlock>>,
    /// By filter.
    pub filters: Vec<Named<FilterBlock>>,
}

/// Read by the admin server, written by housekeeping.
pub struct State {
    /// When control started.
    pub started: Instant,
    /// One a worker, in the order of their numbers.
    pub blocks: Vec<Arc<WorkerBlock>>,
    /// Log lines that the output did not take.
    pub log_lost: Arc<AtomicU64>,
    /// How the places of keys are doing.
    pub keys: Arc<Ledger>,
    phase: Mutex<Phase>,
    meters: SharedMeters,
    generation: AtomicU64,
    /// Those that workers use, oldest first. A snapshot leaves the list when only the list has it,
    /// so no worker ever frees one.
    generations: Mutex<Vec<Arc<Snapshot>>>,
    addresses: Mutex<Addresses>,
    in_use: Mutex<InUse>,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    is_last_good: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// At the start, before any snapshot.
    pub fn new(
        blocks: Vec<Arc<WorkerBlock>>,
        log_lost: Arc<AtomicU64>,
        meters: SharedMeters,
    ) -> Arc<State> {
        Arc::new(State {
            started: Instant::now(),
            blocks,
            log_lost,
            keys: Arc::default(),
            phase: Mutex::new(Phase::Starting),
            meters,
            generation: AtomicU64::new(0),
            generations: Mutex::default(),
            addresses: Mutex::default(),
            in_use: Mutex::default(),
            outcomes: Default::default(),
            is_last_good: AtomicBool::new(true),
        })
    }

    /// How far the gateway has come.
    pub fn phase(&self) -> Phase {
        *locked(&self.phase)
    }

    /// Goes on to the next phase.
    pub fn enter(&self, phase: Phase) {
        *locked(&self.phase) = phase;
    }

    /// The series of all names.
    pub fn series(&self) -> AllSeries {
        let mut meters = locked(&self.meters);
        meters.routes.settle();
        meters.upstreams.settle();
        meters.filters.settle();
        AllSeries {
            routes: meters.routes.named(),
            upstreams: meters.upstreams.named(),
            filters: meters.filters.named(),
        }
    }

    /// The newest generation that was sent to the workers; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// A new snapshot goes out.
    pub fn install(&self, snapshot: Arc<Snapshot>) {
        self.generation.store(snapshot.generation, Ordering::Relaxed);
        locked(&self.generations).push(snapshot);
    }

    /// The workers have ended: what they served is let go of, though somebody may still read what
    /// they counted.
    pub fn close(&self) {
        locked(&self.generations).clear();
        locked(&self.in_use).source = Arc::default();
    }

    /// Takes out the snapshots that no worker uses any more, the newest apart.
    pub fn unused(&self) -> Vec<Arc<Snapshot>> {
        let mut generations = locked(&self.generations);
        let newest = self.generation();
        let is_unused = |snapshot: &mut Arc<Snapshot>| {
            snapshot.generation != newest && Arc::strong_count(snapshot) == 1
        };
        generations.extract_if(.., is_unused).collect()
    }

    /// Generations that a worker uses, by number, with the exchanges that began with each.
    pub fn generations(&self) -> Vec<(u64, u64)> {
        let generations = locked(&self.generations);
        let older = generations.iter().rev().skip(1).rev();
        let mut counts: Vec<(u64, u64)> = older
            .map(|snapshot| {
                let requests = snapshot.requests.iter().map(|counter| counter.read()).sum();
                (snapshot.generation, requests)
            })
            .collect();
        let active: u64 = self.blocks.iter().map(|block| block.requests_active()).sum();
        let of_older: u64 = counts.iter().map(|(_, count)| count).sum();
        counts.extend(
            generations.last().map(|newest| (newest.generation, active.saturating_sub(of_older))),
        );
        counts
    }

    /// The configuration in use.
    pub fn in_use(&self) -> InUse {
        locked(&self.in_use).clone()
    }

    /// A new configuration is in use.
    pub fn uses(&self, in_use: InUse) {
        *locked(&self.in_use) = in_use;
    }

    /// A reload came to this.
    pub fn count(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        self.is_last_good.store(outcome == Outcome::Installed, Ordering::Relaxed);
    }

    /// How many reloads came to this.
    pub fn outcome_count(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// Whether the last reload, if there was one, was installed.
    pub fn is_last_reload_good(&self) -> bool {
        self.is_last_good.load(Ordering::Relaxed)
    }

    /// The newest generation; none before the first.
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        locked(&self.generations).last().cloned()
    }

    /// What the numbers of a generation are called; none where it is not used any more.
    pub fn names_of(&self, generation: u64) -> Option<Names> {
        let generations = locked(&self.generations);
        let meant = generations.iter().find(|snapshot| snapshot.generation == generation);
        meant.map(|snapshot| Names::of(snapshot))
    }

    /// What the upstream names stand for, as of the newest snapshot.
    pub fn addresses(&self) -> Addresses {
        locked(&self.addresses).clone()
    }

    /// The names resolve to this from now on.
    pub fn resolve(&self, addresses: Addresses) {
        *locked(&self.addresses) = addresses;
    }

    /// How many workers use this generation or a newer one.
    pub fn acknowledged_count(&self, generation: u64) -> usize {
        self.blocks.iter().filter(|block| block.generation() >= generation).count()
    }

    /// Nothing if requests are welcome, else why not.
    pub fn unready(&self) -> Option<String> {
        match self.phase() {
            Phase::Ready => None,
            Phase::Draining => Some("draining: no new connections are taken".to_owned()),
            Phase::Starting => Some(format!(
                "starting: {} of {} workers have installed the first snapshot",
                self.acknowledged_count(1),
                self.blocks.len()
            )),
        }
    }
}
