//! Reads one answer after another off a connection: bytes in, its end out. No I/O, no clock.

use crate::http::framing::{self, Body};
use crate::http::h1::chunked::{ChunkLimits, Decoder, Event};
use crate::http::h1::parse::{self, HeadLimits, Parsed};
use crate::http::head::{HeadIndex, ResponseHead};
use crate::http::method::Method;

/// Reads the answers of one connection.
pub struct Reader {
    expects: Expects,
    /// Head bytes of an answer whose head came in pieces.
    pending: Vec<u8>,
    index: HeadIndex,
    /// The head that was understood last: most servers send the same one for a second.
    last: Vec<u8>,
    last_facts: Option<(Method, Facts)>,
    trailers: Vec<u8>,
}

/// What came of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// They were all taken, and the answer goes on.
    More,
    /// The answer is whole.
    Whole(Answer),
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Whether the connection can carry another request: the server keeps it, and sent nothing
    /// beyond the answer.
    pub keeps_alive: bool,
}

/// The bytes are no answer of HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Clone, Copy, Debug)]
enum Expects {
    Head,
    Length(u64),
    Chunks(Decoder),
    End,
}

#[derive(Clone, Copy, Debug)]
struct Facts {
    status: u16,
    keeps_alive: bool,
    body: Body,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            expects: Expects::Head,
            pending: Vec::new(),
            index: HeadIndex::default(),
            last: Vec::new(),
            last_facts: None,
            trailers: Vec::new(),
        }
    }
}

impl Reader {
    /// Forgets what was begun, for a new connection.
    pub fn reset(&mut self) {
        self.expects = Expects::Head;
        self.pending.clear();
        self.index.clear();
    }

    /// Whether any byte of the answer came.
    pub fn has_begun(&self) -> bool {
        !matches!(self.expects, Expects::Head) || !self.pending.is_empty()
    }

    /// Reads on in the answer to a request with `method`.
    ///
    /// # Errors
    /// [`Malformed`]; the connection cannot be used any more.
    pub fn read(&mut self, method: Method, bytes: &[u8]) -> Result<Read, Malformed> {
        let mut rest = bytes;
        if matches!(self.expects, Expects::Head) {
            match self.head(method, rest)? {
                Some(after) => rest = after,
                None => return Ok(Read::More),
            }
        }
        self.body(rest)
    }

    /// What the end of the connection makes of the answer: whole where only that ends it.
    pub fn end(&mut self) -> Option<Answer> {
        let is_whole = matches!(self.expects, Expects::End);
        let status = self.last_facts.map_or(0, |(_, facts)| facts.status);
        self.reset();
        is_whole.then_some(Answer { status, keeps_alive: false })
    }

    /// Reads the head; what follows it in `bytes`, or `None` while it is incomplete.
    fn head<'a>(&mut self, method: Method, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        let mut rest = bytes;
        loop {
            let Some(taken) = self.one_head(method, rest)? else { return Ok(None) };
            rest = rest.get(taken..).ok_or(Malformed)?;
            let (_, facts) = self.last_facts.ok_or(Malformed)?;
            // RFC 9110 section 15.2: interim answers come before the final one. 101 would end HTTP.
            if facts.status >= 200 {
                self.expects = match facts.body {
                    Body::Empty => Expects::Length(0),
                    Body::Length(length) => Expects::Length(length),
                    Body::Chunked => Expects::Chunks(Decoder::new(ChunkLimits::default())),
                    Body::UntilClose => Expects::End,
                };
                return Ok(Some(rest));
            }
            if facts.status == 101 {
                return Err(Malformed);
            }
        }
    }

    /// Reads one head; how many of `bytes` belong to it, or `None` while it is incomplete.
    fn one_head(&mut self, method: Method, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let is_last = self.pending.is_empty() && !self.last.is_empty();
        // A head ends with its empty line, so bytes that begin with a whole head are that head.
        if is_last
            && bytes.starts_with(&self.last)
            && self.last_facts.is_some_and(|(asked, _)| asked == method)
        {
            return Ok(Some(self.last.len()));
        }
        let before = self.pending.len();
        let (head, in_pieces) = if before > 0 {
            self.pending.extend_from_slice(bytes);
            (self.pending.as_slice(), true)
        } else {
            (bytes, false)
        };
        let parsed = parse::response(head, &HeadLimits::default(), &mut self.index);
        match parsed.map_err(|_| Malformed)? {
            Parsed::Partial => {
                if !in_pieces {
                    self.pending.extend_from_slice(bytes);
                }
                Ok(None)
            }
            Parsed::Complete { head_bytes } => {
                let read = ResponseHead::new(head, &self.index);
                let facts = Facts {
                    status: read.status().code(),
                    keeps_alive: framing::response_keeps_alive(read),
                    body: framing::response(method, read).map_err(|_| Malformed)?,
                };
                self.last.clear();
                self.last.extend_from_slice(head.get(..head_bytes).ok_or(Malformed)?);
                self.last_facts = Some((method, facts));
                self.pending.clear();
                Ok(Some(head_bytes - before))
            }
        }
    }

    fn body(&mut self, bytes: &[u8]) -> Result<Read, Malformed> {
        let over = match &mut self.expects {
            Expects::Head => return Ok(Read::More),
            Expects::Length(left) => {
                let some = (*left).min(bytes.len() as u64);
                *left -= some;
                if *left > 0 {
                    return Ok(Read::More);
                }
                bytes.len() as u64 - some
            }
            Expects::Chunks(decoder) => match chunks(decoder, bytes, &mut self.trailers)? {
                Some(over) => over as u64,
                None => return Ok(Read::More),
            },
            Expects::End => return Ok(Read::More),
        };
        self.expects = Expects::Head;
        let (_, facts) = self.last_facts.ok_or(Malformed)?;
        let keeps_alive = facts.keeps_alive && over == 0;
        Ok(Read::Whole(Answer { status: facts.status, keeps_alive }))
    }
}

