//! One answer: the request's body is read, the time is waited for, and what was asked for is sent.

use crate::http::framing::Body;
use crate::http::status::Status;
use crate::limits;
use crate::runtime::{Errno, Segment, Socket};

use super::asked::{Asked, Declared};
use super::behaviour::{Coding, Content};
use super::failure::Kind;
use super::intake::{Broken, Intake};
use super::outgoing::{Outgoing, Shape, Short, Source};
use super::server::Server;

/// What answers one request.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) server: &'a Server,
    pub(super) socket: &'a Socket,
    pub(super) asked: &'a Asked,
}

/// How a connection goes on behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With another request.
    Request,
    /// It ends in order, behind what is queued.
    Close,
    /// It is cut.
    Reset,
}

impl Answer<'_> {
    /// Reads the request's body and answers.
    ///
    /// # Errors
    /// Why the client is gone.
    pub(super) async fn give(self) -> Result<Next, Errno> {
        if self.asked.expects_continue {
            self.socket.push(Segment::Static(b"HTTP/1.1 100 Continue\r\n\r\n"));
        }
        let mut intake = Intake::new(self.asked.body);
        let given = match &self.asked.behaviour.content {
            Content::Filler(bytes) => self.send_after(intake, Source::Filler(*bytes)).await,
            Content::Text(text) => self.send_after(intake, Source::Bytes(text.as_bytes())).await,
            Content::Description(_) => self.describe(intake).await,
            Content::Echo => self.echo(&mut intake).await,
        };
        match given {
            Ok(next) => Ok(next),
            Err(Broken::Gone(errno)) => Err(errno),
            Err(Broken::Chunk(fault)) => {
                let asked = Asked::refused(fault.status(), &fault);
                let text = format!("the request is refused: {fault:?}");
                let refusal = Answer { asked: &asked, ..self };
                refusal.send(None, Source::Bytes(text.as_bytes())).await
            }
        }
    }

    async fn send_after(self, mut intake: Intake, source: Source<'_>) -> Result<Next, Broken> {
        intake.skip(self.socket).await?;
        let failure = self.wait().await;
        self.send(failure, source).await.map_err(Broken::Gone)
    }

    async fn describe(self, mut intake: Intake) -> Result<Next, Broken> {
        let bytes = intake.skip(self.socket).await?;
        let text = format!("{}  and sent {bytes} bytes\n", self.asked.description);
        let failure = self.wait().await;
        self.send(failure, Source::Bytes(text.as_bytes())).await.map_err(Broken::Gone)
    }

    /// Answers with the request's body: whole behind its end where it is short, so that a client
    /// that does not read while it sends is served too; else while it comes.
    async fn echo(self, intake: &mut Intake) -> Result<Next, Broken> {
        let mut kept = Vec::new();
        while let Some(piece) = intake.next(self.socket).await? {
            kept.extend_from_slice(&piece);
            if kept.len() > limits::UPSTREAM_ECHO_KEPT_BYTES_MAX {
                return self.stream(kept, intake).await;
            }
        }
        let failure = self.wait().await;
        self.send(failure, Source::Bytes(&kept)).await.map_err(Broken::Gone)
    }

    async fn stream(self, kept: Vec<u8>, intake: &mut Intake) -> Result<Next, Broken> {
        let failure = self.wait().await;
        let status = match failure {
            Some(Kind::Reset) => return Ok(Next::Reset),
            Some(Kind::Status(_)) => {
                intake.skip(self.socket).await?;
                return self.send(failure, Source::Filler(0)).await.map_err(Broken::Gone);
            }
            Some(Kind::Cut) | None => self.asked.behaviour.status,
        };
        let length = match self.asked.body {
            Body::Length(bytes) => Some(bytes),
            Body::Empty | Body::Chunked | Body::UntilClose => None,
        };
        if !self.sends_body(status) {
            intake.skip(self.socket).await?;
            self.push_head(status, length);
            return Ok(self.next());
        }
        // Where the end is not known, half of what is.
        let cut_at = (failure == Some(Kind::Cut)).then(|| length.unwrap_or(kept.len() as u64) / 2);
        self.push_head(status, length);
        let mut body = Outgoing::new(&self.server.runtime, self.socket, self.shape(length, cut_at));
        let mut written = body.write(Source::Bytes(&kept)).await;
        drop(kept);
        while written.is_ok() {
            match intake.next(self.socket).await {
                Ok(Some(piece)) => written = body.write(Source::Bytes(&piece)).await,
                Ok(None) => break,
                // The head is gone with another status: a reset is the one way left to say so.
                Err(Broken::Chunk(_)) => return Ok(Next::Reset),
                Err(Broken::Gone(errno)) => return Err(Broken::Gone(errno)),
            }
        }
        self.end(written, body).await.map_err(Broken::Gone)
    }

    /// Waits until this request's turn has come; how it is to fail.
    async fn wait(self) -> Option<Kind> {
        let behaviour = &self.asked.behaviour;
        let failure = behaviour.failure.and_then(|failure| self.server.draw(|r| failure.draw(r)));
        let delay_ns = behaviour.delay.map_or(0, |delay| self.server.draw(|r| delay.draw_ns(r)));
        let due = self.server.due(delay_ns);
        if due > self.server.runtime.now() {
            self.server.runtime.sleep_until(due).await;
        }
        failure
    }

    /// Sends a whole answer.
    async fn send(self, failure: Option<Kind>, source: Source<'_>) -> Result<Next, Errno> {
        let behaviour = &self.asked.behaviour;
        let (status, source) = match failure {
            Some(Kind::Reset) => return Ok(Next::Reset),
            Some(Kind::Status(status)) => (status, Source::Bytes(FAILURE)),
            Some(Kind::Cut) | None => (behaviour.status, source),
        };
        let length = source.bytes();
        let sends_body = self.sends_body(status) && length > 0;
        if failure == Some(Kind::Cut) && !sends_body {
            // There is no middle of the body, so not even the head is sent.
            return Ok(Next::Close);
        }
        self.push_head(status, Some(length));
        let cut_at = (failure == Some(Kind::Cut)).then_some(length / 2);
        let shape = self.shape(Some(length), cut_at);
        let mut body = Outgoing::new(&self.server.runtime, self.socket, shape);
        if !sends_body {
            if self.sends_body(status) {
                body.finish();
            }
            return Ok(self.next());
        }
        let written = body.write(source).await;
        self.end(written, body).await
    }

    /// What is left to do once the body was sent or cut.
    async fn end(self, written: Result<(), Short>, body: Outgoing<'_>) -> Result<Next, Errno> {
        match written {
            Ok(()) => {
                body.finish();
                Ok(self.next())
            }
            Err(Short::Gone(errno)) => Err(errno),
            Err(Short::Cut) => {
                self.socket.drained(0).await?;
                // A body that ends with the connection would look whole.
                let is_told = self.asked.behaviour.coding != Coding::UntilClose;
                Ok(if is_told { Next::Close } else { Next::Reset })
            }
        }
    }

    fn sends_body(self, status: Status) -> bool {
        !self.asked.is_head && !status.is_bodyless()
    }

    fn next(self) -> Next {
        if self.asked.keeps_alive { Next::Request } else { Next::Close }
    }

    fn shape(self, length: Option<u64>, cut_at: Option<u64>) -> Shape {
        let chunk_bytes = match (self.asked.behaviour.coding, length) {
            (Coding::Chunked(bytes), _) => Some(bytes),
            (Coding::Length, None) => Some(limits::UPSTREAM_FILLER_BYTES),
            (Coding::Length, Some(_)) | (Coding::UntilClose, _) => None,
        };
        Shape { chunk_bytes, bytes_per_second: self.asked.behaviour.bytes_per_second, cut_at }
    }

    fn push_head(self, status: Status, length: Option<u64>) {
        let is_chunked = self.shape(length, None).chunk_bytes.is_some() && !status.is_bodyless();
        let length = length.filter(|_| self.asked.behaviour.coding != Coding::UntilClose);
        let mut head = self.server.runtime.blocks().take();
        self.asked.encode(&Declared { status, length, is_chunked }, &mut head);
        self.socket.push(Segment::Block(head));
    }
}

const FAILURE: &[u8] = b"this answer fails as it was asked to\n";
