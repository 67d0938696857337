//! Keys of issuers: fetched before they are needed, fetched again as they get old or as a token
//! names one that is missing, kept when nobody answers.

mod fetch;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::client::Clients;
use super::ledger::Ledger;
use super::questions::KeysAsked;
use crate::jwt::{KeySet, KeySource};
use crate::limits::{
    KEYS_FETCH_MS_MAX, KEYS_RETRY_MS_FIRST, KEYS_RETRY_MS_MAX, KEYS_TTL_MS, KEYS_TTL_MS_MAX,
    KEYS_TTL_MS_MIN, KEYS_UNKNOWN_MS, KEYS_WAITING_MAX,
};
use crate::snapshot::KeySets;

/// How often keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Where nobody says how long keys may be used.
    pub ttl: Duration,
    /// They are used at least this long.
    pub ttl_min: Duration,
    /// And at most this long.
    pub ttl_max: Duration,
    /// Until a fetch that failed is tried again; doubled each time.
    pub retry_first: Duration,
    /// Up to this.
    pub retry_max: Duration,
    /// Between two fetches that tokens with unknown keys cause.
    pub unknown: Duration,
    /// For one fetch.
    pub limit: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            ttl: Duration::from_millis(KEYS_TTL_MS),
            ttl_min: Duration::from_millis(KEYS_TTL_MS_MIN),
            ttl_max: Duration::from_millis(KEYS_TTL_MS_MAX),
            retry_first: Duration::from_millis(KEYS_RETRY_MS_FIRST),
            retry_max: Duration::from_millis(KEYS_RETRY_MS_MAX),
            unknown: Duration::from_millis(KEYS_UNKNOWN_MS),
            limit: Duration::from_millis(KEYS_FETCH_MS_MAX),
        }
    }
}

/// Places of keys that are fetched until this is dropped.
pub struct Identities {
    shared: Shared,
    sets: watch::Receiver<KeySets>,
    unasked: watch::Receiver<usize>,
    unasked_told: watch::Sender<usize>,
    tasks: BTreeMap<Arc<KeySource>, JoinHandle<()>>,
    doors: Doors,
    clerk: JoinHandle<()>,
}

/// What the tasks of all places share.
#[derive(Clone)]
struct Shared {
    clients: Arc<Clients>,
    ledger: Arc<Ledger>,
    sets: watch::Sender<KeySets>,
    /// Counts the sets that were not as the one before.
    versions: Arc<AtomicU64>,
    pace: Pace,
}

/// Who waits for a fetch.
type Waiting = oneshot::Sender<Option<Arc<KeySet>>>;

/// Where each place's task is told of those who wait.
type Doors = Arc<Mutex<BTreeMap<Arc<KeySource>, mpsc::Sender<Waiting>>>>;

impl Identities {
    /// Nothing to fetch yet; what filters ask comes through `asked`. Call it within a runtime.
    pub fn new(ledger: Arc<Ledger>, asked: mpsc::Receiver<KeysAsked>, pace: Pace) -> Identities {
        let (sets_told, sets) = watch::channel(KeySets::new());
        let (unasked_told, unasked) = watch::channel(0);
        let clients = Arc::new(Clients::default());
        let versions = Arc::new(AtomicU64::new(1));
        let shared = Shared { clients, ledger, sets: sets_told, versions, pace };
        let doors = Doors::default();
        let clerk = tokio::spawn(direct(asked, Arc::clone(&doors), sets.clone()));
        let tasks = BTreeMap::new();
        Identities { shared, sets, unasked, unasked_told, tasks, doors, clerk }
    }

    /// Fetches these too, where nobody does yet.
    pub fn add(&mut self, sources: impl IntoIterator<Item = Arc<KeySource>>) {
        for source in sources {
            if self.tasks.contains_key(&source) {
                continue;
            }
            let (door, waiting) = mpsc::channel(KEYS_WAITING_MAX);
            let place = Place {
                source: Arc::clone(&source),
                shared: self.shared.clone(),
                waiting,
                fetched_at: Instant::now(),
                retry: None,
            };
            self.unasked_told.send_modify(|count| *count += 1);
            let task = tokio::spawn(place.run(Unasked(self.unasked_told.clone())));
            self.doors().insert(Arc::clone(&source), door);
            self.tasks.insert(source, task);
        }
    }

    /// Forgets all places but these.
    pub fn retain(&mut self, sources: &BTreeSet<Arc<KeySource>>) {
        self.tasks.retain(|source, task| {
            let is_kept = sources.contains(source);
            if !is_kept {
                task.abort();
            }
            is_kept
        });
        self.doors().retain(|source, _| sources.contains(source));
        self.shared.sets.send_if_modified(|sets| {
            sets.retain(|source, _| sources.contains(source));
            false
        });
        self.shared.ledger.retain(|name| sources.iter().any(|source| source.name() == name));
    }

