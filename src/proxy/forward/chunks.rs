//! A chunked body on its way through: decoded from one side, encoded anew for the other.

use crate::http::h1::chunked::{ChunkError, Decoder, Event, LAST_CHUNK, encode_chunk_size};
use crate::limits;
use crate::memory::{Block, Blocks};
use crate::runtime::{Lease, Segment, Socket};

use smallvec::SmallVec;

use std::ops::Range;

/// Pieces of one lease that are sent where they lie; more are copied together instead, since
/// each costs an entry of the vectored send.
const PIECES_COUNT_MAX: usize = 8;

/// How the body is framed for the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// As it is, for a reader that was told a length or reads to the end of the stream.
    Plain,
}

/// Queues body bytes for one reader, small ones copied together, large ones where they lie.
pub(super) struct Sink<'a> {
    pub(super) socket: &'a Socket,
    pub(super) blocks: &'a Blocks,
    pub(super) coding: Coding,
    /// Bytes to go ahead of the next ones, the head among them.
    pub(super) pending: Option<Block>,
    /// Whether anything was queued.
    pub(super) queued: bool,
}

impl<'a> Sink<'a> {
    /// A sink that has queued nothing.
    pub(super) fn new(socket: &'a Socket, blocks: &'a Blocks, coding: Coding) -> Self {
        Self { socket, blocks, coding, pending: None, queued: false }
    }

    /// Queues what is pending, so that it does not wait for what comes next.
    pub(super) fn flush(&mut self) {
        if let Some(block) = self.pending.take() {
            self.queued = true;
            self.socket.push(Segment::Block(block));
        }
    }

    /// Queues one run of body bytes.
    pub(super) fn push(&mut self, lease: Lease) {
        if lease.is_empty() {
            return;
        }
        let whole = 0..lease.len();
        self.push_pieces(lease, &[whole]);
    }

    /// Queues a copy of body bytes, which leave `bytes` empty.
    pub(super) fn write(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let block = self.pending.get_or_insert_with(|| self.blocks.take());
        if self.coding == Coding::Chunked {
            encode_chunk_size(bytes.len(), block);
        }
        block.extend_from_slice(bytes);
        if self.coding == Coding::Chunked {
            block.extend_from_slice(b"\r\n");
        }
        bytes.clear();
        if block.len() > limits::COPY_BYTES_MAX {
            self.flush();
        }
    }

    /// Queues the end of the body with its trailers, given as complete lines.
    pub(super) fn end(&mut self, trailers: &[u8]) {
        if self.coding == Coding::Chunked {
            let block = self.pending.get_or_insert_with(|| self.blocks.take());
            block.extend_from_slice(LAST_CHUNK);
            block.extend_from_slice(trailers);
            block.extend_from_slice(b"\r\n");
        }
        self.flush();
    }

    fn push_pieces(&mut self, mut lease: Lease, pieces: &[Range<usize>]) {
        let total_bytes: usize = pieces.iter().map(Range::len).sum();
        if total_bytes == 0 {
            return;
        }
        let chunked = self.coding == Coding::Chunked;
        let copied = total_bytes <= limits::COPY_BYTES_MAX || pieces.len() > PIECES_COUNT_MAX;
        if chunked || copied {
            let block = self.pending.get_or_insert_with(|| self.blocks.take());
            if chunked {
                encode_chunk_size(total_bytes, block);
            }
            if copied {
                for piece in pieces {
                    block.extend_from_slice(&lease[piece.clone()]);
                }
                if chunked {
                    block.extend_from_slice(b"\r\n");
                }
                return;
            }
        }
        self.flush();
        let mut taken_bytes = 0;
        for piece in pieces {
            lease.advance(piece.start - taken_bytes);
            self.socket.push(Segment::Lease(lease.split_to(piece.len())));
            taken_bytes = piece.end;
        }
        if chunked {
            self.socket.push(Segment::Static(b"\r\n"));
        }
    }
}

/// The first bytes of a lease, at most `bytes_max`; the rest stays in it.
pub(super) fn take(lease: &mut Lease, bytes_max: u64) -> Lease {
    let bytes = usize::try_from(bytes_max).map_or(lease.len(), |max| max.min(lease.len()));
    lease.split_to(bytes)
}

/// What one lease of a chunked body held.
pub(super) struct Recoded {
    /// Body bytes.
    pub(super) bytes: usize,
    /// What follows the body's end, once it was reached.
    pub(super) rest: Option<Lease>,
}

/// Decodes one lease and queues its data, coded for the reader, as one run.
///
/// # Errors
/// The chunked coding is broken; nothing of this lease was queued.
pub(super) fn recode(
    decoder: &mut Decoder,
    mut lease: Lease,
    trailers: &mut Vec<u8>,
    sink: &mut Sink<'_>,
) -> Result<Recoded, ChunkError> {
    let mut pieces: SmallVec<[Range<usize>; PIECES_COUNT_MAX]> = SmallVec::new();
    let mut consumed_bytes = 0;
    let mut bytes = 0;
    let ended = loop {
        let step = decoder.decode(&lease[consumed_bytes..], trailers)?;
        let base_bytes = consumed_bytes;
        consumed_bytes += step.consumed;
        match step.event {
            Event::Data(range) => {
                bytes += range.len();
                pieces.push(range.start + base_bytes..range.end + base_bytes);
            }
            Event::NeedMore => break false,
            Event::End => break true,
        }
    };
    let data = lease.split_to(consumed_bytes);
    sink.push_pieces(data, &pieces);
    Ok(Recoded { bytes, rest: ended.then_some(lease) })
}
