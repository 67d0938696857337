//! Loads a server over HTTP/1.1 and prints one line of JSON.
//!
//! Closed loop by default: each connection sends its next request when the last one was answered.
//! With `--rate` the loop is open: request number n is due n/rate seconds after the start whatever
//! the server does, and its latency counts from when it was due (no coordinated omission).
//! `--idle` opens the connections, sends one request on each, prints its line and keeps them open
//! until its standard input ends.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use frys_lab::arguments::Arguments;
use frys_lab::body::Body;
use frys_lab::head::{self, Length};
use frys_lab::histogram::Histogram;
use mio::event::Event;
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

fn main() -> io::Result<()> {
    let plan = Plan::read()?;
    let mut run = Run::new(&plan)?;
    if plan.idle {
        run.open_idle()?;
        println!("{}", run.report());
        io::stdout().flush()?;
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    run.load()?;
    println!("{}", run.report());
    Ok(())
}

/// What to send, how, and for how long.
struct Plan {
    target: SocketAddr,
    connections_count: usize,
    seconds: f64,
    warm_up_seconds: f64,
    rate: Option<f64>,
    fresh: bool,
    idle: bool,
    requests: Vec<Vec<u8>>,
}

/// One run: its connections, what is due and what was seen.
struct Run<'a> {
    plan: &'a Plan,
    poll: Poll,
    timer: Option<rustix::fd::OwnedFd>,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    /// When each request that waits for a free connection was due.
    due: VecDeque<Instant>,
    scheduled_count: u64,
    next_request: usize,
    started: Instant,
    seen: Seen,
    scratch: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    answered: u64,
    bytes: u64,
    latency: Histogram,
    status_errors: u64,
    connection_errors: u64,
    unanswered: u64,
    first_fault: Option<String>,
    counted_from: Option<Instant>,
    ended: Option<Instant>,
}

struct Connection {
    stream: Option<TcpStream>,
    request: usize,
    sent_bytes: usize,
    received_bytes: u64,
    asked: Option<Instant>,
    input: Vec<u8>,
    body: Option<Body>,
    is_error: bool,
    close: bool,
}

impl Plan {
    fn read() -> io::Result<Self> {
        let valued = [
            "target",
            "path",
            "paths",
            "host",
            "method",
            "connections",
            "seconds",
            "warm-up",
            "rate",
            "body-bytes",
        ];
        let arguments = Arguments::read(USAGE, &valued, &["fresh", "idle", "chunked"]);
        let target = arguments.or("target", SocketAddr::from(([127, 0, 0, 1], 8080)));
        let fresh = arguments.has("fresh");
        Ok(Self {
            target,
            connections_count: arguments.or("connections", 64),
            seconds: arguments.or("seconds", 5.0),
            warm_up_seconds: arguments.or("warm-up", 0.5),
            rate: arguments.optional("rate"),
            fresh,
            idle: arguments.has("idle"),
            requests: requests(&arguments, target, fresh)?,
        })
    }
}

/// The requests that a run cycles through: one a line of `--paths` (`host path`, or a path alone).
fn requests(arguments: &Arguments, target: SocketAddr, fresh: bool) -> io::Result<Vec<Vec<u8>>> {
    let lines = match arguments.optional::<String>("paths") {
        Some(file) => std::fs::read_to_string(file)?,
        None => arguments.or("path", "/small".to_owned()),
    };
    let host: String = arguments.or("host", target.to_string());
    let method: String = arguments.or("method", "GET".to_owned());
    let body_bytes: usize = arguments.or("body-bytes", 0);
    let chunked = arguments.has("chunked");
    let build = |line: &str| {
        let (host, path) = line.split_once(' ').unwrap_or((&host, line));
        let close = if fresh { "Connection: close\r\n" } else { "" };
        let length = match (chunked, method == "GET") {
            (true, _) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!("Content-Length: {body_bytes}\r\n"),
        };
        let mut bytes =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{close}{length}\r\n").into_bytes();
        append_body(&mut bytes, body_bytes, chunked);
        bytes
    };
    Ok(lines.lines().filter(|line| !line.is_empty()).map(build).collect())
}

