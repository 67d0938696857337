//! The test upstream: a server on the gateway's own engine that answers as its requests ask,
//! fast or slow, whole or failing. `tools/upstream/README.md` lists what can be asked for.
//!
//! It runs in the process of a demo, a test or a measurement ([`start`]), or by itself
//! (`frys-upstream`).

mod answer;
mod asked;
mod behaviour;
mod client;
mod delay;
mod failure;
mod intake;
mod outgoing;
mod schedule;
mod server;

pub use behaviour::{Defaults, name_of};
pub use delay::Delay;
pub use failure::Failure;
pub use schedule::Stall;

use crate::limits;
use crate::runtime::{self, Listener, Runtime, StartFault};

use self::schedule::Schedule;
use self::server::Server;
use super::random::Random;

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// How a test upstream serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 for one that the system chooses.
    pub listen: SocketAddr,
    /// Threads, each with a listener of its own.
    pub threads_count: usize,
    /// Cores that the threads are pinned to, in turn; empty for none.
    pub cores: Vec<usize>,
    /// Decides every draw: of delays and of failures.
    pub seed: u64,
    /// What holds for requests that do not say otherwise.
    pub defaults: Defaults,
    /// Requests a second that are served, one behind the other at equal distances, over all
    /// threads; `None` for as many as come.
    pub service_rate: Option<u64>,
    /// When the whole server answers nothing.
    pub stall: Option<Stall>,
}

/// Why a test upstream did not start.
#[derive(Debug, Error)]
pub enum Fault {
    /// An option that cannot be had.
    #[error("{option}: {message}")]
    Option {
        /// Its name, as on the command line.
        option: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The address cannot be listened at.
    #[error("listen: cannot listen at {address}: {source}")]
    Listen {
        /// The address as it was asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The ring of a thread was refused.
    #[error(transparent)]
    Ring(StartFault),
}

/// A thread of the upstream panicked; it printed why.
#[derive(Debug, Error)]
#[error("a thread of the upstream panicked")]
pub struct Panicked;

/// A server that runs on threads of its own. Dropping it stops it and waits for its threads.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stopper: Stopper,
    threads: Vec<JoinHandle<()>>,
}

/// Stops a server, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    /// The far ends of what each thread listens to.
    bells: Arc<Vec<UnixStream>>,
}

impl Default for Options {
    /// One thread, pinned nowhere, on a free port of loopback.
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            threads_count: 1,
            cores: Vec::new(),
            seed: 0,
            defaults: Defaults::default(),
            service_rate: None,
            stall: None,
        }
    }
}

/// Binds and serves.
///
/// # Errors
/// [`Fault`]: an option that cannot be had, the address, a thread or a ring that is refused.
/// Nothing is left running then.
pub fn start(options: &Options) -> Result<Running, Fault> {
    check(options)?;
    let listen_fault = |source| Fault::Listen { address: options.listen, source };
    let listeners = bind(options.listen, options.threads_count).map_err(listen_fault)?;
    let address = listeners[0].local_addr().map_err(listen_fault)?;
    let schedule = Arc::new(Schedule::new(options.service_rate, options.stall));
    let pairs: Result<Vec<_>, _> = listeners.iter().map(|_| UnixStream::pair()).collect();
    let (bells, heard): (Vec<_>, Vec<_>) = pairs.map_err(Fault::Thread)?.into_iter().unzip();
    let stopper = Stopper { bells: Arc::new(bells) };
    let mut running = Running { address, stopper, threads: Vec::new() };
    let (report, reports) = mpsc::channel();
    let begun = Instant::now();
    for (number, (listener, heard)) in listeners.into_iter().zip(heard).enumerate() {
        let worker = Worker {
            listener,
            heard,
            core: options.cores.get(number % options.cores.len().max(1)).copied(),
            defaults: options.defaults.clone(),
            schedule: Arc::clone(&schedule),
            // Any two seeds and any two threads draw differently.
            random: Random::new(options.seed, number as u64),
            begun,
            report: report.clone(),
            stops: Stops(running.stopper.clone()),
        };
        let builder = Builder::new().name(format!("upstream-{number}"));
        let thread = builder.spawn(move || worker.run()).map_err(Fault::Thread)?;
        running.threads.push(thread);
    }
    drop(report);
    let mut started_count = 0;
    for started in reports.iter().take(options.threads_count) {
        started?;
        started_count += 1;
    }
    if started_count < options.threads_count {
        return Err(Fault::Thread(io::Error::other("it ended at its start")));
    }
    Ok(running)
}

