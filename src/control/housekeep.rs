//! The control thread's loop: names, snapshots, readiness, and the end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::fleet::Ends;
use super::logs::writer;
use super::reload::install::Installer;
use super::reload::{Answer, Request};
use super::state::Phase;
use super::{Command, Ending, Progress};
use crate::bridge::Message;
use crate::limits::{
    CONTROL_TICK_MS, DNS_SETTLE_MS, DNS_START_MS_MAX, DRAIN_GRACE_MS, GENERATION_LOOK_MS,
    KEYS_START_MS_MAX, STOP_GRACE_MS,
};

/// What the loop works with.
pub struct Housekeeper {
    pub installer: Installer,
    pub ends: Ends,
    pub log: Option<writer::Writer>,
    pub commands: mpsc::Receiver<Command>,
    pub reloads: mpsc::Receiver<Request>,
    pub progress: watch::Sender<Progress>,
    /// Why the configuration that was asked for is not the one that is used, if so.
    pub fallback: Option<Arc<str>>,
}

/// Why serving ends.
enum Cause {
    Drain,
    Stop,
    Lost(usize),
    Broken(String),
}

/// What the loop does next.
enum Event {
    Reload(Request),
    Names,
    Keys,
    Tick,
}

impl Housekeeper {
    /// Starts the workers off, keeps them up to date, and ends them.
    pub async fn run(mut self) -> Ending {
        let cause = match self.begin().await {
            Ok(()) => self.serve().await,
            Err(cause) => cause,
        };
        let ending = self.end(cause).await;
        self.installer.state.close();
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
        let keys_limit = Duration::from_millis(KEYS_START_MS_MAX);
        let Housekeeper { installer, ends, log, commands, .. } = self;
        let Installer { watched, identities, .. } = installer;
        let known = async {
            tokio::join!(timeout(limit, watched.first()), timeout(keys_limit, identities.first()))
        };
        tokio::select! {
            cause = interruption(commands, ends, log.as_ref()) => return Err(cause),
            (names, keys) = known => {
                if names.is_err() {
                    tracing::warn!("starting without the addresses of all upstream names");
                }
                if keys.is_err() {
                    tracing::warn!("starting without the keys of all issuers");
                }
            }
        }
        installer.renew().await.map_err(|error| Cause::Broken(error.to_string()))?;
        installer.tell(self.fallback.take());
        Ok(())
    }

    async fn serve(&mut self) -> Cause {
        // One that came while others were gathered and asks for something else.
        let mut next = None;
        loop {
            let event = match next.take() {
                Some(request) => Event::Reload(request),
                None => match self.event().await {
                    Ok(event) => event,
                    Err(cause) => return cause,
                },
            };
            match event {
                Event::Reload(request) => {
                    let (answers, other) = gather(&request, &mut self.reloads);
                    next = other;
                    if let Err(cause) = self.reload(request, answers).await {
                        return cause;
                    }
                }
                Event::Names => {
                    sleep(Duration::from_millis(DNS_SETTLE_MS)).await;
                    self.renew().await;
                }
                // At once: a request may wait for them.
                Event::Keys => self.renew().await,
                Event::Tick => {
                    self.installer.fleet.retry();
                    self.installer.reap();
                    self.become_ready().await;
                }
            }
        }
    }

    /// Waits for something to do.
    async fn event(&mut self) -> Result<Event, Cause> {
        let is_starting = self.installer.state.phase() == Phase::Starting;
        let pause = match self.installer.fleet.is_behind() || is_starting {
            true => Some(CONTROL_TICK_MS),
            false => self.installer.has_old().then_some(GENERATION_LOOK_MS),
        };
        let Housekeeper { installer, ends, log, commands, reloads, .. } = self;
        tokio::select! {
            cause = interruption(commands, ends, log.as_ref()) => Err(cause),
            // Whoever may ask for one is there for as long as this loop.
            Some(request) = reloads.recv(), if !is_starting => Ok(Event::Reload(request)),
            () = installer.watched.changed() => Ok(Event::Names),
            () = installer.identities.changed() => Ok(Event::Keys),
            () = tick(pause) => Ok(Event::Tick),
        }
    }

