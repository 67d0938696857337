//! From a compiled configuration to the workers: the one place where anything changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};

use super::changes::{Changes, Prints};
use super::load::{Candidate, Fixed, side};
use super::{Answer, Input, Outcome, Reloaded, Request, SENT, Source, Trigger, keep, listed};
use crate::bridge::Message;
use crate::config::{ListenAddress, ReloadConfig};
use crate::control::fleet::Fleet;
use crate::control::identity::Identities;
use crate::control::listeners::{Change, Listeners};
use crate::control::names::{Names, Roll};
use crate::control::resolve::{Addresses, Watched};
use crate::control::state::{InUse, State};
use crate::control::watch as files;
use crate::error::{ConfigError, Fault, ReloadError};
use crate::extension::Extensions;
use crate::limits::{
    CONTROL_TICK_MS, DNS_RELOAD_MS_MAX, GENERATION_NAMES_MS, KEYS_RELOAD_MS_MAX,
    RELOAD_ACKNOWLEDGE_MS_MAX,
};
use crate::runtime::give_back_memory;
use crate::snapshot::{Lineage, Plan, SharedMeters, Snapshot};

/// Where the log's thread finds the names of generations.
pub type SharedRoll = Arc<Mutex<Arc<Roll>>>;

/// Brings the workers from one generation to the next.
pub struct Installer {
    pub(in crate::control) state: Arc<State>,
    pub(in crate::control) fleet: Fleet,
    pub(in crate::control) watched: Watched,
    pub(in crate::control) identities: Identities,
    pub(in crate::control) files: watch::Sender<files::Watched>,
    pub(in crate::control) meters: SharedMeters,
    pub(in crate::control) listeners: Listeners,
    pub(in crate::control) roll: Option<SharedRoll>,
    /// What was made at the start and stays.
    pub(in crate::control) fixed: Fixed,
    pub(in crate::control) current: Current,
    /// Away while a snapshot is made.
    pub(in crate::control) lineage: Option<Lineage>,
    pub(in crate::control) generation: u64,
    /// What the program has of its own, for every configuration.
    pub(in crate::control) extensions: Extensions,
    /// Where to keep the configuration, if the configuration does not say.
    pub(in crate::control) kept_at: Option<PathBuf>,
    /// Generations that no worker uses any more, and since when: the log may still tell of them.
    pub(in crate::control) gone: Vec<(Instant, u64)>,
}

/// The configuration in use.
pub struct Current {
    plan: Arc<Plan>,
    source: Arc<Source>,
    /// Until it is kept.
    tree: Option<Box<str>>,
    listeners: Vec<ListenAddress>,
    pub(in crate::control) drain_timeout: Duration,
    reload: ReloadConfig,
    prints: Prints,
}

impl Current {
    /// One that is taken over, without its names.
    pub fn of(candidate: Candidate) -> Current {
        let Candidate { plan, source, tree, listeners, drain_timeout, .. } = candidate;
        let (reload, prints) = (candidate.reload, candidate.prints);
        let (plan, source) = (Arc::new(plan), Arc::new(source));
        Current { plan, source, tree, listeners, drain_timeout, reload, prints }
    }
}

impl Installer {
    /// The same configuration with the addresses and the keys that are known now.
    ///
    /// # Errors
    /// The thread that makes the snapshot panicked.
    pub async fn renew(&mut self) -> Result<(), JoinError> {
        let plan = Arc::clone(&self.current.plan);
        let snapshot = self.compile(move |_, _| plan).await?;
        self.publish(snapshot);
        Ok(())
    }

    /// Makes a snapshot beside control's thread.
    async fn compile(
        &mut self,
        plan: impl FnOnce(&Lineage, u64) -> Arc<Plan> + Send + 'static,
    ) -> Result<(Snapshot, Arc<Plan>), JoinError> {
        let addresses = self.watched.addresses();
        let key_sets = self.identities.key_sets();
        let generation = self.generation + 1;
        let workers_count = self.state.blocks.len();
        let fresh = || Lineage::new(Arc::clone(&self.meters), workers_count);
        let mut lineage = self.lineage.take().unwrap_or_else(fresh);
        let made = spawn_blocking(move || {
            lineage.learn(key_sets);
            let plan = plan(&lineage, generation);
            let snapshot = plan.snapshot(&mut lineage, &addresses, generation);
            (snapshot, plan, lineage, addresses)
        });
        let (snapshot, plan, lineage, addresses): (_, _, _, Addresses) = made.await?;
        self.lineage = Some(lineage);
        self.state.resolve(addresses);
        Ok((snapshot, plan))
    }

