//! The floor on bare epoll: edges, one registration a socket, reads and writes that do not block,
//! no futures.

use std::io::{self, ErrorKind, Read, Write};
use std::mem::take;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use clap::Parser;
use frys_engines::{Arguments, BUFFER_BYTES, HEAD_BYTES_MAX, Parsed, answer, request, start};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{SocketFlags, accept_with};
use socket2::{Domain, Socket, Type};

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    Relay::new(start(&arguments)?, arguments.upstream)?.run()
}

/// One loop with all its connections.
struct Relay {
    epoll: OwnedFd,
    listener: TcpListener,
    address: SocketAddr,
    clients: Table<Client>,
    upstreams: Table<Upstream>,
    /// Upstreams that wait for a request, the one used last at the end.
    idle: Vec<usize>,
    scratch: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// Which upstream answers it now.
    upstream: Option<usize>,
    /// Received and not yet passed on: a head in part, or requests that came early.
    input: Vec<u8>,
    output: Output,
    keeps: bool,
}

struct Upstream {
    stream: TcpStream,
    client: Option<usize>,
    awaits: Awaits,
    /// A head in part.
    input: Vec<u8>,
    output: Output,
    keeps: bool,
    /// Not read on, because its client has yet to take what there is.
    held: bool,
}

/// What an upstream's next bytes are.
enum Awaits {
    Request,
    Head,
    Body { left_bytes: usize },
}

/// What the kernel did not take yet.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    sent_bytes: usize,
}

/// What a read brought.
enum Received {
    Bytes(usize),
    Nothing,
    End,
}

