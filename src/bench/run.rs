//! A run: a thread a core, their counts merged, and how far the result is to be believed.

use crate::limits;
use crate::runtime::{Options, Runtime, StartFault, pin};

use super::plan::{Load, Pace};
use super::recorder::{Piece, Recorder, latency};
use super::report::{Client, Interval, Report};
use super::schedule::Part;
use super::worker::{Outcome, Parts, Told, Worker};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Progress {
    /// The warm-up is over, and what follows counts.
    Counting,
    /// A piece of the run is over on all threads.
    Piece(Interval),
    /// The time is over; answers that are under way are waited for.
    Ending,
}

/// Why there is no result.
#[derive(Debug)]
pub enum RunFault {
    /// A thread's loop could not start.
    Engine(StartFault),
    /// A thread could not be made.
    Thread(std::io::Error),
    /// A thread of the generator ended with a panic, which stands on the terminal.
    Panicked,
    /// A thread did not end within the requests' timeout and [`limits::BENCH_GRACE_MS`].
    Stuck,
}

/// Runs the load and reports. `told` hears of its progress on this thread.
///
/// # Errors
/// See [`RunFault`]. A server that refuses everything is no error here: its refusals are counted.
pub fn run(load: &Load, told: &mut dyn FnMut(&Progress)) -> Result<Report, RunFault> {
    run_until(load, &Arc::default(), told)
}

/// The same, ended early when `stop` is set: the report is then of the seconds until then.
///
/// # Errors
/// As [`run`].
pub fn run_until(
    load: &Load,
    stop: &Arc<AtomicBool>,
    told: &mut dyn FnMut(&Progress),
) -> Result<Report, RunFault> {
    let load = Arc::new(load.clone());
    let piece = piece_of(load.plan.duration);
    let (pieces, heard) = channel();
    let mut threads = Vec::new();
    for number in 0..load.threads_count() {
        threads.push(start(&load, number, piece, pieces.clone(), stop)?);
    }
    drop(pieces);
    let started_unix_s = unix_seconds() + load.plan.warm_up.as_secs();
    follow(&load, piece, &heard, stop, told);
    told(&Progress::Ending);
    let mut sum = Recorder::default();
    let mut seconds: f64 = 0.0;
    let patience_end = std::time::Instant::now()
        + load.plan.timeout
        + Duration::from_millis(limits::BENCH_GRACE_MS);
    for thread in threads {
        let outcome = thread.outcome(patience_end)?;
        sum.merge(&outcome.recorder);
        seconds = seconds.max(outcome.seconds);
    }
    let mut report = report(&load, &sum, seconds, piece, started_unix_s);
    if stop.load(Ordering::Relaxed) {
        report.client.warnings.push(format!(
            "the run was stopped after {seconds:.1} s of the {:.1} s asked for",
            load.plan.duration.as_secs_f64()
        ));
    }
    Ok(report)
}

/// A thread of the generator, which says what it found before it ends.
struct Thread {
    handle: JoinHandle<()>,
    found: Receiver<Result<Outcome, StartFault>>,
}

impl Thread {
    /// What it found; waited for until `end`, so that a run has an end whatever happens.
    fn outcome(self, end: std::time::Instant) -> Result<Outcome, RunFault> {
        let left = end.saturating_duration_since(std::time::Instant::now());
        let found = match self.found.recv_timeout(left) {
            Ok(found) => found.map_err(RunFault::Engine),
            Err(RecvTimeoutError::Timeout) => return Err(RunFault::Stuck),
            Err(RecvTimeoutError::Disconnected) => Err(RunFault::Panicked),
        };
        self.handle.join().map_err(|_| RunFault::Panicked)?;
        found
    }
}

