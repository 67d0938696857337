//! The control thread's loop: names, snapshots, readiness, and the end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::fleet::Fleet;
use super::logs::writer;
use super::names::Names;
use super::resolve::{Addresses, Watched};
use super::state::{Phase, State, Written};
use super::{Command, Ending, Progress};
use crate::bridge::Message;
use crate::limits::{
    CONTROL_TICK_MS, DNS_SETTLE_MS, DNS_START_MS_MAX, DRAIN_GRACE_MS, STOP_GRACE_MS,
};
use crate::snapshot::Snapshot;

/// Makes a snapshot of this generation with these addresses, or says why there is none.
pub type Compile = dyn Fn(&Addresses, u64) -> Result<Snapshot, String> + Send + Sync;

/// What the loop works with.
pub struct Housekeeper {
    pub compile: Arc<Compile>,
    pub drain_timeout: Duration,
    pub written: Written,
    pub state: Arc<State>,
    pub fleet: Fleet,
    pub watched: Watched,
    pub log: Option<writer::Writer>,
    pub commands: mpsc::Receiver<Command>,
    pub progress: watch::Sender<Progress>,
    pub generation: u64,
}

/// Why serving ends.
enum Cause {
    Drain,
    Stop,
    Lost(usize),
    Refused(String),
}

impl Housekeeper {
    /// Starts the workers off, keeps them up to date, and ends them.
    pub async fn run(mut self) -> Ending {
        let cause = match self.begin().await {
            Ok(()) => self.serve().await,
            Err(cause) => cause,
        };
        let ending = self.end(cause).await;
        if let Some(log) = self.log.take()
            && !log.finish().await
        {
            tracing::warn!("the access log's output did not take its last lines");
        }
        ending
    }

    /// Up to the first snapshot: with the names that answer in time.
    async fn begin(&mut self) -> Result<(), Cause> {
        let limit = Duration::from_millis(DNS_START_MS_MAX);
        tokio::select! {
            cause = interruption(&mut self.commands, &mut self.fleet, self.log.as_ref()) => {
                return Err(cause);
            }
            first = timeout(limit, self.watched.first()) => {
                if first.is_err() {
                    tracing::warn!("starting without the addresses of all upstream names");
                }
            }
        }
        self.install().await.map_err(Cause::Refused)
    }

    async fn serve(&mut self) -> Cause {
        loop {
            let is_ticking = self.fleet.is_behind() || self.state.phase() == Phase::Starting;
            tokio::select! {
                cause = interruption(&mut self.commands, &mut self.fleet, self.log.as_ref()) => {
                    return cause;
                }
                () = self.watched.changed() => {
                    sleep(Duration::from_millis(DNS_SETTLE_MS)).await;
                    if let Err(text) = self.install().await {
                        tracing::error!(text, "the last snapshot stays in use");
                    }
                }
                () = tick(is_ticking) => {
                    self.fleet.retry();
                    self.become_ready();
                }
            }
        }
    }

    /// Compiles what is known now and hands it to the workers.
    async fn install(&mut self) -> Result<(), String> {
        let addresses = self.watched.addresses();
        let (compile, generation) = (Arc::clone(&self.compile), self.generation + 1);
        // A large router takes a while, in which the admin server goes on.
        let compiled = tokio::task::spawn_blocking(move || {
            compile(&addresses, generation).map(|snapshot| (snapshot, addresses))
        });
        let (snapshot, addresses) = compiled.await.map_err(|error| error.to_string())??;
        self.state.resolve(addresses);
        let names = Arc::new(Names::of(&snapshot));
        if let Some(log) = &self.log {
            log.name(Arc::clone(&names));
        }
        self.generation = generation;
        self.state.install(generation, names);
        let snapshot = Arc::new(snapshot);
        self.state.serve(&self.written, Arc::clone(&snapshot));
        self.fleet.send(&Message::Install(snapshot));
        tracing::debug!(generation, "a snapshot was sent to the workers");
        Ok(())
    }

    fn become_ready(&mut self) {
        let all = self.state.blocks.len();
        if self.state.phase() == Phase::Starting && self.state.acknowledged_count(1) == all {
            self.enter(Phase::Ready, Progress::Ready);
        }
    }

    /// Drains, or stops at once, and waits for the workers as long as that may take.
    async fn end(&mut self, cause: Cause) -> Ending {
        let was_ready = self.state.phase() == Phase::Ready;
        self.enter(Phase::Draining, Progress::Draining { was_ready });
        let mut ending = match cause {
            Cause::Drain => Ending::Drained,
            Cause::Stop => Ending::Stopped,
            Cause::Lost(worker) => Ending::WorkerLost { worker },
            Cause::Refused(text) => Ending::Refused { text },
        };
        let mut is_stopping = !matches!(ending, Ending::Drained | Ending::WorkerLost { .. });
        let mut deadline = self.order_end(is_stopping);
        while self.fleet.alive_count() > 0 {
            let is_behind = self.fleet.is_behind();
            tokio::select! {
                _ = self.fleet.ended() => {}
                command = next_command(&mut self.commands) => match command {
                    Command::Drain => {}
                    Command::ReopenLogs => reopen(self.log.as_ref()),
                    Command::Stop if is_stopping => {}
                    Command::Stop => {
                        is_stopping = true;
                        ending = ending.or(Ending::Stopped);
                        deadline = self.order_end(is_stopping);
                    }
                },
                () = tick(is_behind) => self.fleet.retry(),
                () = sleep_until(deadline) => {
                    if is_stopping {
                        tracing::error!(count = self.fleet.alive_count(), "workers do not end");
                        break;
                    }
                    is_stopping = true;
                    ending = ending.or(Ending::CutOff);
                    deadline = self.order_end(is_stopping);
                }
            }
        }
        ending
    }

    /// Tells the workers and says by when they must have ended.
    fn order_end(&mut self, is_stopping: bool) -> Instant {
        if is_stopping {
            self.fleet.send(&Message::Stop);
            return Instant::now() + Duration::from_millis(STOP_GRACE_MS);
        }
        self.fleet.send(&Message::Drain { timeout: self.drain_timeout });
        Instant::now() + self.drain_timeout + Duration::from_millis(DRAIN_GRACE_MS)
    }

    fn enter(&self, phase: Phase, progress: Progress) {
        self.state.enter(phase);
        self.progress.send_replace(progress);
    }
}

/// Waits for what ends serving.
async fn interruption(
    commands: &mut mpsc::Receiver<Command>,
    fleet: &mut Fleet,
    log: Option<&writer::Writer>,
) -> Cause {
    loop {
        tokio::select! {
            worker = fleet.ended() => {
                tracing::error!(worker, "the worker ended unasked; the others drain");
                return Cause::Lost(worker);
            }
            command = commands.recv() => match command {
                Some(Command::Drain) => return Cause::Drain,
                Some(Command::Stop) => return Cause::Stop,
                Some(Command::ReopenLogs) => reopen(log),
                // Nobody is left to command: the gateway was dropped.
                None => return Cause::Stop,
            },
        }
    }
}

/// The next command, while the end is under way; that nobody is left to command is no news then.
async fn next_command(commands: &mut mpsc::Receiver<Command>) -> Command {
    match commands.recv().await {
        Some(command) => command,
        None => pending().await,
    }
}

fn reopen(log: Option<&writer::Writer>) {
    if let Some(log) = log {
        log.reopen();
    }
}

async fn tick(is_needed: bool) {
    if is_needed {
        sleep(Duration::from_millis(CONTROL_TICK_MS)).await;
    } else {
        pending().await
    }
}
