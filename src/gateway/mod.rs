//! The gateway as a whole: check, bind, start one worker a core and the control thread, end.

mod stats;

pub use stats::{
    ClassStats, FilterStats, LatencyStats, Stats, TrafficStats, UpstreamStats, WorkerStats,
};

mod extended;
mod worker;

use crate::bridge::mailbox::Acceptor;
use crate::bridge::{WorkerBlock, log, mailbox, question};
use crate::config::{
    AccessLogConfig, AccessLogFormat, AccessLogOutput, Fault, Format, GatewayConfig, ListenAddress,
    Loaded, Workers,
};
use crate::control::listeners::Listeners;
use crate::control::logs::{format, writer};
use crate::control::reload::{Candidate, Input, Reloaded};
use crate::control::resolve::Resolver;
use crate::control::state::State;
use crate::control::{
    self, Control, ControlFault, Ending, Housekeeping, Remote, Settings, WorkerHandle, admin,
};
use crate::error::{ConfigError, ReloadError, StartError};
use crate::extension::Extensions;
use crate::limits;
use crate::runtime;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A checked configuration, ready to be served. Several gateways can run in one process.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use frys_gateway::{Gateway, GatewayConfig, Route, Upstream};
///
/// let config = GatewayConfig {
///     listen_addr: "0.0.0.0:8080".parse()?,
///     routes: vec![Route {
///         id: "api-v1".into(),
///         path: "/api/v1/*".into(),
///         upstreams: vec![Upstream { url: "http://service-a:8080".parse()?, weight: 70 }],
///         ..Default::default()
///     }],
///     ..Default::default()
/// };
/// let gateway = Gateway::new(config).await?;
/// gateway.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    config: Arc<GatewayConfig>,
    /// Compiled by the check already: the first start takes it.
    candidate: Arc<Mutex<Option<Candidate>>>,
    extensions: Extensions,
    kept_at: Option<PathBuf>,
    fallback: Option<Arc<str>>,
}

/// A gateway that serves. Dropping it stops it at once, whoever has a [`Handle`] of it, and waits
/// until it is gone: some milliseconds, 2 s at most.
pub struct Running {
    control: Control,
    workers: Vec<JoinHandle<()>>,
    addresses: Vec<ListenAddress>,
}

/// Gives orders to a running gateway and reads what it counts, from any thread.
#[derive(Clone)]
pub struct Handle {
    remote: Remote,
    state: Arc<State>,
}

