//! A fast upstream for tests and measurements: one thread, edge-triggered.
//!
//! `GET /small` (150 bytes), `/16k`, `/1m`, `/bytes/N`, `/chunked/N`, `/close/N` (ends at close),
//! `/delay/MS`, `/status/CODE`; `/echo` answers with the request's body; any other path answers as
//! `/small` once the body, however framed, was read over.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use frys_lab::arguments::Arguments;
use frys_lab::body::Body;
use frys_lab::head::{self, Request};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

fn main() -> io::Result<()> {
    let arguments = Arguments::read("upstream [--listen 127.0.0.1:9000]", &["listen"], &[]);
    let address: SocketAddr = arguments.or("listen", SocketAddr::from(([127, 0, 0, 1], 9000)));
    let mut server = Server::new(address)?;
    println!("listening on {}", server.listener.local_addr()?);
    io::stdout().flush()?;
    server.run()
}

/// One loop with all its clients.
struct Server {
    poll: Poll,
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    /// Answers that wait: when, for which client, and which of the clients at that index.
    delays: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    accepted_count: u64,
    shared: Shared,
}

/// What all clients use.
struct Shared {
    scratch: Vec<u8>,
    filler: &'static [u8],
    small: &'static [u8],
    k16: &'static [u8],
    m1: &'static [u8],
}

struct Client {
    stream: TcpStream,
    number: u64,
    input: Vec<u8>,
    awaits: Awaits,
    output: VecDeque<Output>,
    closing: bool,
    /// The peer sent its end of stream.
    ended: bool,
}

/// What the client's next bytes are, or what it waits for.
enum Awaits {
    Head,
    Body { body: Body, then: Then, echo: Vec<u8>, close: bool },
    Delay,
}

/// What to answer once the request was read.
#[derive(Clone, Copy)]
enum Then {
    Fixed(&'static [u8]),
    Bytes(u64),
    Chunked(u64),
    UntilClose(u64),
    Delay(u64),
    Status(u16),
    Echo,
}

enum Output {
    Fixed(&'static [u8]),
    Owned(Vec<u8>, usize),
    Filler(u64),
    Chunks(u64),
    /// One chunk on its way, and how many bytes follow in others.
    Chunked {
        chunk: Vec<u8>,
        at: usize,
        rest: u64,
    },
}

impl Server {
    fn new(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let shared = Shared {
            scratch: vec![0; SCRATCH_BYTES],
            filler: vec![b'x'; SCRATCH_BYTES].leak(),
            small: fixed(150),
            k16: fixed(16 * 1024),
            m1: fixed(1024 * 1024),
        };
        let (clients, free, delays) = (Vec::new(), Vec::new(), BinaryHeap::new());
        Ok(Self { poll, listener, clients, free, delays, accepted_count: 0, shared })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let now = Instant::now();
            let wait =
                self.delays.peek().map(|Reverse((at, ..))| at.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                if event.token() == LISTENER { self.accept() } else { self.ready(event) }
            }
            self.answer_delayed();
        }
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let index = self.free.pop().unwrap_or(self.clients.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            // A socket that is already gone leaves no client behind.
            if self.poll.registry().register(&mut stream, Token(index), interest).is_err() {
                if index < self.clients.len() {
                    self.free.push(index);
                }
                continue;
            }
            // Without it a last piece waits for an acknowledgement: slower, and nothing else.
            let _ = stream.set_nodelay(true);
            self.accepted_count += 1;
            let client = Client::new(stream, self.accepted_count);
            if index == self.clients.len() {
                self.clients.push(Some(client));
            } else {
                self.clients[index] = Some(client);
            }
        }
    }

    fn ready(&mut self, event: &Event) {
        let index = event.token().0;
        let Some(Some(client)) = self.clients.get_mut(index) else { return };
        let closed = event.is_read_closed() || event.is_error();
        let wants = if event.is_readable() || closed {
            client.read(&mut self.shared, closed)
        } else {
            client.flush(&self.shared)
        };
        self.settle(index, wants);
    }

    fn settle(&mut self, index: usize, wants: io::Result<Wants>) {
        match wants {
            Ok(Wants::More) => {}
            Ok(Wants::Delay(ms)) => {
                let Some(Some(client)) = self.clients.get(index) else { return };
                let at = Instant::now() + Duration::from_millis(ms);
                self.delays.push(Reverse((at, index, client.number)));
            }
            Ok(Wants::Close) | Err(_) => {
                self.clients[index] = None;
                self.free.push(index);
            }
        }
    }

