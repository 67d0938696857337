//! What the control thread's tasks share: the workers' blocks and how far the gateway has come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::names::Names;
use super::resolve::Addresses;
use crate::bridge::WorkerBlock;
use crate::config::{Document, GatewayConfig};
use crate::limits::NAMES_KEPT_COUNT;
use crate::snapshot::Snapshot;

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

/// A configuration as it is written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// What it says.
    pub config: Arc<GatewayConfig>,
    /// Where it says it; none of one that was built in Rust.
    pub document: Option<Arc<Document>>,
}

/// A configuration as it is served.
#[derive(Debug)]
pub struct Running {
    /// What it says.
    pub config: Arc<GatewayConfig>,
    /// Where it says it.
    pub document: Option<Arc<Document>>,
    /// What the workers read.
    pub snapshot: Arc<Snapshot>,
}

/// Read by the admin server, written by housekeeping.
pub struct State {
    /// When control started.
    pub started: Instant,
    /// One a worker, in the order of their numbers.
    pub blocks: Vec<Arc<WorkerBlock>>,
    /// Log lines that the output did not take.
    pub log_lost: Arc<AtomicU64>,
    phase: Mutex<Phase>,
    /// Of the newest generations, the newest last.
    names: Mutex<VecDeque<(u64, Arc<Names>)>>,
    generation: AtomicU64,
    addresses: Mutex<Addresses>,
    running: Mutex<Option<Arc<Running>>>,
}

impl State {
    /// At the start, before any snapshot.
    pub fn new(blocks: Vec<Arc<WorkerBlock>>, log_lost: Arc<AtomicU64>) -> Arc<State> {
        Arc::new(State {
            started: Instant::now(),
            blocks,
            log_lost,
            phase: Mutex::new(Phase::Starting),
            names: Mutex::default(),
            generation: AtomicU64::new(0),
            addresses: Mutex::default(),
            running: Mutex::default(),
        })
    }

    /// How far the gateway has come.
    pub fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to the next phase.
    pub fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// What the numbers in the blocks are called.
    pub fn names(&self) -> Arc<Names> {
        let kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        kept.back().map(|(_, names)| Arc::clone(names)).unwrap_or_default()
    }

    /// What the numbers of a generation are called; none where that is too long ago.
    pub fn names_of(&self, generation: u64) -> Option<Arc<Names>> {
        let kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = kept.iter().rev().find(|(number, _)| *number == generation);
        meant.map(|(_, names)| Arc::clone(names))
    }

    /// The newest generation that was sent to the workers; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// A new snapshot goes out.
    pub fn install(&self, generation: u64, names: Arc<Names>) {
        let mut kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((generation, names));
        if kept.len() > NAMES_KEPT_COUNT {
            kept.pop_front();
        }
        drop(kept);
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// What is served now; none before the first snapshot.
    pub fn running(&self) -> Option<Arc<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This is served from now on.
    pub fn serve(&self, written: &Written, snapshot: Arc<Snapshot>) {
        let Written { config, document } = written.clone();
        let running = Running { config, document, snapshot };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(running));
    }

    /// What the upstream names stand for, as of the newest snapshot.
    pub fn addresses(&self) -> Addresses {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names resolve to this from now on.
    pub fn resolve(&self, addresses: Addresses) {
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
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
