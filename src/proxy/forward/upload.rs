//! The request's body, from the client to the upstream.

mod filtered;

use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::http::h1::chunked::{ChunkLimits, Decoder};
use crate::limits;
use crate::runtime::{Instant, Lease, Side, Socket, Timer};

use super::super::exchange::{Changes, Deadline, Exchange, Halt, Idle, Input, Moving};
use super::super::failure::Failure;
use super::super::filter::stream::RequestStream;
use super::super::worker::Worker;
use super::chunks::{Coding, Sink, recode, take};
use super::{Progress, QUEUE_BYTES_MAX};

/// Why a body did not reach the upstream.
pub(super) enum Stop {
    /// The client broke off, was too slow or sent too much: the exchange is over.
    Client(Failure),
    /// The upstream takes no more: its answer may still come.
    Upstream,
}

/// One body on its way up.
pub(super) struct Upload<'a> {
    worker: &'a Worker,
    client: &'a Socket,
    input: &'a mut Input,
    timer: &'a Timer,
    upstream: &'a Socket,
    progress: &'a Progress,
    body: Body,
    bytes_max: u64,
    chunk_limits: ChunkLimits,
    client_idle_ns: u64,
    upstream_idle_ns: u64,
    total_deadline: Option<Instant>,
    /// The filters that it goes through, if any.
    stream: Option<Box<RequestStream>>,
    /// What its head has lost, and its trailers must not bring back.
    changes: Changes<'a>,
}

impl<'a> Upload<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        (client, upstream): ((&'a Socket, &'a mut Input, &'a Timer), &'a Socket),
        exchange: &mut Exchange,
        changes: Changes<'a>,
        progress: &'a Progress,
    ) -> Self {
        let (client, input, timer) = client;
        let stream = RequestStream::of(exchange);
        let timeouts = exchange.timeouts();
        Self {
            worker,
            client,
            input,
            timer,
            upstream,
            progress,
            body: exchange.facts.body,
            bytes_max: exchange.body_bytes_max(),
            chunk_limits: exchange.generation.chunk_limits,
            client_idle_ns: timeouts.client_body_idle_ns,
            upstream_idle_ns: timeouts.upstream_idle_ns,
            total_deadline: exchange.facts.total_deadline,
            stream,
            changes,
        }
    }

    /// Carries the body to its end.
    pub(super) async fn run(mut self) -> Result<(), Stop> {
        if let Some(stream) = self.stream.take() {
            return Box::pin(self.filtered(stream)).await;
        }
        match self.body {
            Body::Empty | Body::UntilClose => Ok(()),
            Body::Length(bytes) => self.length(bytes).await,
            Body::Chunked => self.chunked().await,
        }
    }

    async fn length(&mut self, bytes: u64) -> Result<(), Stop> {
        let mut remaining_bytes = bytes;
        while remaining_bytes > 0 {
            if self.input.is_empty() && remaining_bytes >= limits::TRANSFER_BYTES_MIN {
                return Box::pin(self.transfer(remaining_bytes)).await;
            }
            let mut lease = self.next().await?;
            let body = take(&mut lease, remaining_bytes);
            self.input.put_back(lease);
            remaining_bytes -= body.len() as u64;
            self.count(body.len() as u64)?;
            let mut sink = self.sink(Coding::Plain);
            sink.push(body);
            sink.flush();
            self.room().await?;
        }
        Ok(())
    }

    async fn chunked(&mut self) -> Result<(), Stop> {
        let mut decoder = Decoder::new(self.chunk_limits);
        let mut trailers = Vec::new();
        loop {
            let lease = self.next().await?;
            let mut sink = self.sink(Coding::Chunked);
            let recoded = recode(&mut decoder, lease, &mut trailers, &mut sink)
                .map_err(|error| Stop::Client(error.into()))?;
            match recoded.rest {
                Some(rest) => {
                    self.count(recoded.bytes as u64)?;
                    self.changes.strip(&mut trailers);
                    sink.end(&trailers);
                    self.input.put_back(rest);
                    return Ok(());
                }
                None => sink.flush(),
            }
            self.count(recoded.bytes as u64)?;
            self.room().await?;
        }
    }

    /// The rest of a long body, moved inside the kernel.
    async fn transfer(&mut self, bytes: u64) -> Result<(), Stop> {
        let pipe = self.worker.runtime.pipe();
        let idle = Idle { source_ns: self.client_idle_ns, sink_ns: self.upstream_idle_ns };
        let moved = Moving {
            worker: self.worker,
            timer: self.timer,
            idle,
            total_deadline: self.total_deadline,
            sink: self.upstream,
        };
        let transfer = self.client.transfer(self.upstream, bytes, &pipe);
        let outcome = moved.run(transfer, &pipe).await;
        self.progress.bytes_in.set(self.progress.bytes_in.get() + pipe.moved_bytes());
        match outcome {
            Ok(moved_bytes) if moved_bytes == bytes => Ok(()),
            Ok(_) | Err(Halt::Source(_)) => Err(Stop::Client(Failure::new(Reason::ClientClosed))),
            Err(Halt::Sink) => Err(Stop::Upstream),
            Err(Halt::Idle(side)) => {
                let reason = match side {
                    Side::Source => Reason::ClientBodyTimeout,
                    Side::Sink => Reason::UpstreamIdleTimeout,
                };
                Err(Stop::Client(Failure::new(reason)))
            }
            Err(Halt::Total) => Err(Stop::Client(Failure::new(Reason::TotalTimeout))),
        }
    }

    async fn next(&mut self) -> Result<Lease, Stop> {
        let at = self.worker.runtime.now().plus_ns(self.client_idle_ns);
        let deadline = Deadline::earlier(self.total_deadline, at);
        self.timer.set(deadline.at);
        let reason = match self.timer.limit(self.input.next(self.client)).await {
            Ok(Ok(Some(lease))) => return Ok(lease),
            Ok(Ok(None) | Err(_)) => Reason::ClientClosed,
            Err(_) => deadline.reason(Reason::ClientBodyTimeout),
        };
        Err(Stop::Client(Failure::new(reason)))
    }

    /// Waits until the upstream has taken enough of what is queued for it.
    async fn room(&mut self) -> Result<(), Stop> {
        if self.upstream.queued_bytes() <= QUEUE_BYTES_MAX {
            return if self.upstream.send_error().is_some() { Err(Stop::Upstream) } else { Ok(()) };
        }
        let at = self.worker.runtime.now().plus_ns(self.upstream_idle_ns);
        let deadline = Deadline::earlier(self.total_deadline, at);
        self.timer.set(deadline.at);
        match self.timer.limit(self.upstream.drained(QUEUE_BYTES_MAX)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Upstream),
            Err(_) => {
                let reason = deadline.reason(Reason::UpstreamIdleTimeout);
                Err(Stop::Client(Failure::new(reason)))
            }
        }
    }

    fn count(&self, bytes: u64) -> Result<(), Stop> {
        let total_bytes = self.progress.bytes_in.get() + bytes;
        self.progress.bytes_in.set(total_bytes);
        if total_bytes > self.bytes_max {
            return Err(Stop::Client(Failure::new(Reason::BodyTooLarge)));
        }
        Ok(())
    }

    fn sink(&self, coding: Coding) -> Sink<'a> {
        Sink::new(self.upstream, self.worker.runtime.blocks(), coding)
    }
}
