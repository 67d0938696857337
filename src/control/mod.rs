//! Housekeeping: everything slow, on one thread of its own that no worker waits for.
//!
//! It resolves names, compiles snapshots and hands them to the workers, answers on the admin
//! server, does what filters ask for, writes the access log (on a thread of its own) and brings the
//! workers to their end. It holds no state of the process, so several gateways may run in one.

pub mod names;
pub mod state;
pub mod process;
mod limiters;
pub mod report;
pub mod stats;
pub mod metrics;
pub mod resolve;
pub mod reload;
pub mod listeners;
pub mod watch;
pub mod recent;
pub mod admin;
pub mod logs;
pub mod signals;
#[cfg(feature = "authentication")]
pub mod client;
#[cfg(feature = "authentication")]
mod access;
#[cfg(not(feature = "authentication"))]
#[path = "access_absent.rs"]
mod access;
#[cfg(feature = "authentication")]
mod identity;
#[cfg(not(feature = "authentication"))]
#[path = "identity_absent.rs"]
mod identity;
pub mod ledger;
pub mod questions;
mod fleet;
mod housekeep;

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, watch as channel};

use crate::bridge::{WorkerBlock, log, mailbox, question};
use crate::error::ReloadError;
use crate::extension::Extensions;
use crate::limits::{
    BACKGROUND_NICE, CONTROL_COMMANDS_MAX, KEYS_WAITING_MAX, RELOADS_WAITING_MAX, STOP_GRACE_MS,
};
use crate::runtime::step_back;
use crate::snapshot::{Lineage, Meters};
use admin::Admin;
use fleet::Fleet;
use housekeep::Housekeeper;
use identity::{Identities, Pace};
use listeners::Listeners;
use logs::format::Format;
use logs::writer::{Output, Source, Writer};
use questions::Services;
use reload::install::{Current, Installer};
use reload::{Answer, Candidate, Input, Request, Trigger};
use resolve::Resolver;
use state::State;

/// What control needs to know of the configuration.
pub struct Settings {
    /// Where the admin server listens; none for no admin server.
    pub admin: Option<admin::Address>,
    /// The path of the metrics; none for no metrics.
    pub metrics_path: Option<String>,
    /// Where the access log goes and what a line of it looks like; none for no log.
    pub access_log: Option<(Output, Format)>,
    /// Where the configuration is kept, if it does not say so itself.
    pub kept_at: Option<PathBuf>,
    /// What the program has of its own.
    pub extensions: Extensions,
    /// Why the configuration that was asked for is not the one that is used, if so.
    pub fallback: Option<Arc<str>>,
}

/// Control's ends of what it shares with one worker.
pub struct WorkerHandle {
    /// For snapshots and orders.
    pub mailbox: mailbox::Sender,
    /// The worker's counters.
    pub block: Arc<WorkerBlock>,
    /// Its access-log records, if there is a log.
    pub log: Option<log::Reader>,
    /// What its filters ask.
    pub questions: question::Desk,
}

/// What control is started with.
pub struct Housekeeping {
    /// What it needs to know of the configuration.
    pub settings: Settings,
    /// The first configuration.
    pub first: Candidate,
    /// Its sockets, which the workers have.
    pub listeners: Listeners,
    /// Who resolves the names.
    pub resolver: Resolver,
    /// In the order of their numbers.
    pub workers: Vec<WorkerHandle>,
}

/// Why control cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ControlFault {
    /// The admin server's address cannot be had.
    #[error("the admin server cannot listen on {address}: {source}")]
    Admin {
        /// The address.
        address: admin::Address,
        /// Why.
        source: io::Error,
    },
    /// The access log's file cannot be opened.
    #[error("the access log cannot be opened: {0}")]
    AccessLog(#[source] io::Error),
    /// The process may open no further file descriptors or start no further thread.
    #[error("the control thread cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// How a gateway came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Asked to drain; every exchange ended by itself.
    Drained,
    /// Asked to drain; exchanges that took longer than the drain timeout were cut off.
    CutOff,
    /// Asked to stop at once, or dropped.
    Stopped,
    /// This worker ended unasked; the others were drained.
    WorkerLost {
        /// Its number.
        worker: usize,
    },
    /// The first snapshot could not be made: a defect.
    Refused {
        /// Why.
        text: String,
    },
    /// The control thread panicked.
    Died,
}

impl Ending {
    /// Whether it came because it was asked for.
    pub fn is_orderly(&self) -> bool {
        match self {
            Ending::Drained | Ending::CutOff | Ending::Stopped => true,
            Ending::WorkerLost { .. } | Ending::Refused { .. } | Ending::Died => false,
        }
    }

    /// This one if it tells of a fault, else the other.
    fn or(self, other: Ending) -> Ending {
        if self.is_orderly() { other } else { self }
    }
}