    fn answer_delayed(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, index, number))) = self.delays.peek().copied() {
            if at > now {
                break;
            }
            self.delays.pop();
            let Some(Some(client)) = self.clients.get_mut(index) else { continue };
            if client.number != number {
                continue;
            }
            client.awaits = Awaits::Head;
            client.output.push_back(Output::Fixed(self.shared.small));
            let input = std::mem::take(&mut client.input);
            let wants = client.take(&input, &self.shared);
            self.settle(index, wants);
        }
    }
}

enum Wants {
    More,
    Delay(u64),
    Close,
}

impl Client {
    fn new(stream: TcpStream, number: u64) -> Self {
        Self {
            stream,
            number,
            input: Vec::new(),
            awaits: Awaits::Head,
            output: VecDeque::new(),
            closing: false,
            ended: false,
        }
    }

    fn read(&mut self, shared: &mut Shared, closed: bool) -> io::Result<Wants> {
        let mut scratch = std::mem::take(&mut shared.scratch);
        let wants = self.read_into(&mut scratch, shared, closed);
        shared.scratch = scratch;
        wants
    }

    fn read_into(
        &mut self,
        scratch: &mut [u8],
        shared: &Shared,
        closed: bool,
    ) -> io::Result<Wants> {
        let mut wants = Wants::More;
        loop {
            match self.stream.read(scratch) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(bytes) => {
                    wants = self.receive(&scratch[..bytes], shared)?;
                    // A read that did not fill the buffer emptied the socket: the next bytes are
                    // a new edge.
                    if bytes < scratch.len() && !closed {
                        return Ok(wants);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match (wants, self.ended) {
            (Wants::More, true) => self.flush(shared),
            (wants, _) => Ok(wants),
        }
    }

    fn receive(&mut self, bytes: &[u8], shared: &Shared) -> io::Result<Wants> {
        if self.input.is_empty() {
            return self.take(bytes, shared);
        }
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        self.take(&input, shared)
    }

    /// Reads requests off the front of `bytes` and keeps the rest.
    fn take(&mut self, mut bytes: &[u8], shared: &Shared) -> io::Result<Wants> {
        let mut delay = None;
        while delay.is_none() && !self.closing {
            let done = match &mut self.awaits {
                Awaits::Delay => break,
                Awaits::Head => match head::request(bytes).map_err(malformed)? {
                    None => break,
                    Some(request) => {
                        bytes = &bytes[request.head_bytes..];
                        self.begin(&request, shared)
                    }
                },
                Awaits::Body { body, then, echo, close } => {
                    let keep = matches!(then, Then::Echo);
                    let some = body.take(bytes, |part| {
                        if keep && echo.len() < ECHO_BYTES_MAX {
                            echo.extend_from_slice(part);
                        }
                    });
                    bytes = &bytes[some.map_err(malformed)?..];
                    if !body.is_done() {
                        break;
                    }
                    self.closing = *close;
                    Some((*then, std::mem::take(echo)))
                }
            };
            if let Some((then, echo)) = done {
                self.awaits = Awaits::Head;
                delay = self.answer(then, echo);
            }
        }
        self.input.extend_from_slice(bytes);
        match (delay, self.flush(shared)?) {
            (Some(ms), Wants::More) => Ok(Wants::Delay(ms)),
            (_, wants) => Ok(wants),
        }
    }

    /// Begins on a request; says what to answer where it has no body.
    fn begin(&mut self, request: &Request<'_>, shared: &Shared) -> Option<(Then, Vec<u8>)> {
        self.closing = false;
        let then = shared.route(request.target);
        let then = if request.is_head { Then::Status(200) } else { then };
        if request.expects_continue {
            self.output.push_back(Output::Fixed(b"HTTP/1.1 100 Continue\r\n\r\n"));
        }
        let body = Body::new(request.body);
        if body.is_done() {
            self.closing = request.close;
            return Some((then, Vec::new()));
        }
        self.awaits = Awaits::Body { body, then, echo: Vec::new(), close: request.close };
        None
    }

    fn answer(&mut self, then: Then, echo: Vec<u8>) -> Option<u64> {
        match then {
            Then::Fixed(bytes) => self.output.push_back(Output::Fixed(bytes)),
            Then::Bytes(bytes) => {
                self.push(format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n"));
                self.output.push_back(Output::Filler(bytes));
            }
            Then::Chunked(bytes) => {
                self.push("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned());
                self.output.push_back(Output::Chunks(bytes));
                self.push("0\r\n\r\n".to_owned());
            }
            Then::UntilClose(bytes) => {
                self.push("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned());
                self.output.push_back(Output::Filler(bytes));
                self.closing = true;
            }
            Then::Status(code) => {
                self.push(format!("HTTP/1.1 {code} Status\r\nContent-Length: 0\r\n\r\n"));
            }
            Then::Echo => {
                let length = echo.len();
                self.push(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
                self.output.push_back(Output::Owned(echo, 0));
            }
            Then::Delay(ms) => {
                self.awaits = Awaits::Delay;
                return Some(ms);
            }
        }
        None
    }

    fn push(&mut self, text: String) {
        self.output.push_back(Output::Owned(text.into_bytes(), 0));
    }

    /// Sends until all is sent or the socket is full.
    fn flush(&mut self, shared: &Shared) -> io::Result<Wants> {
        while let Some(output) = self.output.front_mut() {
            let bytes = output.bytes(shared);
            if bytes.is_empty() {
                self.output.pop_front();
                continue;
            }
            match self.stream.write(bytes) {
                Ok(sent) => output.advance(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Wants::More),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let waits = matches!(self.awaits, Awaits::Delay);
        if (self.closing || self.ended) && !waits { Ok(Wants::Close) } else { Ok(Wants::More) }
    }
}

impl Shared {
    fn route(&self, target: &str) -> Then {
        let path = target.split('?').next().unwrap_or(target);
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let name = parts.next().unwrap_or("");
        let number: Option<u64> = parts.next().and_then(|text| text.parse().ok());
        match (name, number) {
            ("16k", _) => Then::Fixed(self.k16),
            ("1m", _) => Then::Fixed(self.m1),
            ("echo", _) => Then::Echo,
            ("bytes", Some(bytes)) => Then::Bytes(bytes),
            ("chunked", Some(bytes)) => Then::Chunked(bytes),
            ("close", bytes) => Then::UntilClose(bytes.unwrap_or(150)),
            ("delay", Some(ms)) => Then::Delay(ms),
            ("status", Some(code @ 200..=599)) => Then::Status(code as u16),
            _ => Then::Fixed(self.small),
        }
    }
}

impl Output {
    fn bytes<'a>(&'a mut self, shared: &Shared) -> &'a [u8] {
        let (filler, all) = (shared.filler, shared.filler.len() as u64);
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Owned(bytes, at) => &bytes[*at..],
            Self::Filler(left) => &filler[..all.min(*left) as usize],
            Self::Chunks(0) => &[],
            Self::Chunks(left) => {
                // A chunk is made whole, so that a short write cannot lose its framing.
                let some = CHUNK_BYTES.min(*left);
                let rest = *left - some;
                let mut chunk = format!("{some:x}\r\n").into_bytes();
                chunk.extend_from_slice(&filler[..some as usize]);
                chunk.extend_from_slice(b"\r\n");
                *self = Self::Chunked { chunk, at: 0, rest };
                self.bytes(shared)
            }
            Self::Chunked { chunk, at, .. } => &chunk[*at..],
        }
    }

    fn advance(&mut self, sent: usize) {
        match self {
            Self::Fixed(bytes) => *bytes = &bytes[sent..],
            Self::Owned(_, at) => *at += sent,
            Self::Filler(left) => *left -= sent as u64,
            Self::Chunks(_) => {}
            Self::Chunked { chunk, at, rest } => {
                *at += sent;
                if *at == chunk.len() {
                    *self = Self::Chunks(*rest);
                }
            }
        }
    }
}

fn fixed(bytes: usize) -> &'static [u8] {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nServer: lab\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         Content-Type: text/plain\r\nContent-Length: {bytes}\r\n\r\n"
    )
    .into_bytes();
    response.resize(response.len() + bytes, b'x');
    response.leak()
}

fn malformed(_: head::Malformed) -> io::Error {
    io::Error::from(ErrorKind::InvalidData)
}

const LISTENER: Token = Token(usize::MAX - 1);
/// One read takes a 1 MiB upload in four calls.
const SCRATCH_BYTES: usize = 256 * 1024;
const CHUNK_BYTES: u64 = 16 * 1024;
/// The largest body that `/echo` keeps.
const ECHO_BYTES_MAX: usize = 256 * 1024 * 1024;
