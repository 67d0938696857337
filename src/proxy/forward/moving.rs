//! The bulk mode: a long body of known length is moved by the kernel from socket to socket.

use crate::runtime::{Instant, Pipe, Side, Socket, Timer};

use super::super::worker::Worker;
use super::Deadline;

use std::pin::pin;

/// Why bytes stopped moving.
pub(super) enum Halt {
    /// The sender failed.
    Source,
    /// The reader failed.
    Sink,
    /// Nothing moved for as long as was allowed, because of this side.
    Idle(Side),
    /// The whole exchange took too long.
    Total,
}

/// How long nothing may move, in nanoseconds, by the side that is waited for.
pub(super) struct Idle {
    pub(super) source_ns: u64,
    pub(super) sink_ns: u64,
}

/// One body on its way from one socket to another.
pub(super) struct Moving<'a> {
    pub(super) worker: &'a Worker,
    pub(super) timer: &'a Timer,
    pub(super) idle: Idle,
    pub(super) total_deadline: Option<Instant>,
    /// From, to.
    pub(super) ends: (&'a Socket, &'a Socket),
}

impl Moving<'_> {
    /// Moves up to `bytes`; fewer only where the sender ended its stream.
    pub(super) async fn run(self, bytes: u64, pipe: &Pipe) -> Result<u64, Halt> {
        let (from, to) = self.ends;
        let mut transfer = pin!(from.transfer(to, bytes, pipe));
        let mut seen_bytes = pipe.moved_bytes();
        let mut seen_at = self.worker.runtime.now();
        let mut idle_ns = self.idle.source_ns.min(self.idle.sink_ns);
        loop {
            let at = seen_at.plus_ns(idle_ns);
            let deadline = Deadline::earlier(self.total_deadline, at);
            self.timer.set(deadline.at);
            match self.timer.limit(transfer.as_mut()).await {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(fault)) => {
                    return Err(match fault.side {
                        Side::Source => Halt::Source,
                        Side::Sink => Halt::Sink,
                    });
                }
                Err(_) if deadline.total => return Err(Halt::Total),
                // The timer is armed once an idle span, not once a piece: look what has moved.
                Err(_) if pipe.moved_bytes() != seen_bytes => {
                    seen_bytes = pipe.moved_bytes();
                    seen_at = self.worker.runtime.now();
                }
                Err(_) => {
                    let is_sink = pipe.holds_bytes() || to.queued_bytes() > 0;
                    let (side, side_ns) = match is_sink {
                        true => (Side::Sink, self.idle.sink_ns),
                        false => (Side::Source, self.idle.source_ns),
                    };
                    if seen_at.plus_ns(side_ns) <= self.worker.runtime.now() {
                        return Err(Halt::Idle(side));
                    }
                    idle_ns = side_ns;
                }
            }
        }
    }
}
