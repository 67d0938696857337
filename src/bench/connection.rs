//! One connection of the load generator: a request, its answer, and again.
//!
//! HTTP/1.1 over TCP stands here. TLS joins where a socket is opened, HTTP/2 as another kind of
//! [`Wire`] whose streams are connections to the worker; neither is built in this version.

use crate::limits;
use crate::runtime::{Expired, Instant, Segment, Socket, Timer};

use super::http1::{Answer, Read, Reader};
use super::plan::Request;
use super::recorder::Failed;
use super::worker::{Turn, Worker};

use std::rc::Rc;
use std::time::Duration;

/// One connection's task.
pub(super) struct Connection {
    worker: Rc<Worker>,
    index: usize,
    timer: Timer,
    wire: Wire,
}

/// Its sockets, one a server, and what it reads with.
struct Wire {
    sockets: Vec<Option<Socket>>,
    reader: Reader,
    /// When the last request's bytes were queued.
    sent: Instant,
    received_bytes: u64,
    /// Of them, those of the last piece: a slow reader still owes the time for them.
    owed_bytes: u64,
}

impl Connection {
    pub(super) fn new(worker: &Rc<Worker>, index: usize) -> Connection {
        let mut sockets = Vec::new();
        sockets.resize_with(worker.load.addresses.len(), || None);
        let wire = Wire {
            sockets,
            reader: Reader::default(),
            sent: Instant::NEVER,
            received_bytes: 0,
            owed_bytes: 0,
        };
        Connection { worker: worker.clone(), index, timer: worker.runtime.timer(), wire }
    }

    /// Sends what is to be sent until there is nothing any more.
    pub(super) async fn run(mut self) {
        let worker = self.worker.clone();
        let first = worker.ramp(self.index);
        if first > worker.runtime.now() {
            worker.runtime.sleep_until(first).await;
        }
        while let Some(turn) = worker.turn(self.index).await {
            let outcome = self.exchange(&turn).await;
            self.count(&turn, outcome);
            self.pause(outcome).await;
        }
        worker.leave();
    }

    async fn exchange(&mut self, turn: &Turn) -> Result<Answer, Failed> {
        let now = self.worker.runtime.now();
        self.timer.set(now + self.worker.load.plan.timeout);
        self.wire.sent = Instant::NEVER;
        let asked = self.wire.ask(&self.worker, turn.request);
        let outcome = match self.timer.limit(asked).await {
            Ok(outcome) => outcome,
            Err(Expired) => Err(Failed::TimedOut),
        };
        self.timer.clear();
        let keeps = matches!(outcome, Ok(Answer { keeps_alive: true, .. }));
        if !keeps || self.worker.load.plan.new_connections {
            self.wire.close(turn.request, outcome.is_err());
        }
        outcome
    }

    fn count(&mut self, turn: &Turn, outcome: Result<Answer, Failed>) {
        let worker = &*self.worker;
        let now = worker.runtime.now();
        let received_bytes = std::mem::take(&mut self.wire.received_bytes);
        let given_up = matches!(outcome, Err(Failed::TimedOut));
        let counts = worker.counts_request(turn.start, now)
            || (given_up && worker.counts_given_up(turn.start, now));
        if !counts {
            return;
        }
        worker.ended(now);
        let mut recorder = worker.recorder.borrow_mut();
        recorder.received_bytes += received_bytes;
        if self.wire.sent != Instant::NEVER {
            recorder.sent_bytes += turn.request.bytes.len() as u64;
        }
        match outcome {
            Ok(answer) => {
                recorder.answered(answer.status, now.nanos_since(turn.start));
                if worker.is_open() {
                    recorder.service.saturating_record(now.nanos_since(self.wire.sent));
                }
            }
            Err(failed) => recorder.failed(failed, now.nanos_since(turn.start)),
        }
    }

    /// The pause between two requests, and the one after a refusal.
    async fn pause(&mut self, outcome: Result<Answer, Failed>) {
        let worker = &*self.worker;
        let reading_ns = reading_ns(worker, std::mem::take(&mut self.wire.owed_bytes));
        if reading_ns > 0 {
            worker.rest(Duration::from_nanos(reading_ns)).await;
        }
        let think = worker.load.plan.think;
        if !think.is_zero() {
            worker.rest(think).await;
        }
        if outcome == Err(Failed::Refused) {
            worker.rest(Duration::from_millis(limits::BENCH_REFUSED_PAUSE_MS)).await;
        }
    }
}

impl Wire {
    async fn ask(&mut self, worker: &Worker, request: Request) -> Result<Answer, Failed> {
        let Wire { sockets, reader, sent, received_bytes, owed_bytes } = self;
        let kept = &mut sockets[request.address];
        if kept.as_ref().is_none_or(Socket::is_dead) {
            reader.reset();
            *kept = None;
            *kept = Some(connect(worker, request).await?);
        }
        let Some(socket) = kept.as_ref() else { return Err(Failed::Refused) };
        socket.push(Segment::Static(request.bytes));
        *sent = worker.runtime.now();
        loop {
            let lease = match socket.receive().await {
                Ok(Some(lease)) => lease,
                Ok(None) if reader.has_begun() => return reader.end().ok_or(Failed::Short),
                // Closed without a byte: as good as reset.
                Ok(None) | Err(_) => return Err(Failed::Reset),
            };
            *received_bytes += lease.len() as u64;
            *owed_bytes += lease.len() as u64;
            let read = reader.read(request.method, &lease).map_err(|_| Failed::Malformed)?;
            drop(lease);
            if let Read::Whole(answer) = read {
                return Ok(answer);
            }
            let pause_ns = reading_ns(worker, std::mem::take(owed_bytes));
            if pause_ns > 0 {
                worker.runtime.sleep_until(worker.runtime.now().plus_ns(pause_ns)).await;
            }
        }
    }

    /// Ends the connection of a request; at once where its answer is not wanted any more.
    fn close(&mut self, request: Request, at_once: bool) {
        self.reader.reset();
        if let Some(socket) = self.sockets[request.address].take()
            && at_once
        {
            socket.abort();
        }
    }
}

/// How long a slow reader takes for so many bytes; zero for others.
fn reading_ns(worker: &Worker, bytes: u64) -> u64 {
    let rate = worker.load.plan.read_bytes_per_s;
    rate.map_or(0, |rate| bytes.saturating_mul(1_000_000_000) / rate.get())
}

async fn connect(worker: &Worker, request: Request) -> Result<Socket, Failed> {
    let begin = worker.runtime.now();
    let address = &worker.load.addresses[request.address];
    let socket = worker.runtime.connect(address).await.map_err(|_| Failed::Refused)?;
    let now = worker.runtime.now();
    if worker.counts(now) {
        let mut recorder = worker.recorder.borrow_mut();
        recorder.connections_opened += 1;
        recorder.connect.saturating_record(now.nanos_since(begin));
    }
    Ok(socket)
}
