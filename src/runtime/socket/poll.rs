//! The poll-style face, with a copy each way: for libraries that bring their own buffers.

use std::task::{Context, Poll, ready};

use crate::limits;

use super::super::Errno;
use super::super::operation::Segment;
use super::Socket;

impl Socket {
    /// Copies received bytes into `target`; `Ok(0)` is the end of the stream, or an empty target.
    ///
    /// # Errors
    /// As [`Socket::receive`].
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        target: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        if target.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Some(mut lease) = ready!(self.poll_receive(context))? else {
            return Poll::Ready(Ok(0));
        };
        let bytes = lease.len().min(target.len());
        let part = lease.split_to(bytes);
        for (to, from) in target.iter_mut().zip(part.iter()) {
            *to = *from;
        }
        self.core.count_copied(bytes);
        self.unread(lease);
        Poll::Ready(Ok(bytes))
    }

    /// Copies `source` into the queue; waits while [`limits::POLL_WRITE_BYTES_MAX`] are queued.
    ///
    /// # Errors
    /// Why sending failed.
    pub fn poll_write(
        &self,
        context: &mut Context<'_>,
        source: &[u8],
    ) -> Poll<Result<usize, Errno>> {
        let below_bytes = limits::POLL_WRITE_BYTES_MAX;
        ready!(self.poll_drained(context, below_bytes - 1))?;
        let bytes = source.len().min(below_bytes - self.queued_bytes());
        let part = source.get(..bytes).unwrap_or_default();
        self.push(Segment::Block(self.core.copied(part)));
        Poll::Ready(Ok(bytes))
    }

    /// Waits until nothing is queued.
    ///
    /// # Errors
    /// Why sending failed.
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), Errno>> {
        self.flush();
        self.poll_drained(context, 0)
    }

    /// Waits until nothing is queued, and ends the sending side.
    ///
    /// # Errors
    /// Why sending failed.
    pub fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<Result<(), Errno>> {
        self.shutdown_write();
        self.poll_flush(context)
    }
}
