//! The answer, from the upstream to the client.

mod filtered;

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::extension::ResponseSource;
use crate::http::field::{FieldId, FieldSet};
use crate::http::framing::{self, Body};
use crate::http::h1::chunked::Decoder;
use crate::http::h1::encode::{self, Edits, Framing};
use crate::http::h1::parse::{self, Parsed};
use crate::http::head::{ResponseHead, Version};
use crate::http::method::Method;
use crate::limits;
use crate::memory::Block;
use crate::runtime::{Expired, Instant, Lease, Segment, Side, Socket, Timer};

use super::super::exchange::{
    Changes, Course, Deadline, Exchange, Facts, Halt, Idle, Input, Moving, Upstream,
};
use super::super::failure::Failure;
use super::super::filter::{self, Shown};
use super::super::worker::Worker;
use super::chunks::{Coding, Sink, recode, take};
use super::{Progress, QUEUE_BYTES_MAX};

use std::pin::pin;

/// One answer on its way down.
pub(super) struct Download<'a> {
    worker: &'a Worker,
    client: &'a Socket,
    timer: &'a Timer,
    upstream: &'a Socket,
    input: &'a mut Input,
    exchange: &'a mut Exchange,
    progress: &'a Progress,
    /// When the head that is being read began.
    head_at: Instant,
}

