//! The arguments that say what load is made, the same for every form of `frys bench`.

use crate::bench::plan::{Load, Pace, Plan, PlanFault};
use crate::bench::target::{self, Target};
use crate::config::units;
use crate::limits;
use crate::runtime;

use clap::Args;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is sent, and over what.
#[derive(Args, Clone, Debug)]
pub struct LoadArguments {
    /// What is requested: `[weight=N] [METHOD] URL`; quote a target of several words
    ///
    /// Several targets take turns, or are chosen by their weights. A connection keeps a socket to
    /// each server it meets.
    #[arg(value_name = "TARGET")]
    targets: Vec<Target>,
    /// A file of targets, one a line; `#` begins a comment line
    #[arg(long, value_name = "FILE")]
    urls: Option<PathBuf>,
    /// Method of targets that name none [default: GET, with a body POST]
    #[arg(long, short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// A field of every request; `Host` takes the place of the URL's
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Body of every request
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    body: Option<String>,
    /// A file with the body of every request; `-` is standard input
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Connections at most, over all threads
    #[arg(long, short, value_name = "COUNT", default_value_t = 64)]
    connections: usize,
    /// Threads, each pinned to a core that this process may use [default: one a core, at most as
    /// many as connections]
    #[arg(long, short, value_name = "COUNT")]
    threads: Option<usize>,
    /// What does not count before the time that does
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration)]
    warm_up: Duration,
    /// When a request is given up; it counts with the time it had waited
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    timeout: Duration,
    /// Requests at most, those of the warm-up included
    #[arg(long, short = 'n', value_name = "COUNT")]
    requests: Option<u64>,
    /// A new connection for each request, with `Connection: close`; its latency has the connect in
    #[arg(long)]
    new_connections: bool,
    /// Pause of a connection after each answer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = units::duration)]
    think: Duration,
    /// A slow reader: bytes a second that a connection takes, such as 64KiB, beyond what its
    /// buffers hold
    #[arg(long, value_name = "SIZE", value_parser = rate_of_bytes)]
    read_rate: Option<NonZeroU64>,
    /// Seed of the arrivals and of the choice among targets
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// Why the arguments make no load.
#[derive(Debug)]
pub enum LoadFault {
    /// A file that cannot be read.
    File(PathBuf, io::Error),
    /// A line of the file of targets.
    Line(PathBuf, usize, target::TargetInvalid),
    /// More threads than cores.
    Threads { asked: usize, cores: usize },
    /// A body larger than it may be.
    BodyTooLarge(PathBuf),
    /// What does not fit together.
    Plan(PlanFault),
}

impl LoadArguments {
    /// Reads the files that are named, resolves names and checks everything.
    ///
    /// # Errors
    /// See [`LoadFault`].
    pub fn load(&self, pace: Pace, duration: Duration) -> Result<Load, LoadFault> {
        let mut targets = self.targets.clone();
        if let Some(path) = &self.urls {
            targets.extend(targets_of(path)?);
        }
        let body = self.body()?;
        let with_body = if body.is_empty() { "GET" } else { "POST" };
        let plan = Plan {
            targets,
            method: self.method.clone().unwrap_or_else(|| with_body.to_owned()),
            headers: self.headers.clone(),
            body,
            pace,
            seed: self.seed,
            connections: self.connections,
            cores: self.cores()?,
            duration,
            warm_up: self.warm_up,
            timeout: self.timeout,
            requests_max: self.requests.unwrap_or(limits::BENCH_REQUESTS_MAX),
            new_connections: self.new_connections,
            think: self.think,
            read_bytes_per_s: self.read_rate,
        };
        plan.load().map_err(LoadFault::Plan)
    }

    /// The same for a server elsewhere: methods, paths and weights stay, and the `Host` that would
    /// have been sent; without targets, `/` is requested.
    ///
    /// # Errors
    /// As [`LoadArguments::load`] of the file of targets.
    pub fn moved(&self, address: SocketAddr) -> Result<LoadArguments, LoadFault> {
        let mut moved = self.clone();
        if let Some(path) = moved.urls.take() {
            moved.targets.extend(targets_of(&path)?);
        }
        let is_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
        let host = moved.targets.first().map(|target| target.server.authority().to_string());
        if let Some(host) = host.filter(|_| !moved.headers.iter().any(is_host)) {
            moved.headers.push(("Host".to_owned(), host));
        }
        let at = |path: &str| -> Target {
            format!("http://{address}{path}").parse().expect("an address and a path are a URL")
        };
        if moved.targets.is_empty() {
            moved.targets.push(at("/"));
        }
        for target in &mut moved.targets {
            let Target { url, server, .. } = at(&target.path);
            (target.url, target.server) = (url, server);
        }
        Ok(moved)
    }

    /// The seed that was asked for.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn cores(&self) -> Result<Vec<usize>, LoadFault> {
        let mut cores = runtime::cores();
        let most = cores.len().min(self.connections.max(1));
        let asked = self.threads.unwrap_or(most);
        if asked > cores.len() {
            return Err(LoadFault::Threads { asked, cores: cores.len() });
        }
        cores.truncate(asked);
        Ok(cores)
    }

    fn body(&self) -> Result<Vec<u8>, LoadFault> {
        let Some(path) = &self.body_file else {
            return Ok(self.body.clone().unwrap_or_default().into_bytes());
        };
        let mut body = Vec::new();
        let most = limits::BENCH_BODY_BYTES_MAX as u64 + 1;
        let read = if path.as_os_str() == "-" {
            io::stdin().lock().take(most).read_to_end(&mut body)
        } else {
            File::open(path).and_then(|file| file.take(most).read_to_end(&mut body))
        };
        read.map_err(|error| LoadFault::File(path.clone(), error))?;
        if body.len() > limits::BENCH_BODY_BYTES_MAX {
            return Err(LoadFault::BodyTooLarge(path.clone()));
        }
        Ok(body)
    }
}

fn targets_of(path: &Path) -> Result<Vec<Target>, LoadFault> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| LoadFault::File(path.to_owned(), error))?;
    target::list(&text).map_err(|(line, fault)| LoadFault::Line(path.to_owned(), line, fault))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn rate_of_bytes(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(units::size(text)?).ok_or_else(|| "at least 1B".to_owned())
}

impl fmt::Display for LoadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadFault::File(path, error) => write!(formatter, "{}: {error}", path.display()),
            LoadFault::Line(path, line, fault) => {
                write!(formatter, "{}:{line}: {fault}", path.display())
            }
            LoadFault::Threads { asked, cores } => write!(
                formatter,
                "{asked} threads, but this process may use {cores} cores: each thread has its own"
            ),
            LoadFault::BodyTooLarge(path) => write!(
                formatter,
                "{}: a body has at most {} bytes",
                path.display(),
                limits::BENCH_BODY_BYTES_MAX
            ),
            LoadFault::Plan(fault) => fault.fmt(formatter),
        }
    }
}

impl std::error::Error for LoadFault {}
