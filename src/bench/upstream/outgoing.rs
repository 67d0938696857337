//! The body of an answer on its way: in chunks or not, slowly or as fast as it is taken, whole or
//! cut in the middle; never more queued than a bound.

use crate::limits;
use crate::runtime::{Errno, Instant, Runtime, Segment, Socket};

use super::filler;

use std::io::Write as _;

/// Sends one body.
pub(super) struct Outgoing<'a> {
    runtime: &'a Runtime,
    socket: &'a Socket,
    shape: Shape,
    begun: Instant,
    /// Bytes of content so far.
    sent_bytes: u64,
}

/// How a body is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes of a chunk; `None` for no chunks.
    pub(super) chunk_bytes: Option<usize>,
    /// Bytes a second; `None` for as fast as they are taken.
    pub(super) bytes_per_second: Option<u64>,
    /// Where the body is cut.
    pub(super) cut_at: Option<u64>,
}

/// What a body, or a part of it, is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// So many `x`.
    Filler(u64),
    /// These.
    Bytes(&'a [u8]),
}

/// Why a body did not reach its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// The client is gone.
    Gone(Errno),
    /// It is to be cut here.
    Cut,
}

impl<'a> Outgoing<'a> {
    /// A body whose head was queued.
    pub(super) fn new(runtime: &'a Runtime, socket: &'a Socket, shape: Shape) -> Outgoing<'a> {
        Outgoing { runtime, socket, shape, begun: runtime.now(), sent_bytes: 0 }
    }

    /// Sends a part of it.
    pub(super) async fn write(&mut self, mut source: Source<'_>) -> Result<(), Short> {
        loop {
            let left_bytes = self.shape.cut_at.map(|cut_at| cut_at - self.sent_bytes);
            let bytes = self.piece_bytes().min(source.bytes());
            let bytes = bytes.min(left_bytes.unwrap_or(u64::MAX));
            if bytes > 0 {
                self.wait_for_turn(bytes).await;
                let most = self.queued_bytes_max(source);
                self.push(source.split_to(bytes));
                self.sent_bytes += bytes;
                self.socket.drained(most).await.map_err(Short::Gone)?;
            }
            if left_bytes.is_some_and(|left| left == bytes) {
                return Err(Short::Cut);
            }
            if source.bytes() == 0 {
                return Ok(());
            }
        }
    }

    /// Sends what stands behind the last byte.
    pub(super) fn finish(self) {
        if self.shape.chunk_bytes.is_some() {
            let is_empty = self.sent_bytes == 0;
            let end: &'static [u8] = if is_empty { b"0\r\n\r\n" } else { b"\r\n0\r\n\r\n" };
            self.socket.push(Segment::Static(end));
        }
    }

    /// What is sent at once: a chunk, what is due in one interval, or one run of filler.
    fn piece_bytes(&self) -> u64 {
        let chunk_bytes = self.shape.chunk_bytes.unwrap_or(limits::UPSTREAM_FILLER_BYTES) as u64;
        match self.shape.bytes_per_second {
            Some(rate) => chunk_bytes.min((rate * limits::UPSTREAM_PIECE_MS / 1000).max(1)),
            None => chunk_bytes,
        }
    }

    /// Bytes that may wait: of chunks as many as one send carries, each with its line; of filler,
    /// which costs no memory, as much as one send carries behind a head.
    fn queued_bytes_max(&self, source: Source<'_>) -> usize {
        let most = limits::SEND_QUEUE_BYTES_MAX;
        match (self.shape.chunk_bytes, source) {
            (Some(chunk_bytes), _) => most.min(limits::SEGMENTS_PER_SEND_MAX / 2 * chunk_bytes),
            (None, Source::Bytes(_)) => most,
            (None, Source::Filler(_)) => {
                (limits::SEGMENTS_PER_SEND_MAX - 1) * limits::UPSTREAM_FILLER_BYTES
            }
        }
    }

    async fn wait_for_turn(&self, bytes: u64) {
        let Some(rate) = self.shape.bytes_per_second else { return };
        let due_ns = u128::from(self.sent_bytes + bytes) * 1_000_000_000 / u128::from(rate);
        let due = self.begun.plus_ns(u64::try_from(due_ns).unwrap_or(u64::MAX));
        if due > self.runtime.now() {
            self.runtime.sleep_until(due).await;
        }
    }

    fn push(&self, piece: Source<'_>) {
        if self.shape.chunk_bytes.is_some() {
            let mut line = self.runtime.blocks().take();
            let end: &[u8] = if self.sent_bytes == 0 { b"" } else { b"\r\n" };
            line.extend_from_slice(end);
            // Writing to memory does not fail.
            let _ = write!(&mut *line, "{:x}\r\n", piece.bytes());
            self.socket.push(Segment::Block(line));
        }
        match piece {
            Source::Filler(bytes) => {
                self.socket.push(Segment::Static(&filler()[..bytes as usize]));
            }
            Source::Bytes(bytes) => {
                let mut block = self.runtime.blocks().take();
                block.extend_from_slice(bytes);
                self.socket.push(Segment::Block(block));
            }
        }
    }
}

impl<'a> Source<'a> {
    /// How many bytes it has.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Source::Filler(bytes) => bytes,
            Source::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Splits the first `bytes` off, which it has.
    fn split_to(&mut self, bytes: u64) -> Source<'a> {
        match self {
            Source::Filler(left) => {
                *left -= bytes;
                Source::Filler(bytes)
            }
            Source::Bytes(left) => {
                // No more than it has, so it fits.
                let (first, rest) = left.split_at(bytes as usize);
                *left = rest;
                Source::Bytes(first)
            }
        }
    }
}