impl Gateway {
    /// Checks a configuration. Nothing is bound or started yet, and nothing is awaited.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub async fn new(config: GatewayConfig) -> Result<Gateway, ConfigError> {
        Gateway::checked(config)
    }

    /// [`Gateway::new`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Gateway::new`].
    pub fn checked(config: GatewayConfig) -> Result<Gateway, ConfigError> {
        Gateway::checked_with(config, Extensions::new())
    }

    fn of(config: GatewayConfig, candidate: Candidate, extensions: Extensions) -> Gateway {
        Gateway {
            config: Arc::new(config),
            candidate: Arc::new(Mutex::new(Some(candidate))),
            extensions,
            kept_at: None,
            fallback: None,
        }
    }

    /// What it serves.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }

    /// What [`Gateway::new`] checks.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn check(config: &GatewayConfig) -> Result<(), ConfigError> {
        Gateway::check_with(config, &Extensions::new())
    }

    /// Reads and checks a file in TOML, YAML or JSON, told by its ending. The running gateway reads
    /// it again when it changes, unless it says otherwise (`reload.watch`).
    ///
    /// # Errors
    /// Everything that is wrong with it, at once, each fault with its file, line and column.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Gateway, ConfigError> {
        Gateway::from_file_with(path, Extensions::new())
    }

    /// What [`Gateway::from_file`] reads and checks, with the places of all that it says.
    ///
    /// # Errors
    /// As [`Gateway::from_file`].
    pub fn check_file(path: impl AsRef<Path>) -> Result<Loaded, ConfigError> {
        Gateway::check_file_with(path, &Extensions::new())
    }

    /// The same for a text.
    ///
    /// # Errors
    /// As [`Gateway::from_file`]; faults name `name` as their file.
    pub fn from_text(text: &str, format: Format, name: &str) -> Result<Gateway, ConfigError> {
        let extensions = Extensions::new();
        let (candidate, config) = Candidate::from_text_loaded(text, format, name, &extensions)?;
        Ok(Gateway::of(config, candidate, extensions))
    }

    /// Reads what a gateway kept of the last configuration that it served, to serve it instead of
    /// the one in `file`, which was refused for `why`. Reloads read `file`.
    ///
    /// # Errors
    /// Everything that is wrong with what was kept.
    pub(crate) fn from_last_known_good(
        kept: &Path,
        file: &Path,
        why: &str,
    ) -> Result<Gateway, ConfigError> {
        let name = kept.display().to_string();
        let unreadable =
            |error: io::Error| Fault::new("", format!("{name}: cannot be read: {error}"));
        let text = std::fs::read_to_string(kept).map_err(unreadable)?;
        // The command has none, and it alone keeps and reads these.
        let extensions = Extensions::new();
        let (mut candidate, config) =
            Candidate::from_text_loaded(&text, Format::Json, &name, &extensions)?;
        candidate.source.file = Some(file.to_owned());
        let fallback = Some(why.into());
        Ok(Gateway { fallback, ..Gateway::of(config, candidate, extensions) })
    }

    /// Keeps each configuration that was installed at this path, where it does not name another.
    pub(crate) fn keeping(self, kept_at: Option<&Path>) -> Gateway {
        Gateway { kept_at: kept_at.map(Path::to_owned), ..self }
    }

    /// Serves until the gateway is asked to end. Any executor may await it, since the gateway
    /// brings its own threads; dropping the future stops the gateway at once.
    ///
    /// # Errors
    /// [`StartError`]: it could not start, or a thread of it ended unasked.
    pub async fn start(&self) -> Result<(), StartError> {
        self.launch()?.ended().await
    }

    /// [`Gateway::start`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn run(&self) -> Result<(), StartError> {
        self.launch()?.wait()
    }

    /// Starts the gateway and returns: it serves as soon as [`Running::ready`] says so.
    ///
    /// # Errors
    /// [`StartError`]: an address is taken, io_uring is refused, or a thread cannot start.
    pub fn launch(&self) -> Result<Running, StartError> {
        let config = &*self.config;
        let cores = cores(&config.workers);
        let first = self.candidate.lock().unwrap_or_else(PoisonError::into_inner).take();
        let first = match first {
            Some(first) => first,
            None => Candidate::built(config, &self.extensions)?,
        };
        let mut listeners = Listeners::new(cores.len());
        let of_workers = listen(&mut listeners, &first.listeners, cores.len())?;
        let settings = Settings {
            kept_at: self.kept_at.clone(),
            fallback: self.fallback.clone(),
            extensions: self.extensions.clone(),
            ..settings(config)?
        };
        let mut handles = Vec::new();
        let mut workers = Vec::new();
        let (told, started) = mpsc::channel();
        let epoch = Instant::now();
        for (number, (core, bound)) in cores.iter().zip(of_workers).enumerate() {
            let block = WorkerBlock::new(number);
            if config.admin.enabled && config.admin.recent_requests > 0 {
                block.keep_recent(config.admin.recent_requests.div_ceil(cores.len()));
            }
            let (mailbox, receiver) = mailbox::pair().map_err(|source| thread(number, source))?;
            let ring = config.access_log.is_some();
            let (log, reader) = ring.then(|| log::ring(limits::LOG_RING_BYTES, &block)).unzip();
            let (asker, questions) = question::pair().map_err(|source| thread(number, source))?;
            handles.push(WorkerHandle { mailbox, block: block.clone(), log: reader, questions });
            let plan = worker::Plan {
                number,
                count: cores.len(),
                core: *core,
                options: options(config, cores.len(), epoch),
                bound,
                receiver,
                asker,
                block,
                log,
            };
            workers.push(worker::spawn(plan, told.clone())?);
        }
        drop(told);
        for outcome in started {
            outcome.map_err(|fault: runtime::StartFault| StartError::Runtime {
                fault: fault.to_string(),
            })?;
        }
        let addresses = listeners.addresses();
        let log_output = config.access_log.as_ref().map(|log| &log.output);
        let control = start_control(settings, first, listeners, handles, log_output)?;
        Ok(Running { control, workers, addresses })
    }
}