/// A final head, written for the client.
struct Final {
    block: Block,
    body: Body,
    coding: Coding,
    /// The upstream lets its connection be used again.
    keeps: bool,
    /// How the route's filters read the body; of one that is held the block is empty yet.
    course: Course,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        client: (&'a Socket, &'a Timer),
        upstream: &'a mut Upstream,
        exchange: &'a mut Exchange,
        progress: &'a Progress,
    ) -> Self {
        let ends = (&upstream.socket, &mut upstream.input);
        Self::between(worker, client, ends, exchange, progress)
    }

    pub(super) fn between(
        worker: &'a Worker,
        (client, timer): (&'a Socket, &'a Timer),
        (upstream, input): (&'a Socket, &'a mut Input),
        exchange: &'a mut Exchange,
        progress: &'a Progress,
    ) -> Self {
        let head_at = worker.runtime.now();
        Self { worker, client, timer, upstream, input, exchange, progress, head_at }
    }

    /// Carries the answer to its end; whether the upstream's connection can be used again.
    pub(super) async fn run(mut self) -> Result<bool, Failure> {
        let head = self.head().await?;
        if matches!(head.course, Course::Hold { .. } | Course::Stream) {
            // In a box of its own: few routes read bodies.
            return Box::pin(self.filtered(head)).await;
        }
        let Final { block, body, coding, keeps, course: _ } = head;
        let mut sink = Sink::new(self.client, self.worker.runtime.blocks(), coding);
        sink.pending = Some(block);
        let outcome = match body {
            Body::Empty => {
                sink.flush();
                Ok(())
            }
            Body::Length(bytes) => self.length(&mut sink, bytes).await,
            Body::Chunked => self.chunked(&mut sink).await,
            Body::UntilClose => self.until_close(&mut sink).await,
        };
        // A body that broke before its head was queued leaves room for another answer.
        self.exchange.facts.response_began = sink.queued;
        outcome?;
        let whole = !matches!(body, Body::UntilClose) && self.progress.request_complete.get();
        Ok(keeps && whole)
    }

    /// The final head; the informational ones before it are forwarded on the way.
    async fn head(&mut self) -> Result<Final, Failure> {
        let limits = self.exchange.generation.head_limits;
        let mut informational_count = 0;
        loop {
            let mut lease = self.first_bytes().await?;
            self.worker.step(&mut self.exchange.facts);
            let Exchange { response_head: head, response_index: index, .. } = self.exchange;
            let carried_bytes = head.len();
            if carried_bytes == 0 {
                self.head_at = self.worker.runtime.now();
            }
            let parsed = if carried_bytes == 0 {
                parse::response(&lease, &limits, index)
            } else {
                head.extend_from_slice(&lease);
                parse::response(head, &limits, index)
            };
            let head_bytes = match parsed.map_err(of_upstream)? {
                Parsed::Complete { head_bytes } => head_bytes,
                Parsed::Partial => {
                    if carried_bytes == 0 {
                        head.extend_from_slice(&lease);
                    }
                    continue;
                }
            };
            let done = self.translate(if carried_bytes == 0 { Some(&lease) } else { None })?;
            if carried_bytes == 0 && done.as_ref().is_some_and(|head| head.course != Course::Pass) {
                // It is written once its body is known.
                self.exchange.response_head.extend_from_slice(&lease[..head_bytes]);
            }
            lease.advance(head_bytes - carried_bytes);
            self.input.put_back(lease);
            if let Some(head) = done {
                self.worker.stepped(&mut self.exchange.facts, Stage::Answer);
                self.began();
                return Ok(head);
            }
            self.exchange.response_head.clear();
            self.exchange.response_index.clear();
            informational_count += 1;
            if informational_count > limits::INFORMATIONAL_COUNT_MAX {
                return Err(Failure::new(Reason::UpstreamMalformed));
            }
        }
    }

    /// The final answer has begun: from its first byte on the time goes to the relay.
    fn began(&mut self) {
        let (facts, stages) = (&mut self.exchange.facts, &self.worker.block.stages);
        let uploaded_at = self.progress.uploaded_at.get().filter(|at| *at <= self.head_at);
        if let (Stage::Upload, Some(at)) = (facts.stage, uploaded_at) {
            facts.enter(stages, Stage::UpstreamFirstByte, at);
        }
        facts.enter(stages, Stage::Relay, self.head_at);
    }

    async fn first_bytes(&mut self) -> Result<Lease, Failure> {
        let now = self.worker.runtime.now();
        // A head that drips buys no more time: its first byte's deadline still runs.
        let awaits_first = self.exchange.response_head.is_empty() && self.input.is_empty();
        if awaits_first && self.progress.ended.get() {
            let at = now.plus_ns(self.exchange.timeouts().first_byte_ns);
            self.timer.set(Deadline::new(self.exchange, at).at);
        } else if awaits_first {
            // While the body goes up, only the whole exchange's time bounds the wait.
            match self.exchange.facts.total_deadline {
                Some(at) => self.timer.set(at),
                None => self.timer.clear(),
            }
        }
        let received = self.arrival().await;
        let now = self.worker.runtime.now();
        match received {
            Ok(Ok(Some(lease))) => {
                self.exchange.facts.first_byte_at.get_or_insert(now);
                Ok(lease)
            }
            Ok(Ok(None)) => Err(Failure::new(Reason::UpstreamClosed)),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::new(match self.exchange.facts.total_deadline {
                Some(total) if total <= now => Reason::TotalTimeout,
                Some(_) | None => Reason::FirstByteTimeout,
            })),
        }
    }

    /// Writes the head for the client: a final one is returned, an informational one queued.
    fn translate(&mut self, lease: Option<&Lease>) -> Result<Option<Final>, Failure> {
        let closing = self.worker.is_draining();
        let Exchange { response_head, response_index, facts, .. } = &mut *self.exchange;
        let bytes: &[u8] = lease.map_or(response_head.as_slice(), |lease| lease);
        let head = ResponseHead::new(bytes, response_index);
        if head.status().code() < 200 {
            self.inform(lease)?;
            return Ok(None);
        }
        let mut block = self.worker.runtime.blocks().take();
        if closing || (facts.expects_continue && self.progress.bytes_in.get() == 0) {
            facts.keep_alive = false;
        }
        let body = framing::response(facts.method, head)
            .map_err(|_| Failure::new(Reason::UpstreamFramingInvalid))?;
        facts.status = head.status().code();
        facts.upstream_status = facts.status;
        let keeps = framing::response_keeps_alive(head);
        if let Some(told) = head.first(FieldId::KeepAlive).and_then(keep_alive_timeout) {
            facts.upstream_keeps_ns = told.saturating_sub(1) * 1_000_000_000;
        }
        if facts.is_filtered {
            self.show(lease)?;
        }
        self.progress.response_began.set(true);
        let mut course = Course::Pass;
        if self.exchange.facts.reads_answer {
            let bytes = lease.map(|lease| &lease[..]);
            course = filter::body::of_answer(self.worker, self.exchange, bytes, body)?;
        }
        if let Course::Hold { .. } = course {
            return Ok(Some(Final { block, body, coding: Coding::Plain, keeps, course }));
        }
        self.exchange.facts.response_began = true;
        let coding = self.encode(lease, body, course, &mut block);
        Ok(Some(Final { block, body, coding, keeps, course }))
    }

    /// Passes an informational head on. It loses what the final one does; what is written anew
    /// stands in the final one.
    fn inform(&self, lease: Option<&Lease>) -> Result<(), Failure> {
        let bytes: &[u8] = lease.map_or(self.exchange.response_head.as_slice(), |lease| lease);
        let head = ResponseHead::new(bytes, &self.exchange.response_index);
        // RFC 9110 section 15.2: never to a 1.0 client. 101 answers an upgrade, and none was
        // forwarded.
        if head.status().code() == 101 {
            return Err(Failure::new(Reason::UpstreamMalformed));
        }
        if self.exchange.facts.version == Version::Http11 {
            let Changes { drop, others, .. } = self.exchange.answer_changes();
            let drop = drop.union(OWN);
            let edits = Edits { drop, others, framing: Framing::None, append: b"" };
            let mut block = self.worker.runtime.blocks().take();
            encode::response(head, &edits, &mut block);
            self.client.push(Segment::Block(block));
        }
        Ok(())
    }

    /// Shows a final head to the route's filters.
    ///
    /// # Errors
    /// One of them has another answer, which waits in the passage.
    fn show(&mut self, lease: Option<&Lease>) -> Result<(), Failure> {
        let exchange = &mut *self.exchange;
        let index = std::mem::take(&mut exchange.response_index);
        let carried = std::mem::take(&mut exchange.response_head);
        let bytes: &[u8] = lease.map_or(carried.as_slice(), |lease| lease);
        let head = ResponseHead::new(bytes, &index);
        let source = ResponseSource::Upstream(head);
        let shown = Shown { status: head.status(), reason: Reason::Ok, source };
        let other = filter::response(self.worker, exchange, &shown);
        exchange.response_index = index;
        exchange.response_head = carried;
        match other {
            Some(other) => {
                let failure = Failure::new(other.reason);
                exchange.passage.instead = Some(Box::new(other));
                Err(failure)
            }
            None => Ok(()),
        }
    }

    /// Writes a final head, as the route changes it.
    fn encode(
        &mut self,
        lease: Option<&Lease>,
        body: Body,
        course: Course,
        block: &mut Block,
    ) -> Coding {
        let mut lines = std::mem::take(&mut self.exchange.lines);
        lines.clear();
        let Exchange { response_head, response_index, facts, .. } = &mut *self.exchange;
        let bytes: &[u8] = lease.map_or(response_head.as_slice(), |lease| lease);
        let (coding, framing) =
            frame(facts, (body, course), ResponseHead::new(bytes, response_index), &mut lines);
        self.exchange.tell_reason(self.worker, Reason::Ok, &mut lines);
        let changes = self.exchange.answer_changes();
        if !changes.are_none() {
            changes.write(self.exchange, self.worker, &mut lines);
        }
        let bytes: &[u8] = lease.map_or(self.exchange.response_head.as_slice(), |lease| lease);
        let head = ResponseHead::new(bytes, &self.exchange.response_index);
        let Changes { drop, others, .. } = changes;
        let edits = Edits { drop: drop.union(OWN), others, framing, append: &lines };
        encode::response(head, &edits, block);
        self.exchange.lines = lines;
        coding
    }

    async fn length(&mut self, sink: &mut Sink<'_>, bytes: u64) -> Result<(), Failure> {
        let mut remaining_bytes = bytes;
        while remaining_bytes > 0 {
            if self.input.is_empty() {
                sink.flush();
                if remaining_bytes >= limits::TRANSFER_BYTES_MIN {
                    return Box::pin(self.transfer(remaining_bytes)).await;
                }
            }
            let mut lease = self.next().await?.ok_or(Failure::new(Reason::UpstreamClosed))?;
            let body = take(&mut lease, remaining_bytes);
            self.input.put_back(lease);
            remaining_bytes -= body.len() as u64;
            self.exchange.facts.bytes_out += body.len() as u64;
            sink.push(body);
            self.room(sink).await?;
        }
        sink.flush();
        Ok(())
    }

    async fn chunked(&mut self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut decoder = Decoder::new(self.exchange.generation.chunk_limits);
        let mut trailers = Vec::new();
        loop {
            if self.input.is_empty() {
                sink.flush();
            }
            let lease = self.next().await?.ok_or(Failure::new(Reason::UpstreamClosed))?;
            let recoded = recode(&mut decoder, lease, &mut trailers, sink)
                .map_err(|_| Failure::new(Reason::UpstreamFramingInvalid))?;
            self.exchange.facts.bytes_out += recoded.bytes as u64;
            if let Some(rest) = recoded.rest {
                sink.end(self.trailers(&mut trailers));
                self.input.put_back(rest);
                return Ok(());
            }
            self.room(sink).await?;
        }
    }

    /// What the client reads of trailers: nothing that the head has lost.
    fn trailers<'t>(&self, trailers: &'t mut Vec<u8>) -> &'t [u8] {
        if !self.exchange.facts.wants_trailers || trailers.is_empty() {
            return b"";
        }
        self.exchange.answer_changes().strip(trailers);
        trailers
    }

    async fn until_close(&mut self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        loop {
            if self.input.is_empty() {
                sink.flush();
            }
            let Some(lease) = self.next().await? else { break };
            self.exchange.facts.bytes_out += lease.len() as u64;
            sink.push(lease);
            self.room(sink).await?;
        }
        sink.end(b"");
        Ok(())
    }

    /// The rest of a long body, moved inside the kernel.
    async fn transfer(&mut self, bytes: u64) -> Result<(), Failure> {
        let pipe = self.worker.runtime.pipe();
        let timeouts = self.exchange.timeouts();
        let moving = Moving {
            worker: self.worker,
            timer: self.timer,
            idle: Idle {
                source_ns: timeouts.upstream_idle_ns,
                sink_ns: timeouts.client_body_idle_ns,
            },
            total_deadline: self.exchange.facts.total_deadline,
            sink: self.client,
        };
        let transfer = self.upstream.transfer(self.client, bytes, &pipe);
        let outcome = moving.run(transfer, &pipe).await;
        self.exchange.facts.bytes_out += pipe.moved_bytes();
        let reason = match outcome {
            Ok(moved_bytes) if moved_bytes == bytes => return Ok(()),
            Ok(_) => Reason::UpstreamClosed,
            Err(Halt::Source(_)) => Reason::UpstreamReset,
            Err(Halt::Sink) => Reason::ClientClosed,
            Err(Halt::Idle(Side::Source)) => Reason::UpstreamIdleTimeout,
            Err(Halt::Idle(Side::Sink)) => Reason::ClientWriteTimeout,
            Err(Halt::Total) => Reason::TotalTimeout,
        };
        Err(Failure::new(reason))
    }

    async fn next(&mut self) -> Result<Option<Lease>, Failure> {
        let at = self.worker.runtime.now().plus_ns(self.exchange.timeouts().upstream_idle_ns);
        let deadline = Deadline::new(self.exchange, at);
        self.timer.set(deadline.at);
        let received = self.arrival().await;
        received.map_err(|Expired| Failure::new(deadline.reason(Reason::UpstreamIdleTimeout)))?
    }

    /// What the upstream sends next, for as long as the client is there and the timer's time lasts.
    async fn arrival(&mut self) -> Result<Result<Option<Lease>, Failure>, Expired> {
        let next = pin!(self.input.next(self.upstream));
        Ok(match self.timer.limit(self.client.while_there(next)).await? {
            Some(received) => received.map_err(|_| Failure::new(Reason::UpstreamReset)),
            None => Err(Failure::new(Reason::ClientClosed)),
        })
    }

    /// Waits until the client has taken enough of what is queued for it.
    async fn room(&mut self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if self.client.queued_bytes() <= QUEUE_BYTES_MAX {
            return match self.client.send_error() {
                Some(_) => Err(Failure::new(Reason::ClientClosed)),
                None => Ok(()),
            };
        }
        sink.flush();
        self.taken(QUEUE_BYTES_MAX).await
    }

    /// Waits until at most so much is queued for the client.
    async fn taken(&mut self, below_bytes: usize) -> Result<(), Failure> {
        let at = self.worker.runtime.now().plus_ns(self.exchange.timeouts().client_body_idle_ns);
        let deadline = Deadline::new(self.exchange, at);
        self.timer.set(deadline.at);
        match self.timer.limit(self.client.drained(below_bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Failure::new(Reason::ClientClosed)),
            Err(_) => Err(Failure::new(deadline.reason(Reason::ClientWriteTimeout))),
        }
    }
}

