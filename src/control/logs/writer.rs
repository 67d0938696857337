//! The access log's own thread: takes the records from every worker's ring and writes their lines.
//!
//! A disk or a pipe that does not keep up stops this thread alone. The rings then fill, the workers
//! drop and count, and neither they nor the admin server wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::format::{Entry, Format};
use crate::bridge::log::Reader;
use crate::control::names::{Names, Roll};
use crate::limits::{
    CONTROL_COMMANDS_MAX, LOG_BATCH_BYTES, LOG_FLUSH_MS_MAX, LOG_POLL_MS, LOG_ROUND_RECORDS_MAX,
};

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file, appended to and made if it is not there.
    File(PathBuf),
}

/// One worker's records.
pub struct Source {
    /// The worker's number.
    pub worker: usize,
    /// Its ring.
    pub reader: Reader,
}

/// The running thread.
pub struct Writer {
    commands: SyncSender<Command>,
    ended: oneshot::Receiver<()>,
    lost: Arc<AtomicU64>,
    roll: Arc<Mutex<Arc<Roll>>>,
}

enum Command {
    Reopen,
    Finish,
}

impl Writer {
    /// Opens the output and starts the thread.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn start(output: Output, format: Format, sources: Vec<Source>) -> io::Result<Writer> {
        let sink = Sink::open(output)?;
        let (commands, inbox) = sync_channel(CONTROL_COMMANDS_MAX);
        let (ending, ended) = oneshot::channel();
        let lost = Arc::new(AtomicU64::new(0));
        let roll = Arc::new(Mutex::new(Arc::default()));
        let mut thread = Thread {
            sources,
            format,
            sink,
            shared_roll: Arc::clone(&roll),
            roll: Arc::default(),
            nobody: Arc::default(),
            lines: Vec::new(),
            lines_count: 0,
            lost: Arc::clone(&lost),
            is_failing: false,
        };
        std::thread::Builder::new().name("frys-log".into()).spawn(move || {
            thread.run(&inbox);
            // Nobody may be waiting any more.
            let _ = ending.send(());
        })?;
        Ok(Writer { commands, ended, lost, roll })
    }

    /// Where it looks for the names of a record's generation.
    pub fn roll(&self) -> Arc<Mutex<Arc<Roll>>> {
        Arc::clone(&self.roll)
    }

    /// Closes the file and opens its path again, for log rotation.
    pub fn reopen(&self) {
        self.tell(Command::Reopen);
    }

    /// Lines that the output did not take.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Writes what is in the rings and ends; false if the output did not take it in time.
    pub async fn finish(self) -> bool {
        self.tell(Command::Finish);
        drop(self.commands);
        let limit = Duration::from_millis(2 * LOG_FLUSH_MS_MAX);
        tokio::time::timeout(limit, self.ended).await.is_ok()
    }

    fn tell(&self, command: Command) {
        // Full only while the output is stuck: a reopen is already waiting, and the end is also
        // seen by the channel's closing.
        let _ = self.commands.try_send(command);
    }
}

struct Thread {
    sources: Vec<Source>,
    format: Format,
    sink: Sink,
    shared_roll: Arc<Mutex<Arc<Roll>>>,
    /// As of the last look.
    roll: Arc<Roll>,
    nobody: Arc<Names>,
    lines: Vec<u8>,
    lines_count: u64,
    lost: Arc<AtomicU64>,
    is_failing: bool,
}

impl Thread {
    fn run(&mut self, inbox: &Receiver<Command>) {
        let mut pause = Duration::from_millis(LOG_POLL_MS);
        loop {
            match inbox.recv_timeout(pause) {
                Ok(Command::Reopen) => self.reopen(),
                Ok(Command::Finish) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let is_more = self.round();
            pause = if is_more { Duration::ZERO } else { Duration::from_millis(LOG_POLL_MS) };
        }
        // Bounded, should a worker that was given up still write.
        let deadline = Instant::now() + Duration::from_millis(LOG_FLUSH_MS_MAX);
        while self.round() && Instant::now() < deadline {}
    }

    /// Takes a bounded number of records from each ring; whether one may hold more.
    fn round(&mut self) -> bool {
        let mut is_more = false;
        // Also so that names which are no longer needed are let go of.
        let roll = self.shared_roll.lock().unwrap_or_else(PoisonError::into_inner);
        self.roll = Arc::clone(&roll);
        drop(roll);
        for index in 0..self.sources.len() {
            let mut taken = 0;
            while taken < LOG_ROUND_RECORDS_MAX && self.take_one(index) {
                taken += 1;
                if self.lines.len() >= LOG_BATCH_BYTES {
                    self.write();
                }
            }
            is_more |= taken == LOG_ROUND_RECORDS_MAX;
        }
        self.write();
        is_more
    }

    fn take_one(&mut self, index: usize) -> bool {
        let Source { worker, reader } = &mut self.sources[index];
        let Some(record) = reader.pop() else { return false };
        if !self.roll.contains_key(&record.generation) {
            let roll = self.shared_roll.lock().unwrap_or_else(PoisonError::into_inner);
            self.roll = Arc::clone(&roll);
        }
        let names = self.roll.get(&record.generation).unwrap_or(&self.nobody);
        let entry = Entry { record: &record, names, worker: *worker };
        self.format.line(&entry, &mut self.lines);
        self.lines_count += 1;
        true
    }

    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let written = self.sink.write(&self.lines);
        if written.is_err() {
            self.lost.fetch_add(self.lines_count, Ordering::Relaxed);
        }
        self.lines.clear();
        self.lines_count = 0;
        self.note(written);
    }