impl Relay {
    fn new(listener: TcpListener, address: SocketAddr) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            address,
            clients: Table::default(),
            upstreams: Table::default(),
            idle: Vec::new(),
            scratch: vec![0; BUFFER_BYTES],
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_COUNT_MAX);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => continue,
                outcome => outcome?,
            };
            for event in events.drain(..) {
                let (key, flags) = (event.data.u64(), event.flags);
                match (key, key & 1) {
                    (LISTENER, _) => self.accept()?,
                    (_, CLIENT) => self.client_ready((key >> 1) as usize, flags),
                    (_, _) => self.upstream_ready((key >> 1) as usize, flags),
                }
            }
            // A number is given to another connection only when no event of this turn names it.
            self.clients.turn();
            self.upstreams.turn();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let stream = match accept_with(&self.listener, flags) {
                Ok(accepted) => TcpStream::from(accepted),
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            };
            let (input, output) = (Vec::new(), Output::default());
            let client = Client { stream, upstream: None, input, output, keeps: true };
            let index = self.clients.insert(client);
            if let Some(client) = self.clients.get(index) {
                register(&self.epoll, &client.stream, (index as u64) << 1 | CLIENT)?;
            }
        }
    }

    fn client_ready(&mut self, index: usize, flags: EventFlags) {
        if flags.contains(EventFlags::OUT) {
            self.client_writable(index);
        }
        if flags.intersects(READABLE) {
            self.client_readable(index, flags.intersects(ENDED));
        }
    }

    /// Reads until there is no more. `ended` says that no edge will follow, so that a read that
    /// leaves room proves nothing.
    fn client_readable(&mut self, index: usize, ended: bool) {
        while let Some(client) = self.clients.get(index) {
            let mut scratch = take(&mut self.scratch);
            let received = receive(&client.stream, &mut scratch);
            if let Received::Bytes(bytes) = received {
                self.requested(index, scratch.get(..bytes).unwrap_or_default());
            }
            let room = scratch.len();
            self.scratch = scratch;
            match received {
                Received::Bytes(bytes) if bytes == room || ended => {}
                Received::Bytes(_) | Received::Nothing => return,
                Received::End => return self.close_client(index),
            }
        }
    }

    fn requested(&mut self, index: usize, bytes: &[u8]) {
        let Some(client) = self.clients.get(index) else { return };
        if client.upstream.is_none() && client.input.is_empty() {
            return self.begin(index, bytes);
        }
        client.input.extend_from_slice(bytes);
        if client.input.len() > HEAD_BYTES_MAX + BUFFER_BYTES {
            return self.close_client(index);
        }
        if client.upstream.is_none() {
            let input = take(&mut client.input);
            self.begin(index, &input);
        }
    }

    /// Sends the first request of `bytes` to an upstream and keeps what follows it.
    fn begin(&mut self, index: usize, bytes: &[u8]) {
        let Some(client) = self.clients.get(index) else { return };
        let asked = match request(bytes) {
            Parsed::Whole(message) => message,
            Parsed::Partial => return client.input.extend_from_slice(bytes),
            Parsed::Refused => return self.close_client(index),
        };
        let (head, rest) = bytes.split_at(asked.head_bytes);
        client.input.extend_from_slice(rest);
        client.keeps = asked.keeps;
        let Ok(upstream_index) = self.open(index) else { return self.close_client(index) };
        let Some(upstream) = self.upstreams.get(upstream_index) else { return };
        // While it connects the kernel takes nothing: the head then leaves with the first edge.
        if upstream.output.send(&upstream.stream, head).is_err() {
            self.close_upstream(upstream_index);
        }
    }

    /// An upstream for a client: an idle one, else a new one.
    fn open(&mut self, client_index: usize) -> io::Result<usize> {
        let index = match self.idle.pop() {
            Some(index) => index,
            None => self.connect()?,
        };
        if let Some(upstream) = self.upstreams.get(index) {
            upstream.client = Some(client_index);
            upstream.awaits = Awaits::Head;
        }
        if let Some(client) = self.clients.get(client_index) {
            client.upstream = Some(index);
        }
        Ok(index)
    }

    fn connect(&mut self) -> io::Result<usize> {
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::for_address(self.address), kind, None)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&self.address.into()) {
            Err(error) if error.raw_os_error() == Some(IN_PROGRESS) => {}
            outcome => outcome?,
        }
        let upstream = Upstream {
            stream: socket.into(),
            client: None,
            awaits: Awaits::Request,
            input: Vec::new(),
            output: Output::default(),
            keeps: true,
            held: false,
        };
        let index = self.upstreams.insert(upstream);
        if let Some(upstream) = self.upstreams.get(index) {
            register(&self.epoll, &upstream.stream, (index as u64) << 1 | UPSTREAM)?;
        }
        Ok(index)
    }

    fn upstream_ready(&mut self, index: usize, flags: EventFlags) {
        let Some(upstream) = self.upstreams.get(index) else { return };
        if flags.contains(EventFlags::OUT) && upstream.output.flush(&upstream.stream).is_err() {
            return self.close_upstream(index);
        }
        if flags.intersects(READABLE) {
            self.upstream_readable(index, flags.intersects(ENDED));
        }
    }

    fn upstream_readable(&mut self, index: usize, ended: bool) {
        while let Some(upstream) = self.upstreams.get(index) {
            let client = upstream.client.and_then(|client| self.clients.get(client));
            upstream.held = client.is_some_and(|client| !client.output.is_empty());
            if upstream.held {
                return;
            }
            let mut scratch = take(&mut self.scratch);
            let received = receive(&upstream.stream, &mut scratch);
            if let Received::Bytes(bytes) = received {
                self.answered(index, scratch.get(..bytes).unwrap_or_default());
            }
            let room = scratch.len();
            self.scratch = scratch;
            match received {
                Received::Bytes(bytes) if bytes == room || ended => {}
                Received::Bytes(_) | Received::Nothing => return,
                Received::End => return self.close_upstream(index),
            }
        }
    }

    fn answered(&mut self, index: usize, bytes: &[u8]) {
        let Some(upstream) = self.upstreams.get(index) else { return };
        match upstream.awaits {
            Awaits::Request => self.close_upstream(index),
            Awaits::Head if upstream.input.is_empty() => self.answer_head(index, bytes),
            Awaits::Head => {
                upstream.input.extend_from_slice(bytes);
                let input = take(&mut upstream.input);
                self.answer_head(index, &input);
            }
            Awaits::Body { left_bytes } => self.answer_body(index, bytes, left_bytes),
        }
    }

    fn answer_head(&mut self, index: usize, bytes: &[u8]) {
        let Some(upstream) = self.upstreams.get(index) else { return };
        match answer(bytes) {
            Parsed::Whole(message) => {
                upstream.keeps = message.keeps;
                self.answer_body(index, bytes, message.whole_bytes);
            }
            Parsed::Partial => upstream.input.extend_from_slice(bytes),
            Parsed::Refused => self.close_upstream(index),
        }
    }

    /// Passes on what belongs to the answer, of which `left_bytes` were still to come.
    fn answer_body(&mut self, index: usize, bytes: &[u8], left_bytes: usize) {
        let Some(upstream) = self.upstreams.get(index) else { return };
        let part = bytes.get(..left_bytes).unwrap_or(bytes);
        let left_bytes = left_bytes - part.len();
        upstream.awaits = Awaits::Body { left_bytes };
        upstream.keeps &= part.len() == bytes.len();
        let Some(client_index) = upstream.client else { return };
        let Some(client) = self.clients.get(client_index) else { return };
        if client.output.send(&client.stream, part).is_err() {
            self.close_client(client_index);
        } else if left_bytes == 0 {
            self.end(index, client_index);
        }
    }

    /// Parts a client and its upstream after a whole answer.
    fn end(&mut self, index: usize, client_index: usize) {
        let Some(upstream) = self.upstreams.get(index) else { return };
        upstream.client = None;
        upstream.awaits = Awaits::Request;
        if upstream.keeps {
            self.idle.push(index);
        } else {
            self.close_upstream(index);
        }
        let Some(client) = self.clients.get(client_index) else { return };
        client.upstream = None;
        if client.output.is_empty() {
            self.next_request(client_index);
        }
    }

    fn next_request(&mut self, index: usize) {
        let Some(client) = self.clients.get(index) else { return };
        if !client.keeps {
            self.close_client(index);
        } else if !client.input.is_empty() {
            let input = take(&mut client.input);
            self.begin(index, &input);
        }
    }

    fn client_writable(&mut self, index: usize) {
        let Some(client) = self.clients.get(index) else { return };
        if client.output.is_empty() {
            return;
        }
        if client.output.flush(&client.stream).is_err() {
            return self.close_client(index);
        }
        if !client.output.is_empty() {
            return;
        }
        let Some(upstream_index) = client.upstream else { return self.next_request(index) };
        let upstream = self.upstreams.get(upstream_index);
        if upstream.is_some_and(|upstream| upstream.held) {
            // Which edges came meanwhile is not known: read to the end.
            self.upstream_readable(upstream_index, true);
        }
    }

    fn close_client(&mut self, index: usize) {
        let Some(client) = self.clients.remove(index) else { return };
        if let Some(upstream) = client.upstream {
            self.close_upstream(upstream);
        }
    }

    /// Closes an upstream and, where it owes an answer, its client.
    fn close_upstream(&mut self, index: usize) {
        let Some(upstream) = self.upstreams.remove(index) else { return };
        self.idle.retain(|idle| *idle != index);
        if let Some(client) = upstream.client {
            self.close_client(client);
        }
    }
}