fn append_body(bytes: &mut Vec<u8>, body_bytes: usize, chunked: bool) {
    if !chunked {
        bytes.resize(bytes.len() + body_bytes, b'x');
        return;
    }
    let mut left = body_bytes;
    while left > 0 {
        let some = left.min(16 * 1024);
        bytes.extend_from_slice(format!("{some:x}\r\n").as_bytes());
        bytes.resize(bytes.len() + some, b'x');
        bytes.extend_from_slice(b"\r\n");
        left -= some;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan) -> io::Result<Self> {
        let connections = (0..plan.connections_count).map(|_| Connection::new()).collect();
        Ok(Self {
            plan,
            poll: Poll::new()?,
            timer: None,
            connections,
            idle: (0..plan.connections_count).rev().collect(),
            due: VecDeque::new(),
            scheduled_count: 0,
            next_request: 0,
            started: Instant::now(),
            seen: Seen::default(),
            scratch: vec![0; 256 * 1024],
        })
    }

    fn load(&mut self) -> io::Result<()> {
        self.set_timer()?;
        let mut events = Events::with_capacity(1024);
        self.started = Instant::now();
        let warm = self.started + Duration::from_secs_f64(self.plan.warm_up_seconds);
        let end = warm + Duration::from_secs_f64(self.plan.seconds);
        loop {
            let now = Instant::now();
            if now >= end {
                break;
            }
            if self.seen.counted_from.is_none() && now >= warm {
                self.seen = Seen { counted_from: Some(now), ..Seen::default() };
            }
            self.schedule(now);
            self.start_due();
            self.turn(&mut events, Some((end - now).min(Duration::from_millis(100))))?;
        }
        self.seen.ended = Some(Instant::now());
        self.seen.unanswered = self.overdue();
        Ok(())
    }

    /// Requests that are far behind when the time is up: a server that answers nothing must not
    /// look fast.
    fn overdue(&self) -> u64 {
        let old = |asked: &Instant| asked.elapsed() > OVERDUE;
        let asked = self.connections.iter().filter_map(|connection| connection.asked.as_ref());
        (asked.filter(|at| old(at)).count() + self.due.iter().filter(|at| old(at)).count()) as u64
    }

    fn open_idle(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        self.started = Instant::now();
        self.seen.counted_from = Some(self.started);
        let end = self.started + Duration::from_secs(60);
        let mut asked_count = 0;
        let all = self.plan.connections_count as u64;
        while self.seen.answered + self.seen.errors() < all && Instant::now() < end {
            // A few at a time: the listener's queue is bounded.
            let open = asked_count - self.seen.answered - self.seen.errors();
            for _ in open..64.min(open + all - asked_count) {
                let Some(index) = self.idle.pop() else { break };
                asked_count += 1;
                self.start(index, Instant::now());
            }
            self.turn(&mut events, Some(Duration::from_millis(100)))?;
        }
        self.seen.unanswered = all - self.seen.answered - self.seen.errors();
        self.seen.ended = Some(Instant::now());
        Ok(())
    }

    /// An open loop is paced by a timer of the kernel: the poll's own is no finer than 1 ms.
    fn set_timer(&mut self) -> io::Result<()> {
        let Some(rate) = self.plan.rate else { return Ok(()) };
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let period =
            Timespec { tv_sec: 0, tv_nsec: ((1e9 / rate) as i64).clamp(100_000, 999_999_999) };
        let spec = Itimerspec { it_interval: period, it_value: period };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
        let raw = timer.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&raw), TIMER, Interest::READABLE)?;
        self.timer = Some(timer);
        Ok(())
    }

    fn schedule(&mut self, now: Instant) {
        let Some(rate) = self.plan.rate else { return };
        loop {
            let at = self.started + Duration::from_secs_f64(self.scheduled_count as f64 / rate);
            if at > now {
                return;
            }
            self.due.push_back(at);
            self.scheduled_count += 1;
        }
    }

    fn start_due(&mut self) {
        if self.plan.rate.is_none() {
            let now = Instant::now();
            while let Some(index) = self.idle.pop() {
                self.start(index, now);
            }
            return;
        }
        while !self.due.is_empty() {
            let Some(index) = self.idle.pop() else { return };
            let Some(at) = self.due.pop_front() else { return };
            self.start(index, at);
        }
    }

    fn turn(&mut self, events: &mut Events, wait: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        }
        for event in events.iter() {
            if event.token() == TIMER {
                if let Some(timer) = &self.timer {
                    // Only clears the timer: what is due follows from the clock.
                    let _ = rustix::io::read(timer, &mut [0_u8; 8]);
                }
            } else {
                self.ready(event);
            }
        }
        Ok(())
    }

    fn start(&mut self, index: usize, asked: Instant) {
        let request = self.next_request;
        self.next_request = (request + 1) % self.plan.requests.len();
        let connection = &mut self.connections[index];
        connection.begin(request, asked);
        if connection.stream.is_none() {
            if let Err(error) = connection.connect(self.plan.target, index, &self.poll) {
                self.fail(index, &error);
            }
            return; // sends when the socket says that it is writable
        }
        if let Err(error) = connection.send(&self.plan.requests) {
            self.fail(index, &error);
        }
    }

    fn ready(&mut self, event: &Event) {
        let index = event.token().0;
        let connection = &mut self.connections[index];
        if connection.stream.is_none() {
            return;
        }
        if connection.asked.is_none() {
            // The server closed a connection that waits for its next request.
            if event.is_read_closed() {
                connection.stream = None;
            }
            return;
        }
        let mut outcome = Ok(None);
        if event.is_writable() {
            outcome = connection.send(&self.plan.requests).map(|()| None);
        }
        if outcome.is_ok() && (event.is_readable() || event.is_read_closed() || event.is_error()) {
            outcome = connection.receive(&mut self.scratch, event.is_read_closed());
        }
        match outcome {
            Ok(None) => {}
            Ok(Some(answer)) => self.answered(index, &answer),
            Err(error) => self.fail(index, &error),
        }
    }

    fn answered(&mut self, index: usize, answer: &Answer) {
        self.seen.bytes += answer.bytes;
        let connection = &mut self.connections[index];
        // An answer before the whole request was sent leaves a connection that cannot go on.
        let cut = connection.sent_bytes < self.plan.requests[connection.request].len();
        if cut || self.plan.fresh {
            connection.stream = None;
        }
        if answer.is_error {
            self.seen.status_errors += 1;
            self.seen.first_fault.get_or_insert_with(|| "a status above 399".to_owned());
        } else {
            self.seen.answered += 1;
            let us = answer.asked.elapsed().as_micros();
            self.seen.latency.add(u64::try_from(us).unwrap_or(u64::MAX));
        }
        self.free(index);
    }

    fn fail(&mut self, index: usize, error: &io::Error) {
        self.connections[index].stream = None;
        self.connections[index].asked = None;
        self.seen.connection_errors += 1;
        self.seen.first_fault.get_or_insert_with(|| error.to_string());
        self.idle.push(index);
    }

    fn free(&mut self, index: usize) {
        if self.plan.idle {
            return;
        }
        if self.plan.rate.is_none() {
            return self.start(index, Instant::now());
        }
        match self.due.pop_front() {
            Some(at) => self.start(index, at),
            None => self.idle.push(index),
        }
    }

    fn report(&self) -> String {
        let seen = &self.seen;
        let seconds = match (seen.counted_from, seen.ended) {
            (Some(from), Some(to)) => (to - from).as_secs_f64(),
            _ => f64::NAN,
        };
        let at = |share| seen.latency.at(share);
        let fault = seen.first_fault.as_deref().unwrap_or("").replace(['"', '\\'], "'");
        format!(
            "{{\"requests\": {}, \"seconds\": {seconds:.4}, \"rate\": {:.1}, \"bytes\": {}, \
             \"errors\": {}, \"status_errors\": {}, \"connection_errors\": {}, \
             \"unanswered\": {}, \"fault\": \"{fault}\", \"p50_us\": {}, \"p90_us\": {}, \
             \"p99_us\": {}, \"p999_us\": {}, \"max_us\": {}}}",
            seen.answered,
            seen.answered as f64 / seconds,
            seen.bytes,
            seen.errors() + seen.unanswered,
            seen.status_errors,
            seen.connection_errors,
            seen.unanswered,
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            seen.latency.max(),
        )
    }
}