    async fn renew(&mut self) {
        if let Err(error) = self.installer.renew().await {
            tracing::error!(%error, "the last snapshot stays in use");
        }
    }

    /// Comes to a new configuration while the gateway can still be told to end.
    async fn reload(&mut self, request: Request, others: Vec<Waiting>) -> Result<(), Cause> {
        let Housekeeper { installer, ends, log, commands, .. } = self;
        let Request { input, trigger, answer } = request;
        let outcome = tokio::select! {
            cause = interruption(commands, ends, log.as_ref()) => return Err(cause),
            outcome = installer.reload(input, trigger) => outcome,
        };
        // Reloads one after the other leave no time to look in between.
        installer.reap();
        for waiting in others.into_iter().chain([answer]).flatten() {
            // Who asked may have gone.
            let _ = waiting.send(outcome.clone());
        }
        Ok(())
    }

    async fn become_ready(&mut self) {
        let state = &self.installer.state;
        let all = state.blocks.len();
        if state.phase() == Phase::Starting && state.acknowledged_count(1) == all {
            self.enter(Phase::Ready, Progress::Ready);
            self.installer.keep().await;
        }
    }

    /// Drains, or stops at once, and waits for the workers as long as that may take.
    async fn end(&mut self, cause: Cause) -> Ending {
        let was_ready = self.installer.state.phase() == Phase::Ready;
        self.enter(Phase::Draining, Progress::Draining { was_ready });
        let mut ending = match cause {
            Cause::Drain => Ending::Drained,
            Cause::Stop => Ending::Stopped,
            Cause::Lost(worker) => Ending::WorkerLost { worker },
            Cause::Broken(text) => Ending::Refused { text },
        };
        let mut is_stopping = !matches!(ending, Ending::Drained | Ending::WorkerLost { .. });
        let mut deadline = self.order_end(is_stopping);
        while self.ends.alive_count() > 0 {
            let pause = self.installer.fleet.is_behind().then_some(CONTROL_TICK_MS);
            tokio::select! {
                _ = self.ends.next() => {}
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
                () = tick(pause) => self.installer.fleet.retry(),
                () = sleep_until(deadline) => {
                    if is_stopping {
                        tracing::error!(count = self.ends.alive_count(), "workers do not end");
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
            self.installer.fleet.send(|_| Message::Stop);
            return Instant::now() + Duration::from_millis(STOP_GRACE_MS);
        }
        let timeout = self.installer.current.drain_timeout;
        self.installer.fleet.send(|_| Message::Drain { timeout });
        Instant::now() + timeout + Duration::from_millis(DRAIN_GRACE_MS)
    }

    fn enter(&self, phase: Phase, progress: Progress) {
        self.installer.state.enter(phase);
        self.progress.send_replace(progress);
    }
}

/// Waits for what ends serving.
async fn interruption(
    commands: &mut mpsc::Receiver<Command>,
    ends: &mut Ends,
    log: Option<&writer::Writer>,
) -> Cause {
    loop {
        tokio::select! {
            worker = ends.next() => {
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

async fn tick(pause_ms: Option<u64>) {
    match pause_ms {
        Some(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
        None => pending().await,
    }
}

type Waiting = Option<oneshot::Sender<Answer>>;

/// Those who wait for the same as `request` does, up to the first that does not.
fn gather(
    request: &Request,
    reloads: &mut mpsc::Receiver<Request>,
) -> (Vec<Waiting>, Option<Request>) {
    let mut answers = Vec::new();
    while let Ok(next) = reloads.try_recv() {
        if !request.is_same(&next) {
            return (answers, Some(next));
        }
        answers.push(next.answer);
    }
    (answers, None)
}