impl Running {
    /// Where it listened at its start, in the configuration's order, with the ports that the system
    /// chose.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Where the admin listens, with the port that the system chose; `None` where it is off.
    pub fn admin_address(&self) -> Option<ListenAddress> {
        self.control.admin_address().map(|address| match address {
            admin::Address::Tcp(address) => ListenAddress::Tcp(*address),
            admin::Address::Unix(path) => ListenAddress::Unix(path.clone()),
        })
    }

    /// For orders from other threads.
    pub fn handle(&self) -> Handle {
        Handle { remote: self.control.remote(), state: self.control.state() }
    }

    /// What it has counted so far; see [`Handle::stats`].
    pub fn stats(&self) -> Stats {
        Stats::read(&self.control.state())
    }

    pub(crate) fn remote(&self) -> Remote {
        self.control.remote()
    }

    /// Waits until every worker serves.
    ///
    /// # Errors
    /// The gateway ended before.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        self.control.ready().await.map_err(|ending| of_ending(&ending, None))
    }

    /// [`Running::ready`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Running::ready`].
    pub fn wait_ready(&mut self) -> Result<(), StartError> {
        self.control.wait_ready().map_err(|ending| of_ending(&ending, None))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// It came unasked: a worker panicked, or control could not go on.
    pub async fn ended(mut self) -> Result<(), StartError> {
        let ending = self.control.ended().await;
        self.finish(&ending)
    }

    /// [`Running::ended`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Running::ended`].
    pub fn wait(mut self) -> Result<(), StartError> {
        let ending = self.control.wait_ended();
        self.finish(&ending)
    }

    fn finish(&mut self, ending: &Ending) -> Result<(), StartError> {
        let mut panicked = None;
        for (worker, thread) in self.workers.drain(..).enumerate() {
            if let Err(payload) = thread.join() {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                let message = text.unwrap_or("no message").to_owned();
                panicked.get_or_insert(StartError::WorkerPanicked { worker, message });
            }
        }
        if ending.is_orderly() && panicked.is_none() {
            return Ok(());
        }
        Err(of_ending(ending, panicked))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended takes no orders any more.
        self.control.remote().stop();
        // Nobody is to be served by a gateway that is not there.
        self.control.wait_ended_within(Duration::from_millis(limits::STOP_GRACE_MS));
    }
}

impl Handle {
    /// What the gateway has counted so far: read from the workers' counters without waiting for
    /// them, at about the cost of reading a few small files. After the end it says what was counted
    /// up to there.
    pub fn stats(&self) -> Stats {
        Stats::read(&self.state)
    }

    /// Finish what is under way within `drain_timeout`, then end.
    pub fn drain(&self) {
        self.remote.drain();
    }

    /// End now.
    pub fn stop(&self) {
        self.remote.stop();
    }

    /// Open the access log's file anew, after it was moved away.
    pub fn reopen_logs(&self) {
        self.remote.reopen_logs();
    }

