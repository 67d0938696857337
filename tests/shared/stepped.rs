//! One thread of a second process, stepped from one mark to the next.

use super::CHILD;
use super::instruction::{self, Kind};

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

/// Why nothing can be stepped here.
pub struct Refused(pub String);

/// What a thread did between two marks.
#[derive(Debug)]
pub struct Steps {
    pub steps_count: u64,
    /// Where locked instructions are, as an offset into a file, and how often each was met.
    pub locked: Vec<(String, u64)>,
    /// System calls by their number, and how often each was made.
    pub calls: Vec<(u64, u64)>,
}

/// Runs `test` of this program in a second process and steps the thread that it names.
pub fn run(test: &str) -> Result<Steps, Refused> {
    if !cfg!(target_arch = "x86_64") {
        return Err(Refused("only x86-64's instructions are known".to_owned()));
    }
    let mut child = Second::start(test);
    let thread = child.thread();
    ptrace::seize(thread, Options::empty())
        .map_err(|errno| Refused(format!("ptrace is refused: {errno}")))?;
    ptrace::interrupt(thread).expect("a thread of ours");
    wait(thread);
    child.process.stdin.take().expect("piped").write_all(b"\n").expect("it waits for that");
    let mut stepper = Stepper::new(child.process.id(), thread);
    stepper.step_to_mark(|_, _| {});
    let (mut locked, mut calls) = (BTreeMap::new(), BTreeMap::new());
    let steps_count = stepper.step_to_mark(|kind, value| match kind {
        Kind::Plain => {}
        Kind::Locked => *locked.entry(value).or_insert(0) += 1,
        Kind::Call => *calls.entry(value).or_insert(0) += 1,
    });
    let locked = locked.into_iter().map(|(at, count)| (child.place(at), count)).collect();
    ptrace::detach(thread, None).expect("a thread that is stopped");
    child.finish();
    Ok(Steps { steps_count, locked, calls: calls.into_iter().collect() })
}

/// The second process; ended with this.
struct Second {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Second {
    fn start(test: &str) -> Second {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Second { process, output }
    }

    /// The thread that it wants stepped.
    fn thread(&mut self) -> Pid {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).expect("text");
            assert!(read > 0, "the second process names a thread");
            if let Some(number) = line.trim().strip_prefix("thread ") {
                return Pid::from_raw(number.parse().expect("a number"));
            }
        }
    }

    /// An address as a file and an offset, for `addr2line`.
    fn place(&self, address: u64) -> String {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.process.id()));
        let maps = maps.expect("the second process is there");
        let found = maps.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (first, last) = words.first()?.split_once('-')?;
            let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
            let (first, last) = (hexadecimal(first)?, hexadecimal(last)?);
            let offset = address - first.min(address) + hexadecimal(words.get(2)?)?;
            let is_here = (first..last).contains(&address);
            is_here.then(|| format!("{} {offset:#x}", words.get(5).unwrap_or(&"?")))
        });
        found.unwrap_or_else(|| format!("{address:#x}"))
    }

    fn finish(mut self) {
        let status = self.process.wait().expect("a child of ours");
        assert!(status.success(), "the second process: {status}");
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // It has ended already, unless this process is about to fail.
        let _ = self.process.kill();
        // As above.
        let _ = self.process.wait();
    }
}

struct Stepper {
    thread: Pid,
    memory: File,
    /// Code does not change: each place is read once.
    known: HashMap<u64, Kind>,
}

/// Where the registers lie in what `PTRACE_PEEKUSER` reads, in words: `sys/user.h`.
const RAX_AT: usize = 10;
const RIP_AT: usize = 16;
/// The system call of `mark`: `getppid`.
const MARK: u64 = 110;

impl Stepper {
    fn new(process: u32, thread: Pid) -> Stepper {
        let memory = File::open(format!("/proc/{process}/mem")).expect("whom we trace we may read");
        Stepper { thread, memory, known: HashMap::new() }
    }

    /// Steps to the next mark and over it; how many steps it was. `seen` is given each locked
    /// instruction with its address, and each system call with its number.
    fn step_to_mark(&mut self, mut seen: impl FnMut(Kind, u64)) -> u64 {
        let mut steps_count = 0;
        loop {
            let at = self.register(RIP_AT);
            let kind = self.kind(at);
            let value = if kind == Kind::Call { self.register(RAX_AT) } else { at };
            ptrace::step(self.thread, None).expect("a thread that is stopped");
            wait(self.thread);
            if kind == Kind::Call && value == MARK {
                return steps_count;
            }
            steps_count += 1;
            if kind != Kind::Plain {
                seen(kind, value);
            }
        }
    }

    fn kind(&mut self, at: u64) -> Kind {
        *self.known.entry(at).or_insert_with(|| {
            let mut code = [0; instruction::BYTES_MAX];
            // Fewer at the end of a mapping.
            let bytes = self.memory.read_at(&mut code, at).expect("code can be read");
            instruction::kind(&code[..bytes])
        })
    }

    fn register(&self, word: usize) -> u64 {
        let offset = std::ptr::without_provenance_mut(word * size_of::<u64>());
        ptrace::read_user(self.thread, offset).expect("a thread that is stopped") as u64
    }
}

/// Until the thread has stopped.
fn wait(thread: Pid) {
    match waitpid(thread, Some(WaitPidFlag::__WALL)).expect("a thread that is traced") {
        WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..) => {}
        ended => panic!("the stepped thread ended: {ended:?}"),
    }
}
