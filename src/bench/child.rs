//! Servers that the lab starts itself: each in a process group of its own, pinned if asked, with
//! its output in a file, measured from `/proc`, and never left behind.
//!
//! A group is stopped when its [`Child`] is dropped, so also when a panic unwinds, and when the
//! command is told to end by SIGINT, SIGTERM or SIGHUP. A server that makes itself a daemon leaves
//! its group and is neither measured nor stopped: it must stay in the foreground.

use crate::limits;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use socket2::{Domain, Socket, Type};

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{park, park_timeout};
use std::time::{Duration, Instant};

/// What is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program and its arguments; at least the program.
    pub words: Vec<String>,
    /// The cores that it may run on; empty for those of this process.
    pub cores: Vec<usize>,
    /// The file that both its outputs are appended to.
    pub output: PathBuf,
}

/// A server that runs; dropping it stops it.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    name: String,
    output: PathBuf,
    ended: Option<ExitStatus>,
}

/// What a server and its descendants have used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time so far, in the kernel's hundredths.
    pub cpu_s: f64,
    /// Resident memory now; what several processes share counts once.
    pub memory_kib: u64,
}

/// A port of loopback that nobody else is given: a socket is bound to it and never listens, beside
/// which a server that sets `SO_REUSEPORT`, as ours does, can.
#[derive(Debug)]
pub struct Reserved {
    /// Where.
    pub address: SocketAddr,
    _socket: Socket,
}

/// A folder for a server's files, removed when this is dropped and when the command is told to end.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// Why a server does not serve.
#[derive(Debug)]
pub enum ChildFault {
    /// No program was named.
    NoProgram,
    /// It could not be started, with the program's name.
    Start(String, io::Error),
    /// It ended, with the end of what it said.
    Ended(String, ExitStatus, String),
    /// Nothing accepted on the address in time, with the end of what it said.
    Deaf(String, SocketAddr, String),
    /// This command is ending.
    Ending,
}

impl Child {
    /// Starts a server.
    ///
    /// # Errors
    /// [`ChildFault::NoProgram`], [`ChildFault::Start`] (also where cores are asked for and
    /// `taskset` is missing) and [`ChildFault::Ending`].
    pub fn start(launch: &Launch) -> Result<Child, ChildFault> {
        let name = launch.words.first().ok_or(ChildFault::NoProgram)?.clone();
        let fault = |error| ChildFault::Start(name.clone(), error);
        let output = File::options().create(true).append(true).open(&launch.output);
        let output = output.map_err(fault)?;
        let mut command = command(launch);
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(fault)?).stderr(output);
        // A group of its own: Ctrl-C reaches this command alone, and a signal all of the server.
        command.process_group(0);
        // Under the lock, so that none is started that the end would not know of.
        let mut groups = groups();
        if groups.ending {
            return Err(ChildFault::Ending);
        }
        let process = command.spawn().map_err(|error| match launch.cores.is_empty() {
            true => fault(error),
            false => ChildFault::Start(PIN.to_owned(), error),
        })?;
        groups.live.push(process.id());
        drop(groups);
        Ok(Child { process, name, output: launch.output.clone(), ended: None })
    }

    /// Waits until something accepts connections on the address.
    ///
    /// # Errors
    /// [`ChildFault::Ended`] and [`ChildFault::Deaf`].
    pub fn wait_for(&mut self, address: SocketAddr, patience: Duration) -> Result<(), ChildFault> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.status() {
                return Err(ChildFault::Ended(self.name.clone(), status, self.last_words()));
            }
            if TcpStream::connect_timeout(&address, CONNECT_PATIENCE).is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(ChildFault::Deaf(self.name.clone(), address, self.last_words()));
            }
            park_timeout(POLL);
        }
    }

    /// What it and its descendants have used; nothing once it has ended.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(stat) = fs::read_to_string(path.join("stat")).ok().and_then(Stat::parse)
            else {
                continue;
            };
            if stat.group == self.process.id() {
                usage.cpu_s += stat.ticks as f64 / TICKS_PER_S;
                usage.memory_kib += memory_kib(&path);
            }
        }
        usage
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.status().is_none()
    }

    /// The process, which leads its group.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        last_bytes(&self.output).unwrap_or_default()
    }

    /// Asks it to end, and ends it where it does not within
    /// [`limits::BENCH_CHILD_STOP_MS_MAX`].
    pub fn stop(mut self) {
        self.end();
    }

    fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
            if self.ended.is_some() {
                // Whatever it left in its group; the number is not given away so soon.
                signal("KILL", &[self.process.id()]);
                forget(self.process.id());
            }
        }
        self.ended
    }

    fn end(&mut self) {
        leave_to_the_end();
        if self.ended.is_some() {
            return;
        }
        signal("TERM", &[self.process.id()]);
        let deadline = Instant::now() + Duration::from_millis(limits::BENCH_CHILD_STOP_MS_MAX);
        while Instant::now() < deadline {
            if self.status().is_some() {
                return;
            }
            park_timeout(POLL);
        }
        signal("KILL", &[self.process.id()]);
        // It has ended by itself meanwhile, or the signal above ends it.
        let _ = self.process.kill();
        self.ended = self.process.wait().ok();
        forget(self.process.id());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

impl Reserved {
    /// A free port of 127.0.0.1.
    ///
    /// # Errors
    /// What the kernel says where none is free.
    pub fn new() -> io::Result<Reserved> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket();
        let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        Ok(Reserved { address, _socket: socket })
    }
}