/// Decides how the body is framed for the client and writes the lines that say so.
fn frame(
    facts: &mut Facts,
    (body, course): (Body, Course),
    head: ResponseHead<'_>,
    lines: &mut Vec<u8>,
) -> (Coding, Framing) {
    // What filters leave of a body that they read piece by piece has any length.
    let body = if course == Course::Stream { Body::Chunked } else { body };
    let (coding, framing) = match body {
        Body::Empty if course == Course::Describe => (Coding::Plain, Framing::None),
        // HEAD and 304 tell the framing of a body that is not there; RFC 9110 section 8.6.
        Body::Empty => (Coding::Plain, described(facts, head)),
        Body::Length(bytes) => (Coding::Plain, Framing::Length(bytes)),
        Body::Chunked | Body::UntilClose if facts.version == Version::Http11 => {
            (Coding::Chunked, Framing::Chunked)
        }
        // RFC 9112 section 6.1: a 1.0 client reads to the end of the stream.
        Body::Chunked | Body::UntilClose => {
            facts.keep_alive = false;
            facts.close_delimited = true;
            (Coding::Plain, Framing::None)
        }
    };
    match (facts.keep_alive, facts.version) {
        (false, _) => lines.extend_from_slice(b"Connection: close\r\n"),
        (true, Version::Http10) => lines.extend_from_slice(b"Connection: keep-alive\r\n"),
        (true, Version::Http11) => {}
    }
    (coding, framing)
}

fn described(facts: &Facts, head: ResponseHead<'_>) -> Framing {
    if facts.method != Method::HEAD && head.status().code() != 304 {
        return Framing::None;
    }
    match framing::response_declared(head) {
        Ok(Some(Body::Length(bytes))) => Framing::Length(bytes),
        Ok(Some(Body::Chunked)) if facts.version == Version::Http11 => Framing::Chunked,
        Ok(_) | Err(_) => Framing::None,
    }
}

/// Only this gateway tells its own reasons.
const OWN: FieldSet = FieldSet::of(&[FieldId::FrysExplain]);

/// The seconds of `Keep-Alive: timeout=5, max=100`; a second less is used, since the upstream's
/// clock began earlier.
fn keep_alive_timeout(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let mut parameters = text.split(',').map(str::trim);
    let seconds = parameters.find_map(|parameter| parameter.strip_prefix("timeout="))?;
    seconds.parse::<u32>().ok().map(u64::from)
}

fn of_upstream(error: parse::ParseError) -> Failure {
    let reason = match error.status().code() {
        414 | 431 => Reason::UpstreamHeadTooLarge,
        _ => Reason::UpstreamMalformed,
    };
    Failure::new(reason)
}
