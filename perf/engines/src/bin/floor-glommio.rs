//! The floor on glommio.

use std::io;
use std::net::SocketAddr;

use clap::Parser;
use frys_engines::{Arguments, BUFFER_BYTES, Message, Parsed, Pool, announce, answer, request};
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutorBuilder, Placement};

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let executor = LocalExecutorBuilder::new(Placement::Fixed(arguments.core)).make()?;
    executor.run(async {
        // It takes no listener over, so it binds one of its own.
        let listener = TcpListener::bind(arguments.listen)?;
        announce(listener.local_addr()?)?;
        let pool = Pool::default();
        loop {
            let stream = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (pool, upstream) = (pool.clone(), arguments.upstream);
            let client = async move {
                let mut client = Connection::new(stream);
                while exchange(&mut client, &pool, upstream).await.is_some() {}
            };
            glommio::spawn_local(client).detach();
        }
    })
}

/// A connection and what was received on it and not yet passed on: the first bytes of a buffer
/// that is zeroed once, since this engine reads into a slice.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    received_bytes: usize,
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
    upstream.stream.write_all(client.buffer.get(..asked.head_bytes)?).await.ok()?;
    client.forget(asked.head_bytes);
    let given = upstream.head(answer).await?;
    let mut left_bytes = given.whole_bytes;
    loop {
        let part_bytes = left_bytes.min(upstream.received_bytes);
        client.stream.write_all(upstream.buffer.get(..part_bytes)?).await.ok()?;
        upstream.forget(part_bytes);
        left_bytes -= part_bytes;
        if left_bytes == 0 {
            break;
        }
        upstream.receive().await?;
    }
    if given.keeps && upstream.received_bytes == 0 {
        pool.put(upstream);
    }
    asked.keeps.then_some(())
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; BUFFER_BYTES], received_bytes: 0 }
    }

    async fn head(&mut self, parse: fn(&[u8]) -> Parsed) -> Option<Message> {
        loop {
            if self.received_bytes == 0 {
                self.receive().await?;
            }
            match parse(self.buffer.get(..self.received_bytes)?) {
                Parsed::Whole(message) => return Some(message),
                Parsed::Partial => self.receive().await?,
                Parsed::Refused => return None,
            }
        }
    }

    async fn receive(&mut self) -> Option<()> {
        if self.received_bytes == self.buffer.len() {
            self.buffer.resize(self.buffer.len() + BUFFER_BYTES, 0);
        }
        let room = self.buffer.get_mut(self.received_bytes..)?;
        let bytes = self.stream.read(room).await.ok()?;
        self.received_bytes += bytes;
        (bytes > 0).then_some(())
    }

    /// Moves what lies behind the first `bytes` to the front.
    fn forget(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.received_bytes, 0);
        self.received_bytes -= bytes;
    }
}
