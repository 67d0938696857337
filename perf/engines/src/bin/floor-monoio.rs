//! The floor on monoio, as it comes or, with `--deferred`, with a ring that lets completions wait
//! until the thread asks for them.

use std::io;
use std::net::SocketAddr;

use clap::Parser;
use frys_engines::{Arguments, BUFFER_BYTES, Message, Parsed, Pool, answer, request, start};
use monoio::buf::{IoBuf, IoBufMut};
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, RuntimeBuilder};

/// What this floor is told.
#[derive(Parser)]
struct Told {
    #[command(flatten)]
    shared: Arguments,
    /// Set the ring up with SINGLE_ISSUER and DEFER_TASKRUN.
    #[arg(long)]
    deferred: bool,
}

fn main() -> io::Result<()> {
    let Told { shared: arguments, deferred } = Told::parse();
    let mut builder = RuntimeBuilder::<IoUringDriver>::new().with_entries(ENTRIES_COUNT);
    if deferred {
        let mut ring = io_uring::IoUring::builder();
        ring.setup_single_issuer().setup_defer_taskrun();
        builder = builder.uring_builder(ring);
    }
    builder.build()?.block_on(async {
        let listener = TcpListener::from_std(start(&arguments)?)?;
        let pool = Pool::default();
        loop {
            let (stream, _) = listener.accept().await?;
            let (pool, upstream) = (pool.clone(), arguments.upstream);
            monoio::spawn(async move {
                let mut client = Connection::new(stream);
                while exchange(&mut client, &pool, upstream).await.is_some() {}
            });
        }
    })
}

/// A connection and what was received on it and not yet passed on.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Relays one request and its answer; `None` where the connection has ended.
async fn exchange(
    client: &mut Connection,
    pool: &Pool<Connection>,
    address: SocketAddr,
) -> Option<()> {
    let asked = client.head(request).await?;
    let mut upstream = match pool.take() {
        Some(upstream) => upstream,
        None => {
            let stream = TcpStream::connect_addr(address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            Connection::new(stream)
        }
    };
    client.pass(asked.head_bytes, &mut upstream.stream).await?;
    let given = upstream.head(answer).await?;
    let mut left_bytes = given.whole_bytes;
    loop {
        let part_bytes = left_bytes.min(upstream.received.len());
        upstream.pass(part_bytes, &mut client.stream).await?;
        left_bytes -= part_bytes;
        if left_bytes == 0 {
            break;
        }
        upstream.receive().await?;
    }
    if given.keeps && upstream.received.is_empty() {
        pool.put(upstream);
    }
    asked.keeps.then_some(())
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, received: Vec::with_capacity(BUFFER_BYTES) }
    }

    async fn head(&mut self, parse: fn(&[u8]) -> Parsed) -> Option<Message> {
        loop {
            if self.received.is_empty() {
                self.receive().await?;
            }
            match parse(&self.received) {
                Parsed::Whole(message) => return Some(message),
                Parsed::Partial => self.receive().await?,
                Parsed::Refused => return None,
            }
        }
    }

    async fn receive(&mut self) -> Option<()> {
        let mut received = std::mem::take(&mut self.received);
        let held_bytes = received.len();
        if held_bytes == received.capacity() {
            received.reserve(BUFFER_BYTES);
        }
        let room = held_bytes..received.capacity();
        let (bytes, room) = self.stream.read(received.slice_mut(room)).await;
        self.received = room.into_inner();
        (bytes.ok()? > 0).then_some(())
    }

    /// Sends the first `bytes` of what was received to `sink`.
    async fn pass(&mut self, bytes: usize, sink: &mut TcpStream) -> Option<()> {
        let received = std::mem::take(&mut self.received);
        let (sent, part) = sink.write_all(received.slice(..bytes)).await;
        self.received = part.into_inner();
        self.received.drain(..bytes);
        sent.ok()?;
        Some(())
    }
}

/// Entries of the ring: enough that 256 clients never fill it.
const ENTRIES_COUNT: u32 = 2048;