impl Folder {
    /// A new folder where temporary files are kept, for this user alone.
    ///
    /// # Errors
    /// What the system says where it cannot be made.
    pub fn new() -> io::Result<Folder> {
        let mut groups = groups();
        groups.folders_count += 1;
        let name = format!("frys-bench-{}-{}", process::id(), groups.folders_count);
        let path = std::env::temp_dir().join(name);
        // One that is there already is somebody else's.
        DirBuilder::new().mode(0o700).create(&path)?;
        groups.folders.push(path.clone());
        Ok(Folder(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        leave_to_the_end();
        groups().folders.retain(|path| *path != self.0);
        // What cannot be removed is left to whoever clears temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(launch: &Launch) -> Command {
    let mut words = launch.words.iter();
    if launch.cores.is_empty() {
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command.args(words);
        return command;
    }
    let cores: Vec<String> = launch.cores.iter().map(usize::to_string).collect();
    let mut command = Command::new(PIN);
    command.args(["-c", &cores.join(",")]).args(words);
    command
}

/// Process groups and folders that are not to outlive this process.
struct Groups {
    live: Vec<u32>,
    folders: Vec<PathBuf>,
    folders_count: u64,
    ending: bool,
    watched: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    live: Vec::new(),
    folders: Vec::new(),
    folders_count: 0,
    ending: false,
    watched: false,
});

fn groups() -> MutexGuard<'static, Groups> {
    // Each change is one step, so a panic elsewhere leaves it whole.
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(group: u32) {
    groups().live.retain(|live| *live != group);
}

/// Does not return once the command was told to end: the thread that heard it stops everything, and
/// its status is the command's.
fn leave_to_the_end() {
    while groups().ending {
        park();
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end all children, remove their folders, and then end this
/// process with the status that a shell gives for the signal. For a command that starts any.
///
/// # Errors
/// What the system says where signals cannot be heard.
pub fn watch() -> io::Result<()> {
    let mut groups = groups();
    if groups.watched {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let body = move || {
        if let Some(number) = signals.forever().next() {
            end_all();
            // As a shell tells of a command that a signal ended.
            process::exit(128 + number);
        }
    };
    std::thread::Builder::new().name("bench-signals".to_owned()).spawn(body)?;
    groups.watched = true;
    Ok(())
}

fn end_all() {
    let live = {
        let mut groups = groups();
        groups.ending = true;
        groups.live.clone()
    };
    signal("TERM", &live);
    let deadline = Instant::now() + Duration::from_millis(limits::BENCH_CHILD_STOP_MS_MAX);
    let runs = |group: &u32| {
        let stat = fs::read_to_string(format!("/proc/{group}/stat")).ok();
        stat.and_then(Stat::parse).is_some_and(|stat| !stat.is_zombie)
    };
    while live.iter().any(runs) && Instant::now() < deadline {
        park_timeout(POLL);
    }
    signal("KILL", &live);
    for folder in &groups().folders {
        // As in its drop.
        let _ = fs::remove_dir_all(folder);
    }
}

/// Signals process groups, by the shell's own `kill`: the standard library can only send SIGKILL,
/// and only to one process.
fn signal(name: &str, groups: &[u32]) {
    if groups.is_empty() {
        return;
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill -s \"$0\" -- \"$@\"", name]);
    command.args(groups.iter().map(|group| format!("-{group}")));
    // A group that has ended is what was wanted.
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// What is read of `/proc/PID/stat`.
struct Stat {
    group: u32,
    /// CPU time of the process and of its children that have ended.
    ticks: u64,
    is_zombie: bool,
}

impl Stat {
    fn parse(text: String) -> Option<Stat> {
        // The name stands in parentheses and may hold anything, parentheses too.
        let (_, rest) = text.rsplit_once(')')?;
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        // proc_pid_stat(5), less the two fields before: pgrp is its fifth, utime its 14th.
        let number = |field: usize| words.get(field - 3)?.parse::<u64>().ok();
        let ticks = (14..18).map(number).sum::<Option<u64>>()?;
        let group = u32::try_from(number(5)?).ok()?;
        Some(Stat { group, ticks, is_zombie: words.first() == Some(&"Z") })
    }
}

/// A process's share of the memory that it uses; where the kernel does not say, all of it.
fn memory_kib(process: &Path) -> u64 {
    let line = |file: &str, name: &str| {
        let text = fs::read_to_string(process.join(file)).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    line("smaps_rollup", "Pss:").or_else(|| line("status", "VmRSS:")).unwrap_or(0)
}

fn last_bytes(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

impl fmt::Display for ChildFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildFault::NoProgram => formatter.write_str("no program was named"),
            ChildFault::Start(name, error) if name == PIN => {
                write!(formatter, "cannot pin with `{PIN}` of util-linux: {error}")
            }
            ChildFault::Start(name, error) => write!(formatter, "cannot start `{name}`: {error}"),
            ChildFault::Ended(name, status, words) => {
                write!(formatter, "`{name}` ended ({status}) and said:\n{words}")
            }
            ChildFault::Deaf(name, address, words) => {
                write!(formatter, "`{name}` does not accept on {address} and said:\n{words}")
            }
            ChildFault::Ending => formatter.write_str("this command is ending"),
        }
    }
}

impl std::error::Error for ChildFault {}

const PIN: &str = "taskset";

/// Linux tells user space hundredths, whatever its own clock is.
const TICKS_PER_S: f64 = 100.0;

const POLL: Duration = Duration::from_millis(5);
const CONNECT_PATIENCE: Duration = Duration::from_millis(200);

/// As much of a server's output as a fault shows.
const LAST_BYTES: u64 = 2_000;

#[cfg(test)]
#[path = "child/tests.rs"]
mod tests;