impl Seen {
    fn errors(&self) -> u64 {
        self.status_errors + self.connection_errors
    }
}

/// One response, read to its end.
struct Answer {
    asked: Instant,
    bytes: u64,
    is_error: bool,
}

impl Connection {
    fn new() -> Self {
        Self {
            stream: None,
            request: 0,
            sent_bytes: 0,
            received_bytes: 0,
            asked: None,
            input: Vec::new(),
            body: None,
            is_error: false,
            close: false,
        }
    }

    fn begin(&mut self, request: usize, asked: Instant) {
        self.request = request;
        self.sent_bytes = 0;
        self.received_bytes = 0;
        self.asked = Some(asked);
        self.input.clear();
        self.body = None;
        self.close = false;
    }

    fn connect(&mut self, target: SocketAddr, index: usize, poll: &Poll) -> io::Result<()> {
        let mut stream = TcpStream::connect(target)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(index), interest)?;
        stream.set_nodelay(true)?;
        self.stream = Some(stream);
        Ok(())
    }

    fn send(&mut self, requests: &[Vec<u8>]) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let bytes = &requests[self.request];
        while self.sent_bytes < bytes.len() {
            match stream.write(&bytes[self.sent_bytes..]) {
                Ok(sent) => self.sent_bytes += sent,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_not_yet(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, scratch: &mut [u8], closed: bool) -> io::Result<Option<Answer>> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(None) };
            match stream.read(scratch) {
                Ok(0) => return self.end_of_stream(),
                Ok(bytes) => {
                    self.received_bytes += bytes as u64;
                    if let Some(answer) = self.take(&scratch[..bytes])? {
                        return Ok(Some(answer));
                    }
                    if bytes < scratch.len() && !closed {
                        return Ok(None);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_not_yet(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn end_of_stream(&mut self) -> io::Result<Option<Answer>> {
        let whole = self.body.is_some_and(|body| body.ends_at_close());
        self.stream = None;
        if whole { Ok(self.finish()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<Option<Answer>> {
        if self.body.is_some() || self.input.is_empty() {
            return self.read_over(bytes);
        }
        let mut joined = std::mem::take(&mut self.input);
        joined.extend_from_slice(bytes);
        self.read_over(&joined)
    }

    fn read_over(&mut self, mut bytes: &[u8]) -> io::Result<Option<Answer>> {
        while self.body.is_none() {
            let Some(head) = head::response(bytes).map_err(malformed)? else {
                self.input = bytes.to_vec();
                return Ok(None);
            };
            bytes = &bytes[head.head_bytes..];
            if head.status >= 200 {
                self.is_error = head.status >= 400;
                self.close = head.close || head.body == Length::UntilClose;
                self.body = Some(Body::new(head.body));
            }
        }
        let Some(body) = &mut self.body else { return Ok(None) };
        body.take(bytes, |_| {}).map_err(malformed)?;
        let done = body.is_done();
        Ok(if done { self.finish() } else { None })
    }

    fn finish(&mut self) -> Option<Answer> {
        if self.close {
            self.stream = None;
        }
        let asked = self.asked.take()?;
        Some(Answer { asked, bytes: self.received_bytes, is_error: self.is_error })
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

fn malformed(_: head::Malformed) -> io::Error {
    io::Error::from(ErrorKind::InvalidData)
}

const USAGE: &str = "load [--target 127.0.0.1:8080] [--path /small | --paths FILE] [--host NAME] \
    [--method GET] [--body-bytes 0] [--chunked] [--connections 64] [--seconds 5] [--warm-up 0.5] \
    [--rate PER_SECOND] [--fresh] [--idle]";
const TIMER: Token = Token(usize::MAX - 1);
/// Older unanswered requests than this count as errors at the end.
const OVERDUE: Duration = Duration::from_secs(2);