    /// Reads the file of [`Gateway::from_file`] again. Any executor may await it.
    ///
    /// # Errors
    /// [`ReloadError`]: something is wrong with the new configuration, or there is no file. The one
    /// in use stays, but for [`ReloadError::Unacknowledged`].
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.remote.reload(Input::File).await
    }

    /// Serves another configuration from now on; no connection is closed and no request fails
    /// because of it. Any executor may await it.
    ///
    /// # Errors
    /// As [`Handle::reload`].
    pub async fn replace(&self, config: GatewayConfig) -> Result<Reloaded, ReloadError> {
        self.remote.reload(Input::Built(Box::new(config))).await
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gateway").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// Binds the addresses; the sockets of each worker.
fn listen(
    listeners: &mut Listeners,
    addresses: &[ListenAddress],
    workers_count: usize,
) -> Result<Vec<Vec<Acceptor>>, StartError> {
    let change = listeners.change(addresses).map_err(|refused| StartError::Listen {
        address: refused.address.to_string(),
        source: refused.source,
    })?;
    let mut of_workers: Vec<Vec<Acceptor>> = (0..workers_count).map(|_| Vec::new()).collect();
    for (_, acceptors) in listeners.apply(change) {
        for (own, acceptor) in of_workers.iter_mut().zip(acceptors) {
            own.push(acceptor);
        }
    }
    Ok(of_workers)
}

/// The core of each worker; `None` where there are more workers than cores.
fn cores(workers: &Workers) -> Vec<Option<usize>> {
    let own = runtime::cores();
    match workers {
        Workers::Auto => own.into_iter().map(Some).collect(),
        Workers::Count(count) => (0..*count).map(|number| own.get(number).copied()).collect(),
        Workers::Cores(cores) => cores.iter().copied().map(Some).collect(),
    }
}

fn options(config: &GatewayConfig, workers_count: usize, epoch: Instant) -> runtime::Options {
    let connections_max = config.connection_limits.max_connections as usize;
    runtime::Options {
        entries_count: config.runtime.entries,
        buffers_count: config.runtime.buffers,
        buffer_bytes: config.runtime.buffer_size,
        sockets_count_max: connections_max.div_ceil(workers_count) + limits::SOCKETS_SPARE_COUNT,
        // Limits that workers hold together compare their times.
        epoch: Some(epoch),
        ..runtime::Options::default()
    }
}

fn settings(config: &GatewayConfig) -> Result<Settings, StartError> {
    let access_log = config.access_log.as_ref().map(log_settings).transpose()?;
    let admin = config.admin.enabled.then(|| match &config.admin.address {
        ListenAddress::Tcp(address) => admin::Address::Tcp(*address),
        ListenAddress::Unix(path) => admin::Address::Unix(path.clone()),
    });
    Ok(Settings {
        admin,
        metrics_path: config.metrics_path().map(str::to_owned),
        access_log,
        extensions: Extensions::new(),
        kept_at: None,
        fallback: None,
    })
}

fn log_settings(log: &AccessLogConfig) -> Result<(writer::Output, format::Format), ConfigError> {
    let output = match &log.output {
        AccessLogOutput::Stdout => writer::Output::Stdout,
        AccessLogOutput::File(path) => writer::Output::File(path.clone()),
    };
    let format = match &log.format {
        AccessLogFormat::Json => format::Format::json(),
        AccessLogFormat::Text(text) => format::Format::parse(text).map_err(|fault| {
            ConfigError::from(Fault::new("access_log.format", fault.to_string()))
        })?,
    };
    Ok((output, format))
}

fn start_control(
    settings: Settings,
    first: Candidate,
    listeners: Listeners,
    workers: Vec<WorkerHandle>,
    log_output: Option<&AccessLogOutput>,
) -> Result<Control, StartError> {
    let resolver = Resolver::of_system().map_err(|fault| StartError::Control {
        what: "cannot read the system's resolver configuration".into(),
        source: io::Error::other(fault),
    })?;
    let housekeeping = Housekeeping { settings, first, listeners, resolver, workers };
    control::start(housekeeping).map_err(|fault| match fault {
        ControlFault::Admin { address, source } => {
            StartError::Listen { address: address.to_string(), source }
        }
        ControlFault::AccessLog(source) => {
            let what = match log_output {
                Some(AccessLogOutput::File(path)) => {
                    format!("cannot open the access log {}", path.display())
                }
                Some(AccessLogOutput::Stdout) | None => "cannot open the access log".to_owned(),
            };
            StartError::Control { what, source }
        }
        ControlFault::Thread(source) => StartError::Thread { what: "control".into(), source },
    })
}

fn thread(number: usize, source: io::Error) -> StartError {
    StartError::Thread { what: format!("worker {number}"), source }
}

fn of_ending(ending: &Ending, panicked: Option<StartError>) -> StartError {
    let what = match ending {
        Ending::WorkerLost { worker } => format!("worker {worker} ended unasked"),
        Ending::Refused { text } => text.clone(),
        Ending::Died => "the control thread ended unasked".to_owned(),
        Ending::Drained | Ending::CutOff | Ending::Stopped => "the gateway ended".to_owned(),
    };
    let source = io::Error::other("the gateway has ended");
    panicked.unwrap_or(StartError::Control { what, source })
}
