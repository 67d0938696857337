//! The bulk mode: a long body of known length is moved by the kernel to a socket, while somebody
//! looks at the time.

use crate::bridge::reason::Reason;
use crate::runtime::{Errno, Instant, Pipe, Side, Socket, Timer, TransferFault};

use super::super::worker::Worker;
use super::Exchange;

use std::pin::pin;

/// The earlier of a step's own deadline and the whole exchange's.
#[derive(Clone, Copy)]
pub struct Deadline {
    /// When it is.
    pub at: Instant,
    /// Whether it is the whole exchange's.
    pub total: bool,
}

impl Deadline {
    /// Of a step that is to end at `at`.
    pub fn new(exchange: &Exchange, at: Instant) -> Self {
        Self::earlier(exchange.facts.total_deadline, at)
    }

    /// The earlier of two.
    pub fn earlier(total: Option<Instant>, at: Instant) -> Self {
        match total {
            Some(total) if total < at => Self { at: total, total: true },
            Some(_) | None => Self { at, total: false },
        }
    }

    /// Why the exchange ends where it has passed.
    pub fn reason(self, step: Reason) -> Reason {
        if self.total { Reason::TotalTimeout } else { step }
    }
}

/// Why bytes stopped moving.
pub enum Halt {
    /// The sender failed.
    Source(Errno),
    /// The reader failed.
    Sink,
    /// Nothing moved for as long as was allowed, because of this side.
    Idle(Side),
    /// The whole exchange took too long.
    Total,
}

/// How long nothing may move, in nanoseconds, by the side that is waited for.
pub struct Idle {
    /// The one who sends.
    pub source_ns: u64,
    /// The one who reads.
    pub sink_ns: u64,
}

/// One body on its way.
pub struct Moving<'a> {
    /// Whose clock it is.
    pub worker: &'a Worker,
    /// What bounds the waits.
    pub timer: &'a Timer,
    /// How long nothing may move.
    pub idle: Idle,
    /// When the whole exchange must have ended, if it must.
    pub total_deadline: Option<Instant>,
    /// Whither it goes.
    pub sink: &'a Socket,
}

impl Moving<'_> {
    /// Runs a transfer through `pipe` to its end; how many bytes it has moved.
    pub async fn run(
        self,
        transfer: impl Future<Output = Result<u64, TransferFault>>,
        pipe: &Pipe,
    ) -> Result<u64, Halt> {
        let mut transfer = pin!(transfer);
        let mut seen_bytes = pipe.moved_bytes();
        let mut seen_at = self.worker.runtime.now();
        let mut idle_ns = self.idle.source_ns.min(self.idle.sink_ns);
        loop {
            let at = seen_at.plus_ns(idle_ns);
            let deadline = Deadline::earlier(self.total_deadline, at);
            self.timer.set(deadline.at);
            // While it waits for the source nothing is sent that would find out.
            match self.timer.limit(self.sink.while_there(transfer.as_mut())).await {
                Ok(Some(Ok(bytes))) => return Ok(bytes),
                Ok(None) => return Err(Halt::Sink),
                Ok(Some(Err(fault))) => {
                    return Err(match fault.side {
                        Side::Source => Halt::Source(fault.errno),
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
                    let is_sink = pipe.holds_bytes() || self.sink.queued_bytes() > 0;
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
