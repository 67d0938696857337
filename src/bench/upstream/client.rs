//! One connection: requests in order, each answered as it asks.
//!
//! The same request again is known by its bytes and answered from a constant: no parse, no
//! allocation, no clock.

use crate::http::h1::parse::{self, HeadLimits, Parsed};
use crate::http::head::{HeadIndex, RequestHead};
use crate::limits;
use crate::runtime::{Errno, Lease, Segment, Socket};

use super::answer::{Answer, Next};
use super::asked::Asked;
use super::server::Server;

use std::rc::Rc;

/// One client.
pub(super) struct Client {
    server: Rc<Server>,
    socket: Socket,
    index: HeadIndex,
    /// The beginning of a head that came in pieces.
    begun: Vec<u8>,
    /// The head that was last understood; empty where it is too long to be kept.
    known: Vec<u8>,
    known_as: Option<Rc<Asked>>,
    /// The answer to it, where it is always the same.
    fixed: Option<&'static [u8]>,
}

impl Client {
    /// A client that was just accepted.
    pub(super) fn new(server: Rc<Server>, socket: Socket) -> Client {
        Client {
            server,
            socket,
            index: HeadIndex::new(),
            begun: Vec::new(),
            known: Vec::new(),
            known_as: None,
            fixed: None,
        }
    }

    /// Answers until either side ends.
    pub(super) async fn serve(mut self) {
        match self.answer_all().await {
            // The client ended, or is gone, which is nothing to report.
            Ok(Next::Request) | Err(_) => {}
            Ok(Next::Close) => self.close().await,
            Ok(Next::Reset) => self.socket.abort(),
        }
    }

    /// `Next::Request` when the client ended.
    async fn answer_all(&mut self) -> Result<Next, Errno> {
        while let Some(mut lease) = self.socket.receive().await? {
            self.answer_fixed(&mut lease);
            if !lease.is_empty()
                && let Some(asked) = self.understand(lease)
            {
                let answer = Answer { server: &self.server, socket: &self.socket, asked: &asked };
                let next = answer.give().await?;
                if next != Next::Request {
                    return Ok(next);
                }
            }
            if self.socket.queued_bytes() > limits::ANSWERS_QUEUED_BYTES_MAX {
                self.socket.drained(limits::ANSWERS_QUEUED_BYTES_MAX).await?;
            }
        }
        Ok(Next::Request)
    }

    /// Answers the requests at the front that are the one before, byte for byte. A head ends where
    /// its bytes say so, whatever follows, so the same bytes are the same head.
    fn answer_fixed(&self, lease: &mut Lease) {
        let Some(fixed) = self.fixed else { return };
        if !self.begun.is_empty() {
            return;
        }
        while lease.starts_with(&self.known) {
            self.socket.push(Segment::Static(fixed));
            lease.advance(self.known.len());
        }
    }

    /// Reads the head at the front and leaves what follows it on the socket; `None` while it is
    /// incomplete.
    fn understand(&mut self, mut lease: Lease) -> Option<Rc<Asked>> {
        let before = self.begun.len();
        if before == 0
            && !self.known.is_empty()
            && let Some(asked) = &self.known_as
            && lease.starts_with(&self.known)
        {
            lease.advance(self.known.len());
            self.socket.unread(lease);
            return Some(Rc::clone(asked));
        }
        if before > 0 {
            self.begun.extend_from_slice(&lease);
        }
        let bytes = if before > 0 { &self.begun[..] } else { &lease[..] };
        match parse::request(bytes, &HeadLimits::default(), &mut self.index) {
            Ok(Parsed::Complete { head_bytes }) => {
                let head = RequestHead::new(bytes, &self.index);
                let asked = Rc::new(Asked::of(head, &self.server.defaults));
                let head = bytes.get(..head_bytes).unwrap_or_default();
                self.known.clear();
                if head_bytes <= limits::UPSTREAM_HEAD_KEPT_BYTES_MAX {
                    self.known.extend_from_slice(head);
                }
                let is_open = self.server.schedule.is_open() && !self.known.is_empty();
                self.fixed = asked.fixed().filter(|_| is_open);
                self.known_as = Some(Rc::clone(&asked));
                // The head was incomplete before this lease, so it ends inside of it.
                lease.advance(head_bytes.saturating_sub(before).min(lease.len()));
                self.begun = Vec::new();
                self.socket.unread(lease);
                Some(asked)
            }
            Ok(Parsed::Partial) => {
                if before == 0 {
                    self.begun.extend_from_slice(&lease);
                }
                None
            }
            Err(fault) => Some(Rc::new(Asked::refused(fault.status(), &fault))),
        }
    }

    /// Ends the sending side and reads over what the client still sends, so that no reset overtakes
    /// the answer.
    async fn close(&self) {
        self.socket.shutdown_write();
        let runtime = &self.server.runtime;
        let timer = runtime.timer();
        timer.set(runtime.now().plus_ms(limits::LINGER_MS));
        let read_over = async {
            let mut bytes = 0;
            while let Ok(Some(lease)) = self.socket.receive().await {
                bytes += lease.len();
                if bytes > limits::LINGER_BYTES_MAX {
                    return;
                }
            }
        };
        // Whoever neither reads nor ends by then is cut off.
        let _ = timer.limit(read_over).await;
    }
}