/// Reads chunks; how many bytes follow the body, or `None` while it goes on.
fn chunks(
    decoder: &mut Decoder,
    bytes: &[u8],
    trailers: &mut Vec<u8>,
) -> Result<Option<usize>, Malformed> {
    let mut rest = bytes;
    loop {
        let step = decoder.decode(rest, trailers).map_err(|_| Malformed)?;
        rest = rest.get(step.consumed..).ok_or(Malformed)?;
        match step.event {
            Event::Data(_) => {}
            Event::NeedMore => return Ok(None),
            Event::End => {
                trailers.clear();
                return Ok(Some(rest.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses read from `wire` cut into pieces of `step`, and whether the last keeps alive.
    fn read(method: Method, wire: &[u8], step: usize) -> Result<Vec<Answer>, Malformed> {
        let mut reader = Reader::default();
        let mut found = Vec::new();
        for piece in wire.chunks(step) {
            if let Read::Whole(answer) = reader.read(method, piece)? {
                found.push(answer);
            }
        }
        found.extend(reader.end());
        Ok(found)
    }

    fn all_cuts(method: Method, wire: &[u8]) -> Vec<Answer> {
        let whole = read(method, wire, wire.len()).expect("well formed");
        for step in 1..wire.len() {
            assert_eq!(read(method, wire, step).as_ref(), Ok(&whole), "pieces of {step}");
        }
        whole
    }

    const KEPT: Answer = Answer { status: 200, keeps_alive: true };

    #[test]
    fn reads_a_length_however_it_is_cut() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(all_cuts(Method::GET, wire), [KEPT]);
    }

    #[test]
    fn reads_chunks_and_interim_answers_however_they_are_cut() {
        let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(all_cuts(Method::GET, wire), [KEPT]);
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        let wire = b"HTTP/1.1 203 Non\r\n\r\nhello";
        assert_eq!(all_cuts(Method::GET, wire), [Answer { status: 203, keeps_alive: false }]);
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(all_cuts(Method::HEAD, wire), [KEPT]);
    }

    #[test]
    fn the_same_head_again_is_the_same_answer_and_another_is_not() {
        let mut reader = Reader::default();
        let first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        let second = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(reader.read(Method::GET, first), Ok(Read::Whole(KEPT)));
        assert_eq!(reader.read(Method::GET, first), Ok(Read::Whole(KEPT)));
        let closes = Answer { status: 404, keeps_alive: false };
        assert_eq!(reader.read(Method::GET, second), Ok(Read::Whole(closes)));
        // The same bytes mean another body to another method.
        assert_eq!(reader.read(Method::GET, &first[..first.len() - 2]), Ok(Read::More));
        reader.reset();
        assert_eq!(reader.read(Method::HEAD, &first[..first.len() - 2]), Ok(Read::Whole(KEPT)));
    }

    #[test]
    fn bytes_beyond_the_answer_end_the_connection() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab";
        let closes = Answer { status: 200, keeps_alive: false };
        assert_eq!(Reader::default().read(Method::GET, wire), Ok(Read::Whole(closes)));
    }

    #[test]
    fn a_body_that_breaks_off_is_no_answer() {
        let mut reader = Reader::default();
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na";
        assert_eq!(reader.read(Method::GET, wire), Ok(Read::More));
        assert!(reader.has_begun());
        assert_eq!(reader.end(), None);
        assert!(!reader.has_begun());
    }

    #[test]
    fn refuses_what_is_no_http() {
        let wires: [&[u8]; 3] = [
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ];
        for wire in wires {
            assert_eq!(read(Method::GET, wire, wire.len()), Err(Malformed));
        }
    }
}