/// Serves on a runtime of the caller's until the listener closes; address, threads and cores of
/// `options` are not looked at.
pub async fn serve(runtime: &Runtime, listener: Listener, options: &Options) {
    let server = Server {
        runtime: runtime.clone(),
        defaults: options.defaults.clone(),
        schedule: Arc::new(Schedule::new(options.service_rate, options.stall)),
        age_ns: 0,
        random: RefCell::new(Random::new(options.seed, u64::MAX)),
    };
    Rc::new(server).accept(listener).await;
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until it is stopped.
    ///
    /// # Errors
    /// [`Panicked`]: it ended unasked.
    pub fn wait(mut self) -> Result<(), Panicked> {
        self.join()
    }

    /// Stops it: connections close with what they have queued, within a bounded time.
    ///
    /// # Errors
    /// [`Panicked`]: it had ended unasked.
    pub fn stop(mut self) -> Result<(), Panicked> {
        self.stopper.stop();
        self.join()
    }

    fn join(&mut self) -> Result<(), Panicked> {
        let outcomes = self.threads.drain(..).map(JoinHandle::join);
        let failed_count = outcomes.filter(Result::is_err).count();
        if failed_count == 0 { Ok(()) } else { Err(Panicked) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        // A panic of a thread was printed there.
        let _ = self.join();
    }
}

impl Stopper {
    /// Stops the server; again it changes nothing.
    pub fn stop(&self) {
        for bell in self.bells.iter() {
            // A thread that has ended needs no telling.
            let _ = bell.shutdown(Shutdown::Both);
        }
    }
}

/// One thread that is about to start.
struct Worker {
    listener: TcpListener,
    heard: UnixStream,
    core: Option<usize>,
    defaults: Defaults,
    schedule: Arc<Schedule>,
    random: Random,
    begun: Instant,
    report: mpsc::Sender<Result<(), Fault>>,
    stops: Stops,
}

impl Worker {
    fn run(self) {
        let _stops = self.stops;
        let opened = Worker::open(self.core, self.listener);
        let (runtime, listener) = match opened {
            Ok(opened) => opened,
            Err(fault) => {
                // Whoever started it waits for just this.
                let _ = self.report.send(Err(fault));
                return;
            }
        };
        let server = Rc::new(Server {
            runtime: runtime.clone(),
            defaults: self.defaults,
            schedule: self.schedule,
            age_ns: u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX),
            random: RefCell::new(self.random),
        });
        let heard = runtime.adopt(self.heard.into());
        runtime.spawn(server.accept(listener));
        // Whoever started it may have given up on another thread.
        let _ = self.report.send(Ok(()));
        drop(self.report);
        // Nothing is ever sent: the end of the stream says stop.
        let _ = runtime.block_on(heard.receive());
        drop(heard);
        runtime.shutdown();
    }

    fn open(core: Option<usize>, listener: TcpListener) -> Result<(Runtime, Listener), Fault> {
        if let Some(core) = core
            && !runtime::pin(core)
        {
            return Err(Fault::Option {
                option: "cores",
                message: format!("the kernel refuses to pin a thread to core {core}"),
            });
        }
        let runtime = Runtime::new(&runtime::Options::default()).map_err(Fault::Ring)?;
        let listener =
            runtime.listen(listener).map_err(|errno| Fault::Thread(io::Error::from(errno)))?;
        Ok((runtime, listener))
    }
}

/// Stops all threads when one ends, also by a panic: half a server would measure as a slow one.
struct Stops(Stopper);

impl Drop for Stops {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn check(options: &Options) -> Result<(), Fault> {
    let threads = 1..=limits::WORKERS_COUNT_MAX;
    if !threads.contains(&options.threads_count) {
        let message = format!(
            "{} is not from {} to {}",
            options.threads_count,
            threads.start(),
            threads.end()
        );
        return Err(Fault::Option { option: "threads", message });
    }
    let own = runtime::cores();
    if let Some(core) = options.cores.iter().find(|core| !own.contains(core)) {
        let message = format!("this process may not run on core {core}, only on {own:?}");
        return Err(Fault::Option { option: "cores", message });
    }
    let rates = limits::UPSTREAM_SERVICE_RATE;
    if let Some(rate) = options.service_rate.filter(|rate| !rates.contains(rate)) {
        let message = format!("{rate} is not from {} to {}", rates.start(), rates.end());
        return Err(Fault::Option { option: "service-rate", message });
    }
    if let Some(name) = &options.defaults.name
        && let Err(message) = name_of(name)
    {
        return Err(Fault::Option { option: "name", message });
    }
    Ok(())
}

/// One listener a thread. Several share the port by `SO_REUSEPORT`, so that the kernel spreads the
/// connections; a bind without it says before that the port is taken.
fn bind(mut address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let shares = count > 1;
    if shares {
        socket(address, false)?.bind(&address.into())?;
    }
    let mut listeners = Vec::new();
    for _ in 0..count {
        let socket = socket(address, shares)?;
        socket.bind(&address.into())?;
        socket.listen(limits::BACKLOG_CONNECTIONS)?;
        let listener = TcpListener::from(socket);
        // The port that the system chose for the first is everybody's.
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn socket(address: SocketAddr, shares: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

/// What bodies are made of.
fn filler() -> &'static [u8] {
    static FILLER: LazyLock<Vec<u8>> = LazyLock::new(|| vec![b'x'; limits::UPSTREAM_FILLER_BYTES]);
    &FILLER
}

#[cfg(test)]
mod tests;