    /// Waits until each place was asked once, with or without success.
    pub async fn first(&mut self) {
        // It cannot close: its other end is here.
        let _ = self.unasked.wait_for(|count| *count == 0).await;
    }

    /// Waits until there are other keys.
    pub async fn changed(&mut self) {
        if self.sets.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// All keys as of now; [`Identities::changed`] then waits for what is newer.
    pub fn key_sets(&mut self) -> KeySets {
        self.sets.borrow_and_update().clone()
    }

    fn doors(&self) -> std::sync::MutexGuard<'_, BTreeMap<Arc<KeySource>, mpsc::Sender<Waiting>>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Identities {
    fn drop(&mut self) {
        self.tasks.values().for_each(JoinHandle::abort);
        self.clerk.abort();
    }
}

/// Brings what filters ask to the places that they ask about.
async fn direct(
    mut asked: mpsc::Receiver<KeysAsked>,
    doors: Doors,
    sets: watch::Receiver<KeySets>,
) {
    while let Some(KeysAsked { source, done }) = asked.recv().await {
        let door = doors.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned();
        let unheard = match door {
            Some(door) => door.try_send(done).err().map(|error| match error {
                mpsc::error::TrySendError::Full(done) => done,
                mpsc::error::TrySendError::Closed(done) => done,
            }),
            None => Some(done),
        };
        if let Some(done) = unheard {
            let known = sets.borrow().get(&source).cloned();
            // Who asked may have gone.
            let _ = done.send(known);
        }
    }
}

/// A place that was not asked yet, or that was given up before.
struct Unasked(watch::Sender<usize>);

impl Drop for Unasked {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// One place's task.
struct Place {
    source: Arc<KeySource>,
    shared: Shared,
    waiting: mpsc::Receiver<Waiting>,
    fetched_at: Instant,
    /// The pause before the last repetition, while it fails.
    retry: Option<Duration>,
}

impl Place {
    async fn run(mut self, unasked: Unasked) {
        let mut pause = self.fetch().await;
        drop(unasked);
        loop {
            tokio::select! {
                () = sleep_until(self.fetched_at + pause) => pause = self.fetch().await,
                Some(waiting) = self.waiting.recv() => {
                    // Whoever comes soon after a fetch gets what that brought.
                    if self.fetched_at.elapsed() >= self.shared.pace.unknown {
                        pause = self.fetch().await;
                    }
                    self.answer(waiting);
                }
            }
        }
    }

    /// Answers one who waits, and all who have come meanwhile.
    fn answer(&mut self, first: Waiting) {
        let known = self.shared.sets.borrow().get(&self.source).cloned();
        let mut next = Some(first);
        while let Some(waiting) = next {
            // Who asked may have gone.
            let _ = waiting.send(known.clone());
            next = self.waiting.try_recv().ok();
        }
    }

    /// Fetches once and says when to fetch again.
    async fn fetch(&mut self) -> Duration {
        let pace = self.shared.pace;
        let fetched = fetch::fetch(&self.shared.clients, &self.source, pace.limit).await;
        self.fetched_at = Instant::now();
        match fetched {
            Ok((set, max_age)) => {
                self.succeeded(set);
                let of_answer = || max_age.unwrap_or(pace.ttl).clamp(pace.ttl_min, pace.ttl_max);
                self.source.refresh_ms.map_or_else(of_answer, Duration::from_millis)
            }
            Err(error) => self.failed(&error),
        }
    }

    fn succeeded(&mut self, mut set: KeySet) {
        let (name, count) = (self.source.name(), set.keys().len());
        self.shared.ledger.fetched(name, count);
        if self.retry.take().is_some() {
            tracing::info!(source = name, keys = count, "the issuer's keys can be fetched again");
        }
        self.shared.sets.send_if_modified(|sets| {
            let known = sets.get(&self.source);
            if known.is_some_and(|known| known.has_same_keys(&set)) {
                return false;
            }
            if known.is_some() {
                tracing::info!(source = name, keys = count, "the issuer has other keys now");
            }
            set.version = self.shared.versions.fetch_add(1, Ordering::Relaxed);
            sets.insert(Arc::clone(&self.source), Arc::new(std::mem::take(&mut set)));
            true
        });
    }

    fn failed(&mut self, error: &str) -> Duration {
        let (name, pace) = (self.source.name(), self.shared.pace);
        self.shared.ledger.failed(name);
        if self.retry.is_none() {
            let sets = self.shared.sets.borrow();
            let kept = sets.get(&self.source).map_or(0, |set| set.keys().len());
            tracing::warn!(source = name, error, kept, "the issuer's keys cannot be fetched");
        }
        let pause = self.retry.map_or(pace.retry_first, |last| last.saturating_mul(2));
        let pause = pause.min(pace.retry_max);
        self.retry = Some(pause);
        // Gateways that lost an issuer together must not come back to it together.
        let jitter = RandomState::new().hash_one(name) % 512;
        pause * (1024 - u32::try_from(jitter).unwrap_or(0)) / 1024
    }
}

#[cfg(test)]
mod tests;