    /// Hands a snapshot to the workers.
    fn publish(&mut self, (snapshot, _): (Snapshot, Arc<Plan>)) {
        let snapshot = Arc::new(snapshot);
        self.generation = snapshot.generation;
        self.name(|roll| {
            roll.insert(snapshot.generation, Arc::new(Names::of(&snapshot)));
        });
        self.state.install(Arc::clone(&snapshot));
        self.fleet.send(|_| Message::Install(Arc::clone(&snapshot)));
        tracing::debug!(generation = self.generation, "a snapshot was sent to the workers");
    }

    fn name(&self, change: impl FnOnce(&mut Roll)) {
        if let Some(shared) = &self.roll {
            let mut roll = Arc::clone(&shared.lock().unwrap_or_else(PoisonError::into_inner));
            change(Arc::make_mut(&mut roll));
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = roll;
        }
    }

    /// Frees, beside control's thread, what no worker uses any more.
    pub fn reap(&mut self) {
        let unused = self.state.unused();
        let now = Instant::now();
        self.gone.extend(unused.iter().map(|snapshot| (now, snapshot.generation)));
        if !unused.is_empty() {
            spawn_blocking(move || {
                drop(unused);
                give_back_memory();
            });
        }
        let grace = Duration::from_millis(GENERATION_NAMES_MS);
        let forgotten: Vec<_> = self.gone.extract_if(.., |(at, _)| *at + grace <= now).collect();
        if !forgotten.is_empty() {
            self.name(|roll| {
                for (_, generation) in forgotten {
                    roll.remove(&generation);
                }
            });
        }
    }

    /// Whether [`Installer::reap`] may find something.
    pub fn has_old(&self) -> bool {
        !self.gone.is_empty() || self.state.generations().len() > 1
    }

    /// Comes to a new configuration, or says why not; then all is as it was.
    pub async fn reload(&mut self, input: Input, trigger: Trigger) -> Answer {
        let name = self.name_of(&input);
        let answer = self.replace(input).await;
        let asked_by = trigger.label();
        match &answer {
            Ok(Reloaded { generation, changes }) => {
                self.state.count(Outcome::Installed);
                tracing::info!(generation, asked_by, "a new configuration is in use: {changes}");
            }
            Err(error) => {
                let outcome = match error {
                    ReloadError::Unacknowledged { .. } => Outcome::Unacknowledged,
                    _ => Outcome::Refused,
                };
                self.state.count(outcome);
                let text = match error {
                    ReloadError::Config(error) => listed(error, &name),
                    other => other.to_string(),
                };
                tracing::error!(asked_by, "the configuration in use stays: {text}");
            }
        }
        answer
    }

    /// What its faults are found in.
    fn name_of(&self, input: &Input) -> String {
        let source = &self.current.source;
        match (input, &source.file) {
            (Input::Text { .. }, _) => SENT.to_owned(),
            (Input::Built(_), _) => "the configuration".to_owned(),
            (Input::File, Some(file)) => file.display().to_string(),
            (Input::File, None) => source.name.clone(),
        }
    }

    async fn replace(&mut self, input: Input) -> Answer {
        // What a worker has not taken yet must not pile up behind it.
        if !self.is_acknowledged(self.generation).await {
            return Err(ReloadError::Busy);
        }
        let file = self.current.source.file.clone();
        let kept_at = self.kept_at.clone();
        let extensions = self.extensions.clone();
        let loaded = spawn_blocking(move || {
            let mut candidate = Candidate::load(input, file.as_deref(), &extensions)?;
            candidate.write_down(kept_at.as_deref());
            Ok::<_, ReloadError>(candidate)
        });
        let candidate = loaded.await.map_err(|error| broken(&error))??;
        self.refuse_restart(&candidate)?;
        let change = self.listeners.change(&candidate.listeners).map_err(|refused| {
            let address = refused.address.to_string();
            ReloadError::Listen { address, message: refused.source.to_string() }
        })?;
        self.watched.add(candidate.names.iter().cloned());
        self.identities.add(candidate.plan.key_sources());
        let limit = Duration::from_millis(DNS_RELOAD_MS_MAX);
        let keys_limit = Duration::from_millis(KEYS_RELOAD_MS_MAX);
        let (names, keys) = tokio::join!(
            timeout(limit, self.watched.first()),
            timeout(keys_limit, self.identities.first())
        );
        if names.is_err() {
            tracing::warn!("some upstream names have no address yet");
        }
        if keys.is_err() {
            tracing::warn!("some issuers have not told their keys yet");
        }
        let changes = self.install(candidate, change).await?;
        let generation = self.generation;
        if !self.is_acknowledged(generation).await {
            let blocks = self.state.blocks.iter();
            let late = blocks.filter(|block| block.generation() < generation);
            let workers = late.map(|block| block.worker()).collect();
            return Err(ReloadError::Unacknowledged { generation, workers });
        }
        self.keep().await;
        Ok(Reloaded { generation, changes })
    }