fn start(
    load: &Arc<Load>,
    number: usize,
    piece: Duration,
    pieces: Sender<Told>,
    stop: &Arc<AtomicBool>,
) -> Result<Thread, RunFault> {
    let (load, stop) = (load.clone(), stop.clone());
    let part = Part { number, count: load.threads_count() };
    let (finder, found) = channel();
    let work = move || {
        // Unpinned it is slower, which its own health shows.
        let _ = pin(load.plan.cores[number]);
        let runtime = Runtime::new(&options(&load))?;
        let tell = Box::new(move |told| {
            // Nobody listens any more: the run is over.
            let _ = pieces.send(told);
        });
        let parts = Parts { runtime: runtime.clone(), load, part, piece, tell, cpu_time, stop };
        let outcome = runtime.block_on(async move { Worker::new(parts).run().await });
        runtime.shutdown();
        Ok(outcome)
    };
    let body = move || {
        // Whoever waited has given up.
        let _ = finder.send(work());
    };
    let thread = std::thread::Builder::new().name(format!("bench-{number}"));
    let handle = thread.spawn(body).map_err(RunFault::Thread)?;
    Ok(Thread { handle, found })
}

fn options(load: &Load) -> Options {
    let connections = load.plan.connections.div_ceil(load.threads_count());
    // A connection that closes and its successor are two.
    let sockets_count_max = 2 * connections * load.addresses.len() + SOCKETS_SPARE;
    Options { sockets_count_max, ..Options::default() }
}

