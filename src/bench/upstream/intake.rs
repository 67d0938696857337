//! The body of a request, piece by piece, however it is framed and however long it is.

use crate::http::framing::Body;
use crate::http::h1::chunked::{ChunkError, ChunkLimits, Decoder, Event};
use crate::runtime::{Errno, Lease, Socket};

/// Reads one body off a socket and leaves there what follows it.
pub(super) struct Intake {
    rest: Rest,
}

/// What is still to come.
enum Rest {
    Nothing,
    Bytes(u64),
    Chunks { decoder: Box<Decoder>, trailers: Vec<u8> },
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The client ended or cut the connection.
    Gone(Errno),
    /// The chunks are malformed.
    Chunk(ChunkError),
}

impl Intake {
    /// A reader at the start of a body.
    pub(super) fn new(body: Body) -> Intake {
        let rest = match body {
            // A request's body never ends with its connection.
            Body::Empty | Body::Length(0) | Body::UntilClose => Rest::Nothing,
            Body::Length(bytes) => Rest::Bytes(bytes),
            Body::Chunked => Rest::Chunks {
                decoder: Box::new(Decoder::new(ChunkLimits::default())),
                trailers: Vec::new(),
            },
        };
        Intake { rest }
    }

    /// The next piece of content; `None` at the end.
    pub(super) async fn next(&mut self, socket: &Socket) -> Result<Option<Lease>, Broken> {
        loop {
            if matches!(self.rest, Rest::Nothing) {
                return Ok(None);
            }
            let lease = socket.receive().await.map_err(Broken::Gone)?;
            let lease = lease.ok_or(Broken::Gone(Errno::BROKEN_PIPE))?;
            if let Some(piece) = self.take(lease, socket)? {
                return Ok(Some(piece));
            }
        }
    }

    /// Reads over what is left; how many bytes of content it was.
    pub(super) async fn skip(&mut self, socket: &Socket) -> Result<u64, Broken> {
        let mut bytes = 0;
        while let Some(piece) = self.next(socket).await? {
            bytes += piece.len() as u64;
        }
        Ok(bytes)
    }

    /// The first piece of content of `lease`, if any; the rest goes back to the socket.
    fn take(&mut self, mut lease: Lease, socket: &Socket) -> Result<Option<Lease>, Broken> {
        match &mut self.rest {
            Rest::Nothing => {
                socket.unread(lease);
                Ok(None)
            }
            Rest::Bytes(left) => {
                let some = lease.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let piece = lease.split_to(some);
                socket.unread(lease);
                *left -= some as u64;
                if *left == 0 {
                    self.rest = Rest::Nothing;
                }
                Ok(Some(piece))
            }
            Rest::Chunks { decoder, trailers } => {
                let step = decoder.decode(&lease, trailers).map_err(Broken::Chunk)?;
                let mut piece = lease.split_to(step.consumed);
                socket.unread(lease);
                match step.event {
                    Event::Data(range) => {
                        piece.advance(range.start);
                        return Ok(Some(piece));
                    }
                    Event::NeedMore => {}
                    Event::End => self.rest = Rest::Nothing,
                }
                Ok(None)
            }
        }
    }
}