/// How far the gateway has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    Starting,
    Ready,
    /// Whoever waits for `Ready` may only see what came after it.
    Draining {
        was_ready: bool,
    },
    Ended(Ending),
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Drain,
    Stop,
    ReopenLogs,
}

/// Gives orders to one gateway, from any thread.
#[derive(Clone)]
pub struct Remote {
    commands: mpsc::Sender<Command>,
    reloads: mpsc::Sender<Request>,
}

impl Remote {
    /// Finish what is under way, then end.
    pub fn drain(&self) {
        self.tell(Command::Drain);
    }

    /// End now.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    /// Open the access log's file anew.
    pub fn reopen_logs(&self) {
        self.tell(Command::ReopenLogs);
    }

    /// Come to this configuration, and say what came of it. On any executor.
    ///
    /// # Errors
    /// [`ReloadError`]; but for one kind, the configuration in use stays.
    pub async fn reload(&self, input: Input) -> Answer {
        ask(&self.reloads, input, Trigger::Program).await
    }

    /// Read the file again; what comes of it is logged.
    pub fn reload_soon(&self) {
        let request = Request { input: Input::File, trigger: Trigger::Signal, answer: None };
        // Full: as many wait already. Closed: the end was reached.
        let _ = self.reloads.try_send(request);
    }

    fn tell(&self, command: Command) {
        // Full: as many orders wait already. Closed: the end was reached.
        let _ = self.commands.try_send(command);
    }
}

/// Asks for a reload and waits for what comes of it.
async fn ask(reloads: &mpsc::Sender<Request>, input: Input, trigger: Trigger) -> Answer {
    let (answer, answered) = oneshot::channel();
    let request = Request { input, trigger, answer: Some(answer) };
    reloads.try_send(request).map_err(|fault| match fault {
        mpsc::error::TrySendError::Full(_) => ReloadError::Busy,
        mpsc::error::TrySendError::Closed(_) => ReloadError::Ending,
    })?;
    // One that nobody answers was given up for the end.
    answered.await.unwrap_or(Err(ReloadError::Ending))
}

/// The running control thread. When it and all its remotes are dropped, the gateway stops.
pub struct Control {
    remote: Remote,
    progress: channel::Receiver<Progress>,
    admin_address: Option<admin::Address>,
    state: Arc<State>,
}

/// Opens what can fail to open and starts the thread.
///
/// # Errors
/// [`ControlFault`]: the admin's address, the log's file, or the system's bounds.
pub fn start(housekeeping: Housekeeping) -> Result<Control, ControlFault> {
    // Of its threads those that block: they read, compile and free while the workers serve.
    let behind = || step_back(BACKGROUND_NICE);
    let runtime = Builder::new_current_thread().enable_all().on_thread_start(behind).build()?;
    let (commands, inbox) = mpsc::channel(CONTROL_COMMANDS_MAX);
    let (reloads, reloads_inbox) = mpsc::channel(RELOADS_WAITING_MAX);
    let (progress, progress_seen) = channel::channel(Progress::Starting);
    let channels = Channels {
        commands: inbox,
        reloads: (reloads.clone(), reloads_inbox),
        progress: progress.clone(),
    };
    let (housekeeper, admin_address) = assemble(&runtime, housekeeping, channels)?;
    let state = Arc::clone(&housekeeper.installer.state);
    thread::Builder::new().name("frys-control".into()).spawn(move || {
        let ending = runtime.block_on(housekeeper.run());
        // Everything is let go of before the end is told: a successor may bind the same addresses.
        runtime.shutdown_timeout(Duration::from_millis(STOP_GRACE_MS));
        progress.send_replace(Progress::Ended(ending));
    })?;
    let remote = Remote { commands, reloads };
    Ok(Control { remote, progress: progress_seen, admin_address, state })
}

impl Control {
    /// For orders from elsewhere.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Where the admin server listens, with the port that the system chose.
    pub fn admin_address(&self) -> Option<&admin::Address> {
        self.admin_address.as_ref()
    }

