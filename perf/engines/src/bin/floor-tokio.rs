//! The floor on tokio's current-thread runtime, straight on its sockets.

use std::io;
use std::net::SocketAddr;

use clap::Parser;
use frys_engines::{Arguments, BUFFER_BYTES, Message, Parsed, Pool, answer, request, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = start(&arguments)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let pool = Pool::default();
        loop {
            let (stream, _) = listener.accept().await?;
            let (pool, upstream) = (pool.clone(), arguments.upstream);
            spawn_local(async move {
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
            let stream = TcpStream::connect(address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            Connection::new(stream)
        }
    };
    upstream.stream.write_all(client.received.get(..asked.head_bytes)?).await.ok()?;
    client.received.drain(..asked.head_bytes);
    let given = upstream.head(answer).await?;
    let mut left_bytes = given.whole_bytes;
    loop {
        let part_bytes = left_bytes.min(upstream.received.len());
        client.stream.write_all(upstream.received.get(..part_bytes)?).await.ok()?;
        upstream.received.drain(..part_bytes);
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
        if self.received.len() == self.received.capacity() {
            self.received.reserve(BUFFER_BYTES);
        }
        let bytes = self.stream.read_buf(&mut self.received).await.ok()?;
        (bytes > 0).then_some(())
    }
}
