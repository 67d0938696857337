//! What the simulated network consists of: ends, operations in flight, events to come.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::memory::{Block, Slot};

use super::super::operation::{Address, Owner, Part, Work};
use super::files::Node;

pub(super) struct Operation {
    pub(super) owner: Owner,
    pub(super) cancelled: bool,
    pub(super) end: Slot,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Accept,
    Connect,
    Receive {
        once: bool,
    },
    Send {
        work: Work,
        sent_bytes: usize,
    },
    /// The end becomes the file.
    Open {
        path: Block,
    },
    Read {
        block: Block,
        part: Part,
    },
}

pub(super) struct End {
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: Option<SocketAddr>,
    pub(super) peer: Option<Slot>,
    /// Connections that wait to be accepted; only at a listener.
    pub(super) backlog: VecDeque<Slot>,
    /// Arrived and unread.
    pub(super) inbox: VecDeque<u8>,
    /// On the way here.
    pub(super) arriving_bytes: usize,
    /// Nothing that is sent here later arrives before this time.
    pub(super) last_arrival_ns: u64,
    pub(super) input: Input,
    pub(super) output: Output,
    /// The accept or receive in flight.
    pub(super) receive: Option<Slot>,
    pub(super) send: Option<Slot>,
    pub(super) slow: bool,
    pub(super) reset_on_close: bool,
    /// What was opened; `None` of a socket.
    pub(super) file: Option<Rc<Node>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Open,
    Finished,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Open,
    Shut,
    Broken,
}

#[derive(PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at_ns: u64,
    /// Events of one time happen in the order in which they were made.
    pub(super) number: u64,
    pub(super) what: What,
}

#[derive(PartialEq, Eq)]
pub(super) enum What {
    Establish {
        operation: Slot,
        address: Address,
    },
    Refuse {
        operation: Slot,
    },
    Arrive {
        end: Slot,
        bytes: Vec<u8>,
    },
    Finish {
        end: Slot,
    },
    Reset {
        end: Slot,
    },
    /// Look whether a receive or an accept of this end has something to answer.
    Serve {
        end: Slot,
    },
    /// Look whether a send of this end can go on.
    Send {
        end: Slot,
    },
    /// Answer an open or a read.
    Disk {
        operation: Slot,
    },
    Cancel {
        operation: Slot,
    },
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Event) -> std::cmp::Ordering {
        (self.at_ns, self.number).cmp(&(other.at_ns, other.number))
    }
}

impl End {
    pub(super) fn new(slow: bool) -> End {
        End {
            local: None,
            remote: None,
            peer: None,
            backlog: VecDeque::new(),
            inbox: VecDeque::new(),
            arriving_bytes: 0,
            last_arrival_ns: 0,
            input: Input::Open,
            output: Output::Open,
            receive: None,
            send: None,
            slow,
            reset_on_close: false,
            file: None,
        }
    }
}

/// At most `bytes_max` of what `work` is to send, from `offset` on.
pub(super) fn copy(work: &Work, offset: usize, bytes_max: usize) -> Vec<u8> {
    let segments = match work {
        Work::Send(segment) => std::slice::from_ref(segment),
        Work::SendMany(segments) => segments,
        Work::Accept
        | Work::Receive
        | Work::ReceiveOnce
        | Work::Connect(_)
        | Work::Poll(_)
        | Work::Open { .. }
        | Work::Read(_)
        | Work::Fill(_) => &[],
    };
    let bytes = segments.iter().flat_map(|segment| segment.as_slice());
    bytes.copied().skip(offset).take(bytes_max).collect()
}