    /// What the workers count, and how far the gateway has come.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Waits until all workers have installed the first snapshot. On any executor.
    ///
    /// # Errors
    /// How the gateway ended, if it did before.
    pub async fn ready(&mut self) -> Result<(), Ending> {
        let reached = |progress: &Progress| match progress {
            Progress::Starting | Progress::Draining { was_ready: false } => false,
            Progress::Ready | Progress::Draining { was_ready: true } | Progress::Ended(_) => true,
        };
        match self.progress.wait_for(reached).await.as_deref() {
            Ok(Progress::Ended(ending)) => Err(ending.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(Ending::Died),
        }
    }

    /// Waits for the end; all that control held is released by then. On any executor.
    pub async fn ended(&mut self) -> Ending {
        let reached = |progress: &Progress| matches!(progress, Progress::Ended(_));
        match self.progress.wait_for(reached).await.as_deref() {
            Ok(Progress::Ended(ending)) => ending.clone(),
            Ok(Progress::Starting | Progress::Ready | Progress::Draining { .. }) | Err(_) => {
                Ending::Died
            }
        }
    }

    /// [`Control::ready`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Control::ready`].
    pub fn wait_ready(&mut self) -> Result<(), Ending> {
        block_on(self.ready())
    }

    /// [`Control::ended`] for a thread without an executor.
    pub fn wait_ended(&mut self) -> Ending {
        block_on(self.ended())
    }

    /// [`Control::wait_ended`], but not for longer than this.
    pub fn wait_ended_within(&mut self, limit: Duration) -> Option<Ending> {
        block_on_within(self.ended(), limit)
    }
}

/// The thread's ends of its channels.
struct Channels {
    commands: mpsc::Receiver<Command>,
    reloads: (mpsc::Sender<Request>, mpsc::Receiver<Request>),
    progress: channel::Sender<Progress>,
}

fn assemble(
    runtime: &Runtime,
    housekeeping: Housekeeping,
    channels: Channels,
) -> Result<(Housekeeper, Option<admin::Address>), ControlFault> {
    let Housekeeping { settings, first, listeners, resolver, workers } = housekeeping;
    let _context = runtime.enter();
    let (mut mailboxes, mut blocks, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    let (keys, keys_asked) = mpsc::channel(KEYS_WAITING_MAX);
    let services = Services::new(Some(keys));
    for (worker, handle) in workers.into_iter().enumerate() {
        let WorkerHandle { mailbox, block, log, questions } = handle;
        questions::attend(&services, questions)?;
        mailboxes.push(mailbox);
        blocks.push(block);
        sources.extend(log.map(|reader| Source { worker, reader }));
    }
    let (fleet, ends) = Fleet::new(mailboxes)?;
    let log = match settings.access_log {
        None => None,
        Some((output, format)) => {
            Some(Writer::start(output, format, sources).map_err(ControlFault::AccessLog)?)
        }
    };
    let log_lost = log.as_ref().map_or_else(|| Arc::new(AtomicU64::new(0)), Writer::lost);
    let meters = Meters::new(blocks.len());
    let lineage = Lineage::new(Arc::clone(&meters), blocks.len());
    let state = State::new(blocks, log_lost, Arc::clone(&meters));
    let (reloads, reloads_inbox) = channels.reloads;
    let metrics_path = settings.metrics_path;
    let admin_address =
        start_admin(runtime, &state, settings.admin, metrics_path, reloads.clone())?;
    let (files, files_seen) = channel::channel(watch::Watched::default());
    runtime.spawn(watch::run(files_seen, reloads));
    let mut identities = Identities::new(Arc::clone(&state.keys), keys_asked, Pace::default());
    let mut first = first;
    identities.add(first.plan.key_sources());
    first.plan.enlist(&lineage, 1);
    first.write_down(settings.kept_at.as_deref());
    let (fixed, names) = (std::mem::take(&mut first.fixed), std::mem::take(&mut first.names));
    let installer = Installer {
        state,
        fleet,
        watched: resolver.watch(names),
        identities,
        files,
        meters,
        listeners,
        roll: log.as_ref().map(Writer::roll),
        fixed,
        current: Current::of(first),
        lineage: Some(lineage),
        generation: 0,
        extensions: settings.extensions,
        kept_at: settings.kept_at,
        gone: Vec::new(),
    };
    let housekeeper = Housekeeper {
        installer,
        ends,
        log,
        commands: channels.commands,
        reloads: reloads_inbox,
        progress: channels.progress,
        fallback: settings.fallback,
    };
    Ok((housekeeper, admin_address))
}

fn start_admin(
    runtime: &Runtime,
    state: &Arc<State>,
    address: Option<admin::Address>,
    metrics_path: Option<String>,
    reloads: mpsc::Sender<Request>,
) -> Result<Option<admin::Address>, ControlFault> {
    let Some(address) = address else { return Ok(None) };
    let bound = admin::bind(&address)
        .map_err(|source| ControlFault::Admin { address: address.clone(), source })?;
    let address = bound.address().clone();
    runtime.spawn(Admin::new(Arc::clone(state), metrics_path, &address, reloads).serve(bound));
    Ok(Some(address))
}

/// Runs a future that some other thread drives, by sleeping until it wakes this one.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = unparking();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// [`block_on`], but not for longer than this.
fn block_on_within<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    let mut future = pin!(future);
    let waker = unparking();
    let deadline = Instant::now() + limit;
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return Some(value),
            Poll::Pending => {
                let left = deadline.checked_duration_since(Instant::now())?;
                thread::park_timeout(left);
            }
        }
    }
}

/// Wakes the calling thread.
fn unparking() -> Waker {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Waker::from(Arc::new(Unpark(thread::current())))
}

#[cfg(test)]
mod tests;
