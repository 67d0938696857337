//! A connection whose bytes are seen as they are, and the messages read from it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Either end of a connection: what the other end sends is read into messages.
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One response as it came.
#[derive(Debug)]
pub struct Response {
    pub version: String,
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

/// A head: its first line and its fields.
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, String)>,
    pub raw: Vec<u8>,
}

impl Wire {
    /// Connects to a TCP address.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the address answers"))
    }

    /// Connects to a Unix socket.
    pub fn connect_unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: Stream::Unix(stream), buffer: Vec::new() })
    }

    /// Takes a connection over.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("nodelay can be set");
        Self { stream: Stream::Tcp(stream), buffer: Vec::new() }
    }

    /// Sends all bytes; panics if the peer refuses them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes.as_ref()).expect("the peer takes the bytes");
    }

    /// Sends all bytes, where the peer may have gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }

    /// Sends the end of stream and goes on reading.
    pub fn half_close(&self) {
        let outcome = match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
        outcome.expect("a connected socket can be shut down");
    }

    /// Sends a request and reads its response.
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Response {
        let is_head = request.as_ref().starts_with(b"HEAD ");
        self.send(request);
        if is_head { self.response_without_body() } else { self.response() }
    }

    /// Reads one final response.
    pub fn response(&mut self) -> Response {
        loop {
            let response = self.any_response();
            if response.status >= 200 {
                return response;
            }
        }
    }

    /// Reads one response, an interim one too.
    pub fn any_response(&mut self) -> Response {
        let mut response = self.response_without_body();
        let empty = response.status < 200 || [204, 304].contains(&response.status);
        if !empty {
            let whole = self.body(&response.fields, true).expect("a whole body");
            (response.body, response.trailers) = whole;
        }
        response
    }

    /// Reads a response's head alone, as to HEAD.
    pub fn response_without_body(&mut self) -> Response {
        let head = self.head().expect("a response head");
        let mut words = head.line.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok()).expect("a status");
        Response { version, status, fields: head.fields, body: Vec::new(), trailers: Vec::new() }
    }

    /// Reads a head; none where the stream ends first.
    pub fn head(&mut self) -> Option<Head> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.fill().ok()? == 0 {
                return None;
            }
        };
        let raw: Vec<u8> = self.buffer.drain(..end).collect();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        Some(Head { line, fields: lines.map(field).collect(), raw })
    }

    /// Reads the body that these fields describe, and its trailers; none where the stream ends or
    /// a chunk is none before that.
    pub fn body(&mut self, fields: &[(String, String)], until_close: bool) -> Option<Body> {
        let length = value(fields, "content-length").map(|text| text.parse().expect("a length"));
        if value(fields, "transfer-encoding").is_some() {
            return self.chunks();
        }
        match length {
            Some(bytes) => Some((self.try_take(bytes)?, Vec::new())),
            None if until_close => Some((self.rest(), Vec::new())),
            None => Some((Vec::new(), Vec::new())),
        }
    }

    fn chunks(&mut self) -> Option<Body> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let bytes = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
            if bytes == 0 {
                break;
            }
            body.extend(self.try_take(bytes)?);
            if !self.line()?.is_empty() {
                return None;
            }
        }
        let mut trailers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some((body, trailers));
            }
            trailers.push(field(&line));
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = self.buffer.windows(2).position(|bytes| bytes == b"\r\n") {
                break at;
            }
            if self.fill().ok()? == 0 {
                return None;
            }
        };
        let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// Reads exactly this many bytes.
    pub fn take(&mut self, bytes: usize) -> Vec<u8> {
        self.try_take(bytes).expect("the stream goes on for that long")
    }

    fn try_take(&mut self, bytes: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < bytes {
            if self.fill().ok()? == 0 {
                return None;
            }
        }
        Some(self.buffer.drain(..bytes).collect())
    }

    /// Reads over this many bytes and keeps none.
    pub fn skip(&mut self, mut bytes: u64) {
        while bytes > 0 {
            if self.buffer.is_empty() {
                assert_ne!(self.fill().expect("more bytes"), 0, "the stream ended early");
            }
            let some = self.buffer.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.buffer.drain(..some);
            bytes -= some as u64;
        }
    }

    /// Reads to the end of the stream; a reset ends it too.
    pub fn rest(&mut self) -> Vec<u8> {
        loop {
            match self.fill() {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the stream neither goes on nor ends: {error}"),
            }
        }
        std::mem::take(&mut self.buffer)
    }

    /// Whether the peer ended the connection without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0_u8; 64 * 1024];
        let count = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut bytes)?,
            Stream::Unix(stream) => stream.read(&mut bytes)?,
        };
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}

impl Response {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        value(&self.fields, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether `Connection: close` was sent.
    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The gateway's own answer: checks that it says so, with this status and reason.
    pub fn assert_own(&self, status: u16, reason: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let status_field = self.field("proxy-status").unwrap_or_default();
        assert!(status_field.starts_with("frys"), "{self:?}");
        assert!(status_field.contains(&format!("\"{reason}\"")), "{self:?}");
    }
}

/// The value of the first of `fields` with this name.
pub fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let named = |(found, _): &&(String, String)| found.eq_ignore_ascii_case(name);
    fields.iter().find(named).map(|(_, value)| value.as_str())
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').expect("a field has a colon");
    (name.to_owned(), value.trim().to_owned())
}

type Body = (Vec<u8>, Vec<(String, String)>);

/// Longer than any wait that a test configures, shorter than a stuck run.
const PATIENCE: Duration = Duration::from_secs(20);