impl Output {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Sends at once what the kernel takes and keeps the rest.
    fn send(&mut self, mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        let sent_bytes = match self.is_empty().then(|| stream.write(bytes)) {
            None => 0,
            Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => 0,
            Some(outcome) => outcome?,
        };
        self.bytes.extend_from_slice(bytes.get(sent_bytes..).unwrap_or_default());
        Ok(())
    }

    fn flush(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        let rest = self.bytes.get(self.sent_bytes..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        match stream.write(rest) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            outcome => self.sent_bytes += outcome?,
        }
        if self.sent_bytes == self.bytes.len() {
            *self = Self::default();
        }
        Ok(())
    }
}

fn register(epoll: &OwnedFd, stream: &TcpStream, key: u64) -> io::Result<()> {
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    Ok(epoll::add(epoll, stream, EventData::new_u64(key), flags)?)
}

fn receive(mut stream: &TcpStream, room: &mut [u8]) -> Received {
    match stream.read(room) {
        Ok(0) => Received::End,
        Ok(bytes) => Received::Bytes(bytes),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
        Err(_) => Received::End,
    }
}

/// Connections by number.
struct Table<T> {
    entries: Vec<Option<T>>,
    free: Vec<usize>,
    /// Left in this turn.
    left: Vec<usize>,
}

impl<T> Table<T> {
    fn insert(&mut self, entry: T) -> usize {
        let index = self.free.pop().unwrap_or(self.entries.len());
        match self.entries.get_mut(index) {
            Some(place) => *place = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        index
    }

    fn get(&mut self, index: usize) -> Option<&mut T> {
        self.entries.get_mut(index)?.as_mut()
    }

    fn remove(&mut self, index: usize) -> Option<T> {
        let entry = self.entries.get_mut(index)?.take()?;
        self.left.push(index);
        Some(entry)
    }

    fn turn(&mut self) {
        self.free.append(&mut self.left);
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), left: Vec::new() }
    }
}

const LISTENER: u64 = u64::MAX;
const CLIENT: u64 = 0;
const UPSTREAM: u64 = 1;
const EVENTS_COUNT_MAX: usize = 512;
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
const ENDED: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);
const READABLE: EventFlags = ENDED.union(EventFlags::IN);
