//! An answer whose body goes through the filters of its route: held whole, or piece by piece.

use crate::bridge::reason::Reason;
use crate::extension::Direction;
use crate::http::framing::Body;
use crate::limits;
use crate::runtime::Segment;

use super::super::super::exchange::{Course, Growing};
use super::super::super::failure::Failure;
use super::super::super::filter::body::{self, Scratch};
use super::super::chunks::{Coding, Sink};
use super::super::pieces::Pieces;
use super::{Download, Final};

impl Download<'_> {
    /// Carries an answer that filters read to its end; whether the upstream's connection can be
    /// used again.
    pub(super) async fn filtered(mut self, head: Final) -> Result<bool, Failure> {
        match head.course {
            Course::Hold { bytes_max } => self.held(head, bytes_max).await,
            Course::Pass | Course::Describe | Course::Stream => self.streamed(head).await,
        }
    }

    /// What filters leave of the body goes on at once.
    async fn streamed(&mut self, head: Final) -> Result<bool, Failure> {
        let Final { block, body, coding, keeps, .. } = head;
        let mut sink = Sink::new(self.client, self.worker.runtime.blocks(), coding);
        sink.pending = Some(block);
        let outcome = self.pass(&mut sink, body).await;
        // A body that broke before its head was queued leaves room for another answer.
        self.exchange.facts.response_began = sink.queued;
        outcome?;
        let is_whole = !matches!(body, Body::UntilClose) && self.progress.request_complete.get();
        Ok(keeps && is_whole)
    }

    async fn pass(&mut self, sink: &mut Sink<'_>, body: Body) -> Result<(), Failure> {
        let mut pieces = Pieces::new(body, self.exchange.generation.chunk_limits);
        let mut scratch = Scratch::default();
        let mut out = Vec::new();
        while !pieces.are_over() {
            if self.input.is_empty() {
                sink.flush();
            }
            let Some(mut lease) = self.next().await? else {
                if pieces.end_with_stream() {
                    break;
                }
                return Err(Failure::new(Reason::UpstreamClosed));
            };
            while !lease.is_empty() && !pieces.are_over() {
                let piece = pieces.read(&lease);
                let piece = piece.map_err(|_| Failure::new(Reason::UpstreamFramingInvalid))?;
                if !piece.data.is_empty() {
                    let piece = (&lease[piece.data], false);
                    body::piece(self.worker, self.exchange, piece, &mut scratch, &mut out)?;
                }
                lease.advance(piece.consumed_bytes);
            }
            self.input.put_back(lease);
            self.exchange.facts.bytes_out += out.len() as u64;
            sink.write(&mut out);
            self.room(sink).await?;
        }
        body::piece(self.worker, self.exchange, (b"", true), &mut scratch, &mut out)?;
        self.exchange.facts.bytes_out += out.len() as u64;
        sink.write(&mut out);
        sink.end(self.trailers(&mut pieces.trailers));
        Ok(())
    }

    /// Nothing is sent before the whole of it was read and changed, so that all that goes wrong
    /// until then can be told.
    async fn held(&mut self, head: Final, bytes_max: usize) -> Result<bool, Failure> {
        let Final { mut block, body, keeps, .. } = head;
        if let Body::Length(bytes) = body
            && bytes > bytes_max as u64
        {
            return Err(Failure::new(Reason::AnswerNotBuffered));
        }
        let mut growing = self.whole(body, bytes_max).await?;
        let shown = (Direction::Response, bytes_max);
        body::whole(self.worker, self.exchange, shown, &mut growing)?;
        let held_bytes = growing.len();
        self.encode(None, Body::Length(held_bytes as u64), Course::Pass, &mut block);
        let mut sink = Sink::new(self.client, self.worker.runtime.blocks(), Coding::Plain);
        self.exchange.facts.response_began = true;
        let held = growing.finish();
        let mut left = held.share();
        if held_bytes <= limits::COPY_BYTES_MAX {
            block.extend_from_slice(&left);
            left.advance(held_bytes);
        }
        self.client.push(Segment::Block(block));
        while !left.is_empty() {
            let piece = left.split_to(left.len().min(limits::HELD_PIECE_BYTES));
            self.exchange.facts.bytes_out += piece.len() as u64;
            self.client.push(Segment::Lease(piece));
            self.room(&mut sink).await?;
        }
        self.exchange.facts.bytes_out = held_bytes as u64;
        if held_bytes > limits::HELD_PIECE_BYTES {
            // The last piece keeps the whole in memory, which is counted no longer than this.
            self.taken(0).await?;
        }
        let is_whole = !matches!(body, Body::UntilClose) && self.progress.request_complete.get();
        Ok(keeps && is_whole)
    }

    async fn whole(&mut self, body: Body, bytes_max: usize) -> Result<Growing, Failure> {
        let mut pieces = Pieces::new(body, self.exchange.generation.chunk_limits);
        let mut growing = Growing::new(self.worker.runtime.blocks(), &self.worker.ledger);
        while !pieces.are_over() {
            let Some(mut lease) = self.next().await? else {
                if pieces.end_with_stream() {
                    break;
                }
                return Err(Failure::new(Reason::UpstreamClosed));
            };
            while !lease.is_empty() && !pieces.are_over() {
                let piece = pieces.read(&lease);
                let piece = piece.map_err(|_| Failure::new(Reason::UpstreamFramingInvalid))?;
                if growing.len() + piece.data.len() > bytes_max {
                    return Err(Failure::new(Reason::AnswerNotBuffered));
                }
                growing.extend(&lease[piece.data])?;
                lease.advance(piece.consumed_bytes);
            }
            self.input.put_back(lease);
        }
        Ok(growing)
    }
}