    fn reopen(&mut self) {
        let reopened = self.sink.reopen();
        self.note(reopened);
    }

    /// Says when writing begins to fail and when it works again, not each time.
    fn note(&mut self, result: io::Result<()>) {
        match (result, self.is_failing) {
            (Err(error), false) => tracing::error!(%error, "the access log cannot be written"),
            (Ok(()), true) => tracing::info!("the access log is written again"),
            (Err(_), true) => return,
            (Ok(()), false) => return,
        }
        self.is_failing = !self.is_failing;
    }
}

enum Sink {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Sink {
    fn open(output: Output) -> io::Result<Sink> {
        match output {
            Output::Stdout => Ok(Sink::Stdout),
            Output::File(path) => open_append(&path).map(|file| Sink::File { path, file }),
        }
    }

    /// The old file stays in use if the new one cannot be opened.
    fn reopen(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout => Ok(()),
            Sink::File { path, file } => open_append(path).map(|opened| *file = opened),
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Sink::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
            Sink::File { file, .. } => file.write_all(lines),
        }
    }
}

fn open_append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::WorkerBlock;
    use crate::bridge::log::{Record, ring, tests::record};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    fn format() -> Format {
        Format::parse("$worker $request_uri $route").expect("a good format")
    }

    #[test]
    fn writes_every_record_before_it_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        let rings = (0..2).map(|worker| ring(64 * 1024, &WorkerBlock::new(worker)));
        let (mut writers, readers): (Vec<_>, Vec<_>) = rings.unzip();
        let sources = readers.into_iter().enumerate();
        let sources = sources.map(|(worker, reader)| Source { worker, reader }).collect();
        let writer = Writer::start(Output::File(path.clone()), format(), sources).expect("a file");
        let names = (record().generation, Arc::new(Names::sample()));
        *writer.roll().lock().expect("no panic") = Arc::new([names].into());
        for number in 0..100 {
            for ring in &mut writers {
                let target = format!("/{number}");
                assert!(ring.push(&Record { target: target.as_bytes(), ..record() }));
            }
        }
        assert!(runtime().block_on(writer.finish()));
        let text = std::fs::read_to_string(path).expect("it was written");
        for worker in 0..2 {
            let prefix = format!("{worker} ");
            let lines: Vec<_> = text.lines().filter(|line| line.starts_with(&prefix)).collect();
            let expected: Vec<_> = (0..100).map(|n| format!("{worker} /{n} route-1")).collect();
            assert_eq!(lines, expected);
        }
    }

    #[test]
    fn writes_to_the_new_file_after_a_reopen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        let moved = folder.path().join("access.log.1");
        let (mut ring, reader) = ring(64 * 1024, &WorkerBlock::new(0));
        let sources = vec![Source { worker: 0, reader }];
        let writer = Writer::start(Output::File(path.clone()), format(), sources).expect("a file");
        ring.push(&Record { target: b"/old", ..record() });
        until(|| std::fs::read_to_string(&path).expect("made at start").contains("/old"));
        std::fs::rename(&path, &moved).expect("the same folder");
        writer.reopen();
        until(|| path.exists());
        ring.push(&Record { target: b"/new", ..record() });
        assert!(runtime().block_on(writer.finish()));
        assert_eq!(std::fs::read_to_string(path).expect("reopened"), "0 /new -\n");
        assert_eq!(std::fs::read_to_string(moved).expect("moved"), "0 /old -\n");
    }

    #[test]
    fn counts_what_the_output_does_not_take() {
        let (mut ring, reader) = ring(64 * 1024, &WorkerBlock::new(0));
        let output = Output::File("/dev/full".into());
        let sources = vec![Source { worker: 0, reader }];
        let writer = Writer::start(output, format(), sources).expect("a device of every Linux");
        let lost = writer.lost();
        (0..3).for_each(|_| assert!(ring.push(&record())));
        assert!(runtime().block_on(writer.finish()));
        assert_eq!(lost.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn refuses_a_file_that_cannot_be_opened() {
        let output = Output::File("/nowhere/access.log".into());
        let error = Writer::start(output, format(), Vec::new()).err().expect("no such folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    /// Waits for a condition, ten seconds at most.
    fn until(mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !condition() {
            assert!(Instant::now() < deadline, "the condition did not come true");
            std::thread::yield_now();
        }
    }
}
