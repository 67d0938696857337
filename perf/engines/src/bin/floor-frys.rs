//! The floor on the gateway's own engine, through the same calls as the gateway: received leases
//! are pushed on as they came, and a turn's sends leave together.

use std::io;

use clap::Parser;
use frys_engines::{Arguments, HEAD_BYTES_MAX, Message, Parsed, Pool, answer, request, start};
use frys_gateway::limits::SEND_QUEUE_BYTES_MAX;
use frys_gateway::runtime::{Address, Lease, Options, Runtime, Segment, Socket};

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = Runtime::new(&Options::default()).map_err(io::Error::other)?;
    let listener = runtime.listen(start(&arguments)?).map_err(io::Error::other)?;
    let pool = Pool::default();
    runtime.block_on(async {
        loop {
            let client = listener.accept().await.map_err(io::Error::other)?;
            let relay = Relay {
                runtime: runtime.clone(),
                pool: pool.clone(),
                upstream: Address::Tcp(arguments.upstream),
                client,
            };
            runtime.spawn(async move { while relay.exchange().await.is_some() {} });
        }
    })
}

/// One client and what it needs.
struct Relay {
    runtime: Runtime,
    pool: Pool<Socket>,
    upstream: Address,
    client: Socket,
}

impl Relay {
    /// Relays one request and its answer; `None` where the connection has ended.
    async fn exchange(&self) -> Option<()> {
        let (asked, head) = self.head(&self.client, request).await?;
        let upstream = match self.idle() {
            Some(upstream) => upstream,
            None => self.runtime.connect(&self.upstream).await.ok()?,
        };
        upstream.push(self.exactly(head, asked.head_bytes));
        let (given, first) = self.head(&upstream, answer).await?;
        let is_clean = self.relay_answer(&upstream, first, given.whole_bytes).await?;
        if given.keeps && is_clean {
            upstream.watch();
            self.pool.put(upstream);
        }
        asked.keeps.then_some(())
    }

    fn idle(&self) -> Option<Socket> {
        loop {
            let idle = self.pool.take()?;
            if !idle.is_dead() {
                return Some(idle);
            }
        }
    }

    /// The next head that `socket` sends, with what came behind it in the same lease.
    async fn head(
        &self,
        socket: &Socket,
        parse: fn(&[u8]) -> Parsed,
    ) -> Option<(Message, Segment)> {
        let lease = socket.receive().await.ok()??;
        match parse(&lease) {
            Parsed::Whole(message) => Some((message, Segment::Lease(lease))),
            Parsed::Partial => Box::pin(self.long_head(socket, lease, parse)).await,
            Parsed::Refused => None,
        }
    }

    /// A head that comes in pieces is put together in a block; what follows it stays unread.
    async fn long_head(
        &self,
        socket: &Socket,
        first: Lease,
        parse: fn(&[u8]) -> Parsed,
    ) -> Option<(Message, Segment)> {
        let mut block = self.runtime.blocks().take();
        block.extend_from_slice(&first);
        drop(first);
        loop {
            let mut lease = socket.receive().await.ok()??;
            let before_bytes = block.len();
            debug_assert!(before_bytes < HEAD_BYTES_MAX);
            block.extend_from_slice(&lease);
            match parse(&block) {
                Parsed::Whole(message) => {
                    block.truncate(message.head_bytes);
                    lease.advance(message.head_bytes - before_bytes);
                    socket.unread(lease);
                    return Some((message, Segment::Block(block)));
                }
                Parsed::Partial => {}
                Parsed::Refused => return None,
            }
        }
    }

    /// The head alone: what a client sent behind it waits for its turn.
    fn exactly(&self, head: Segment, head_bytes: usize) -> Segment {
        match head {
            Segment::Lease(mut lease) if lease.len() > head_bytes => {
                let head = lease.split_to(head_bytes);
                self.client.unread(lease);
                Segment::Lease(head)
            }
            whole => whole,
        }
    }

    /// Pushes an answer of so many bytes on; whether the upstream sent not one more.
    async fn relay_answer(
        &self,
        upstream: &Socket,
        first: Segment,
        whole_bytes: usize,
    ) -> Option<bool> {
        let mut left_bytes = whole_bytes;
        let mut next = first;
        loop {
            let received_bytes = next.len();
            if let Segment::Lease(lease) = &mut next {
                lease.truncate(left_bytes);
            }
            left_bytes -= next.len();
            let is_clean = next.len() == received_bytes;
            self.client.push(next);
            if left_bytes == 0 {
                return Some(is_clean);
            }
            if self.client.queued_bytes() > SEND_QUEUE_BYTES_MAX {
                self.client.drained(SEND_QUEUE_BYTES_MAX / 2).await.ok()?;
            }
            next = Segment::Lease(upstream.receive().await.ok()??);
        }
    }
}