/// Listens until the time is over, and tells of each piece once all threads have told of it.
fn follow(
    load: &Load,
    piece: Duration,
    heard: &Receiver<Told>,
    stop: &AtomicBool,
    told: &mut dyn FnMut(&Progress),
) {
    let begin = std::time::Instant::now();
    // The threads say when they begin to count; until then their start is bounded.
    let mut end = begin + load.plan.warm_up + Duration::from_millis(limits::BENCH_GRACE_MS);
    let threads_count = load.threads_count();
    let (mut begun_count, mut heard_count, mut told_count) = (0, 0, 0_u32);
    let mut sum = Piece::default();
    loop {
        let now = std::time::Instant::now();
        if now >= end || stop.load(Ordering::Relaxed) {
            return;
        }
        let look = Duration::from_millis(limits::BENCH_INTERVAL_MS_MIN);
        match heard.recv_timeout(look.min(end - now)) {
            Ok(Told::Begun) => {
                begun_count += 1;
                if begun_count == threads_count {
                    end = now + look + load.plan.duration;
                    told(&Progress::Counting);
                }
            }
            Ok(Told::Piece(one)) => {
                sum.merge(&one);
                heard_count += 1;
                if heard_count == threads_count {
                    let at_s = f64::from(told_count) * piece.as_secs_f64();
                    let whole = std::mem::take(&mut sum);
                    told(&Progress::Piece(whole.interval(at_s, piece.as_secs_f64())));
                    heard_count = 0;
                    told_count += 1;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // All threads have ended: the requests ran out.
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn report(
    load: &Load,
    sum: &Recorder,
    seconds: f64,
    piece: Duration,
    started_unix_s: u64,
) -> Report {
    let think_ns = match load.plan.pace {
        Pace::Closed => Some(u64::try_from(load.plan.think.as_nanos()).unwrap_or(u64::MAX)),
        Pace::Open { .. } => None,
    };
    let seen = sum.seen(seconds, piece, think_ns);
    let client = health(load, sum, seconds, seen.rate);
    Report {
        frys: env!("CARGO_PKG_VERSION").to_owned(),
        started_unix_s,
        asked: load.asked(),
        seen,
        client,
        gateway: None,
        objective: None,
    }
}

/// The generator's own health, and in words what is to be doubted.
fn health(load: &Load, sum: &Recorder, seconds: f64, rate: f64) -> Client {
    let cpu_s: f64 = sum.cpu.iter().map(Duration::as_secs_f64).sum();
    let most_s = sum.cpu.iter().max().map_or(0.0, Duration::as_secs_f64);
    let is_open = matches!(load.plan.pace, Pace::Open { .. });
    let mut client = Client {
        cpu_s,
        requests_per_cpu_s: if cpu_s > 0.0 { rate * seconds / cpu_s } else { 0.0 },
        cpu_share_max: if seconds > 0.0 { most_s / seconds } else { 0.0 },
        lateness: is_open.then(|| latency(&sum.lateness)),
        is_limit: false,
        warnings: Vec::new(),
    };
    client.warnings.extend(doubts(load, sum, seconds));
    if client.cpu_share_max > limits::BENCH_CPU_SHARE_MAX {
        client.is_limit = true;
        client.warnings.push(format!(
            "a thread of the generator was busy for {:.0} % of the time: the generator, not the \
             server, may be the limit; give it more cores or ask for less",
            client.cpu_share_max * 100.0
        ));
    }
    if let Some(lateness) = &client.lateness
        && lateness.p99_us > limits::BENCH_LATENESS_US_MAX
    {
        client.is_limit = true;
        client.warnings.push(format!(
            "one request in a hundred was sent {:.1} ms or more after it was due although a \
             connection was free: the generator was late, and its lateness is in the latencies",
            lateness.p99_us / 1e3
        ));
    }
    client
}

/// What makes the figures say less than they seem to.
fn doubts(load: &Load, sum: &Recorder, seconds: f64) -> Vec<String> {
    let mut doubts = Vec::new();
    let errors_count = sum.errors.total();
    let due_count = sum.requests + errors_count - sum.errors.non_2xx;
    if due_count == 0 {
        doubts.push(match seconds > 0.0 {
            true => "nothing was counted: no request ended within the time".to_owned(),
            false => format!(
                "nothing was counted: {} requests were used up in the warm-up of {:?}",
                load.plan.requests_max, load.plan.warm_up
            ),
        });
    } else if sum.requests == 0 {
        doubts.push("nothing was answered".to_owned());
    } else if errors_count as f64 > ERRORS_SHARE_TOLD * due_count as f64 {
        doubts.push(format!(
            "{:.1} % of the requests failed: latencies of the others say little",
            100.0 * errors_count as f64 / due_count as f64
        ));
    }
    doubts
}

/// How long a piece of the plot over time is.
fn piece_of(duration: Duration) -> Duration {
    let shortest = Duration::from_millis(limits::BENCH_INTERVAL_MS_MIN);
    let even = duration / u32::try_from(limits::BENCH_INTERVALS_MAX).unwrap_or(u32::MAX);
    // Whole multiples of the shortest, so that the axis has round numbers.
    let times = even.as_millis().div_ceil(shortest.as_millis());
    shortest * u32::try_from(times).unwrap_or(u32::MAX).max(1)
}

/// CPU time of the calling thread. The scheduler's own count is exact; zero where the kernel keeps
/// none.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let on_cpu_ns = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(on_cpu_ns.unwrap_or(0))
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl fmt::Display for RunFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunFault::Engine(fault) => write!(formatter, "the engine could not start: {fault}"),
            RunFault::Thread(error) => write!(formatter, "no thread could be started: {error}"),
            RunFault::Stuck => formatter.write_str(
                "a thread of the generator did not end in time: this machine has too little time \
                 for it",
            ),
            RunFault::Panicked => formatter.write_str("a thread of the generator panicked"),
        }
    }
}

impl std::error::Error for RunFault {}

/// Share of failed requests above which latencies are doubted: a p99 can hide in what is missing.
const ERRORS_SHARE_TOLD: f64 = 0.01;

/// Sockets beyond the connections' own: the loop's bell.
const SOCKETS_SPARE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_cut_into_at_most_so_many_pieces() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(piece_of(seconds(1.0)), Duration::from_millis(100));
        assert_eq!(piece_of(seconds(24.0)), Duration::from_millis(100));
        assert_eq!(piece_of(seconds(25.0)), Duration::from_millis(200));
        let day = Duration::from_secs(86_400);
        assert!(day.as_millis() / piece_of(day).as_millis() <= 240);
    }

    #[test]
    fn a_thread_that_works_has_used_time() {
        let before = cpu_time();
        let mut sum = 0_u64;
        while cpu_time() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(cpu_time() > before);
    }
}