    /// What cannot change live is refused with all its keys, and nothing is applied.
    fn refuse_restart(&self, candidate: &Candidate) -> Result<(), ConfigError> {
        let mut faults: Vec<Fault> = self.fixed.faults(&candidate.fixed);
        if faults.is_empty() {
            return Ok(());
        }
        if let Some(document) = &candidate.document {
            document.locate(&mut faults);
        }
        Err(ConfigError { faults })
    }

    /// From here on nothing can fail but the machine.
    async fn install(
        &mut self,
        candidate: Candidate,
        change: Change,
    ) -> Result<Changes, ReloadError> {
        let Current { plan, listeners, prints, .. } = &self.current;
        let mut changes = Changes::between(&side(plan, listeners, prints), &candidate.side());
        changes.note_filters(plan.changed_filters(&candidate.plan));
        let Candidate { mut plan, source, tree, names, listeners, drain_timeout, .. } = candidate;
        let (reload, prints, document) = (candidate.reload, candidate.prints, candidate.document);
        let made = self.compile(move |lineage, generation| {
            drop(document);
            plan.enlist(lineage, generation);
            Arc::new(plan)
        });
        let (snapshot, plan) = made.await.map_err(|error| broken(&error))?;
        self.publish((snapshot, Arc::clone(&plan)));
        self.watched.retain(&names);
        self.identities.retain(&plan.key_sources());
        let removed: Arc<[u32]> = change.removed.clone().into();
        for (number, acceptors) in self.listeners.apply(change) {
            let mut acceptors = acceptors.into_iter();
            self.fleet.send(|_| {
                let acceptor = acceptors.next().expect("it was bound once for each worker");
                Message::Listen(number, acceptor)
            });
        }
        if !removed.is_empty() {
            self.fleet.send(|_| Message::Unlisten(Arc::clone(&removed)));
        }
        let source = Arc::new(source);
        let next = Current { plan, source, tree, listeners, drain_timeout, reload, prints };
        let old = std::mem::replace(&mut self.current, next);
        // A router of many routes takes a while to be freed.
        spawn_blocking(move || drop(old));
        self.tell(None);
        Ok(changes)
    }

    /// Tells the admin server and the watch what is in use.
    pub fn tell(&self, fallback: Option<Arc<str>>) {
        self.state.uses(InUse {
            generation: self.generation.max(1),
            source: Arc::clone(&self.current.source),
            since: Some(SystemTime::now()),
            addresses: self.listeners.addresses().iter().map(ListenAddress::to_string).collect(),
            fallback,
        });
        let source = &self.current.source;
        let mut files = source.files.clone();
        files.extend(source.file.iter().filter(|file| !source.files.contains(file)).cloned());
        if !self.current.reload.watch || source.file.is_none() {
            files.clear();
        }
        let listings = if files.is_empty() { Vec::new() } else { source.listings.clone() };
        self.files.send_if_modified(|watched| {
            let now = files::Watched { files, listings };
            let is_new = *watched != now;
            *watched = now;
            is_new
        });
    }

    /// Keeps the configuration in use on disk, where that is wanted.
    pub async fn keep(&mut self) {
        let tree = self.current.tree.take();
        let path = self.current.reload.last_known_good.as_ref().or(self.kept_at.as_ref()).cloned();
        let written = spawn_blocking(move || {
            if let Some((path, tree)) = path.zip(tree)
                && let Err(error) = keep::write(Path::new(&path), &tree)
            {
                let path = path.display();
                tracing::error!(%error, %path, "the last-known-good configuration is not kept");
            }
            // What the reading and the compiling took is free by now.
            give_back_memory();
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "the last-known-good configuration is not kept");
        }
    }

    /// Waits, not for ever, until every worker uses this generation.
    async fn is_acknowledged(&mut self, generation: u64) -> bool {
        let deadline = Instant::now() + Duration::from_millis(RELOAD_ACKNOWLEDGE_MS_MAX);
        // A worker takes it at its next turn, so the first look is soon.
        let mut pause_ms = 1;
        while self.state.acknowledged_count(generation) < self.state.blocks.len() {
            if Instant::now() >= deadline {
                return false;
            }
            self.fleet.retry();
            sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms + 1).min(CONTROL_TICK_MS);
        }
        true
    }
}

fn broken(error: &JoinError) -> ReloadError {
    ReloadError::Config(
        Fault::new("", format!("the compiler of configurations failed: {error}")).into(),
    )
}

impl Request {
    /// Whether another one asks for the same.
    pub fn is_same(&self, other: &Request) -> bool {
        matches!((&self.input, &other.input), (Input::File, Input::File))
    }
}
