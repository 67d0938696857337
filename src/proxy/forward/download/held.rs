//! An answer whose body is held whole for the filters of its route.

use crate::bridge::reason::Reason;
use crate::http::framing::Body;
use crate::limits;
use crate::runtime::Segment;
use crate::snapshot::filter::Direction;

use super::super::super::exchange::{Course, Growing};
use super::super::super::failure::Failure;
use super::super::super::filter::body;
use super::super::chunks::{Coding, Sink};
use super::super::pieces::Pieces;
use super::{Download, Final};

impl Download<'_> {
    /// Carries an answer that filters read to its end; whether the upstream's connection can be
    /// used again.
    pub(super) async fn filtered(mut self, head: Final) -> Result<bool, Failure> {
        match head.course {
            Course::Hold { bytes_max } => self.held(head, bytes_max).await,
            Course::Pass | Course::Describe | Course::Stream => {
                Err(Failure::new(Reason::FilterFailed))
            }
        }
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
        body::whole(self.worker, self.exchange, Direction::Response, &mut growing)?;
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
