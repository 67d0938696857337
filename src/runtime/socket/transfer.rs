//! Bulk mode: moving many bytes from one socket to another.

use std::cell::Cell;
use std::fmt;

use crate::limits;

use super::super::Errno;
use super::super::operation::Segment;
use super::Socket;

/// What a transfer moves bytes through. Reused for one transfer after another.
#[derive(Debug, Default)]
pub struct Pipe {
    moved_bytes: Cell<u64>,
}

/// Which of the two sockets failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is read.
    Source,
    /// The one that is written.
    Sink,
}

/// A transfer that ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferFault {
    /// Where.
    pub side: Side,
    /// Why.
    pub errno: Errno,
}

impl Pipe {
    /// Bytes that the present transfer has moved so far: progress, for whoever keeps the timers.
    pub fn moved_bytes(&self) -> u64 {
        self.moved_bytes.get()
    }
}

impl Socket {
    /// Moves up to `bytes_max` bytes from here to `to`, and waits until they were sent. Fewer are
    /// moved only at the end of the stream.
    ///
    /// # Errors
    /// Which side failed, and why.
    pub async fn transfer(
        &self,
        to: &Socket,
        bytes_max: u64,
        pipe: &Pipe,
    ) -> Result<u64, TransferFault> {
        let source = |errno| TransferFault { side: Side::Source, errno };
        let sink = |errno| TransferFault { side: Side::Sink, errno };
        pipe.moved_bytes.set(0);
        while pipe.moved_bytes() < bytes_max {
            let Some(mut lease) = self.receive().await.map_err(source)? else { break };
            let left = usize::try_from(bytes_max - pipe.moved_bytes()).unwrap_or(usize::MAX);
            let part = lease.split_to(lease.len().min(left));
            self.unread(lease);
            let bytes = part.len() as u64;
            to.push(Segment::Lease(part));
            to.drained(limits::TRANSFER_QUEUED_BYTES_MAX).await.map_err(sink)?;
            pipe.moved_bytes.set(pipe.moved_bytes() + bytes);
        }
        to.drained(0).await.map_err(sink)?;
        Ok(pipe.moved_bytes())
    }
}

impl fmt::Display for TransferFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.side {
            Side::Source => write!(formatter, "receiving failed: {}", self.errno),
            Side::Sink => write!(formatter, "sending failed: {}", self.errno),
        }
    }
}
