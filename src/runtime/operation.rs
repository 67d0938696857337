//! What the runtime asks of a driver and what it hears back: the same words for the kernel's ring
//! and for the simulation.
//!
//! The driver owns everything that an operation in flight needs, bytes and descriptors, from its
//! start until its last completion, also when it was cancelled or its owner is gone.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::memory::{Block, Slot};

use super::Errno;
use super::buffers::Lease;
use super::descriptor::Descriptor;
use super::file::Folder;
use super::socket::Ends;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Over TCP.
    Tcp(SocketAddr),
    /// A Unix socket by its path.
    Unix(Arc<Path>),
}

/// Bytes to send, owned by the runtime until the kernel is done with them.
#[derive(Debug)]
pub enum Segment {
    /// Bytes written here, such as a head.
    Block(Block),
    /// Bytes that were received and go on as they are.
    Lease(Lease),
    /// Bytes of the program itself.
    Static(&'static [u8]),
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// How long it is; less is there where the file ends before.
    pub bytes: u32,
}

/// Whom a completion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The owner left; what the operation yields is dropped.
    Nobody,
    Socket(Slot),
    Listener(Slot),
    Dial(Slot),
    File(Slot),
}

/// What is in flight, with what must stay alive meanwhile.
#[derive(Debug)]
pub(crate) enum Work {
    /// Yields a descriptor for each connection, until it fails or is cancelled.
    Accept,
    /// Yields a lease for each arrival, until the end, a failure, or no buffer is left.
    Receive,
    /// Yields one lease, or the end or a failure.
    ReceiveOnce,
    Send(Segment),
    /// At most [`SEGMENTS_PER_SEND_MAX`](crate::limits::SEGMENTS_PER_SEND_MAX) segments in order.
    SendMany(Vec<Segment>),
    /// Holds the descriptor that becomes the connection.
    Connect(Descriptor),
    /// Yields once, when the descriptor can be read or written, or has failed.
    Poll(Readiness),
    /// Yields the descriptor of what `path`, which ends with a NUL, names below `folder`.
    Open {
        path: Block,
        _folder: Folder,
    },
    /// Reads a part of a file behind what the block holds already.
    Read(Block),
    /// Moves a part of a file into a pipe, both of whose ends it holds.
    Fill(Ends),
}

/// What to wait for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Readable,
    Writable,
}

/// One answer of the driver.
#[derive(Debug)]
pub(crate) struct Completion {
    pub owner: Owner,
    /// Whether the operation stays in flight and will answer again.
    pub more: bool,
    pub outcome: Outcome,
}

/// What happened, by kind of work.
#[derive(Debug)]
pub(crate) enum Outcome {
    Accepted(Result<Descriptor, Errno>),
    /// `Ok(None)` is the end of the stream.
    Received(Result<Option<Lease>, Errno>),
    /// The work comes back with the bytes, of which so many were sent.
    Sent(Result<usize, Errno>, Work),
    Connected(Result<Descriptor, Errno>),
    /// A failure shows at the next call on the descriptor.
    Ready(Readiness),
    Opened(Result<Descriptor, Errno>),
    /// How many bytes the block, which comes back, has got more; zero at the end of the file.
    Read(Result<usize, Errno>, Block),
    /// How many bytes the pipe, which comes back, holds more; zero at the end of the file.
    Filled(Result<usize, Errno>, Ends),
}

impl Part {
    pub(crate) const NONE: Part = Part { offset: 0, bytes: 0 };
}

impl Segment {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Segment::Block(block) => block,
            Segment::Lease(lease) => lease,
            Segment::Static(bytes) => bytes,
        }
    }

    /// Forgets the first `bytes`, which were sent. Only after a short send, so a block may move
    /// its rest to its front.
    fn advance(&mut self, bytes: usize) {
        match self {
            Segment::Block(block) => drop(block.drain(..bytes)),
            Segment::Lease(lease) => lease.advance(bytes),
            Segment::Static(rest) => *rest = rest.get(bytes..).unwrap_or_default(),
        }
    }
}

impl Work {
    /// How many bytes it is to send.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Work::Send(segment) => segment.len(),
            Work::SendMany(segments) => segments.iter().map(Segment::len).sum(),
            Work::Accept
            | Work::Receive
            | Work::ReceiveOnce
            | Work::Connect(_)
            | Work::Poll(_)
            | Work::Open { .. }
            | Work::Read(_)
            | Work::Fill(_) => 0,
        }
    }

    /// Forgets the first `bytes`, which were sent.
    pub(crate) fn advance(&mut self, mut bytes: usize) {
        match self {
            Work::Send(segment) => segment.advance(bytes.min(segment.len())),
            Work::SendMany(segments) => {
                let whole = segments.iter().take_while(|segment| {
                    let covered = segment.len() <= bytes;
                    bytes -= if covered { segment.len() } else { 0 };
                    covered
                });
                let whole_count = whole.count();
                segments.drain(..whole_count);
                if let Some(first) = segments.first_mut() {
                    first.advance(bytes);
                }
            }
            Work::Accept
            | Work::Receive
            | Work::ReceiveOnce
            | Work::Connect(_)
            | Work::Poll(_)
            | Work::Open { .. }
            | Work::Read(_)
            | Work::Fill(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Blocks;

    #[test]
    fn advancing_forgets_whole_segments_and_a_part_of_the_next() {
        let mut block = Blocks::new(1, 8).take();
        block.extend_from_slice(b"def");
        let mut work = Work::SendMany(vec![
            Segment::Static(b"abc"),
            Segment::Block(block),
            Segment::Static(b"ghi"),
        ]);
        work.advance(4);
        assert_eq!(work.bytes(), 5);
        let Work::SendMany(segments) = work else { panic!("the kind changed") };
        assert_eq!(segments[0].as_slice(), b"ef");
    }

    #[test]
    fn an_entry_of_the_operation_table_stays_small() {
        assert!(size_of::<Segment>() <= 40, "{}", size_of::<Segment>());
        assert!(size_of::<Work>() <= 48, "{}", size_of::<Work>());
    }
}
