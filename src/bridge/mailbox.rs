//! From control to one worker: a bounded ring of messages and a socket that wakes the worker.
//!
//! The worker adopts the wake-up's other end into its ring and takes the messages at one fixed
//! point of its turn; end of stream on the wake-up says that control is gone. A second pair, of
//! which the worker's thread keeps one end and the ring knows nothing, tells control that the
//! worker has ended, however it did.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};
use socket2::SockRef;

use crate::limits::MAILBOX_MESSAGES_MAX;
use crate::snapshot::Snapshot;

/// A bound socket that a worker accepts from.
pub enum Acceptor {
    /// One of several on the same port.
    Tcp(TcpListener),
    /// One of several handles of the same socket.
    Unix(UnixListener),
}

/// What control tells a worker.
pub enum Message {
    /// Use this snapshot for every request that begins from now on, then acknowledge it with
    /// [`super::WorkerBlock::acknowledge`].
    Install(Arc<Snapshot>),
    /// Accept from this socket too, under this number.
    Listen(u32, Acceptor),
    /// Close the listeners of these numbers; their clients are told at their next answer.
    Unlisten(Arc<[u32]>),
    /// Close the listeners, answer with `Connection: close`, end when the last exchange has ended
    /// or this much time has passed.
    Drain {
        /// How long the exchanges that are under way may take.
        timeout: Duration,
    },
    /// End now.
    Stop,
}

/// Why a message was not taken.
pub enum SendFault {
    /// The worker has [`MAILBOX_MESSAGES_MAX`] messages that it has not read; here it is back.
    Full(Message),
    /// The worker has ended.
    Ended,
}

/// Control's end.
pub struct Sender {
    messages: Producer<Message>,
    wake: UnixStream,
    life: UnixStream,
}

/// The worker's end.
pub struct Receiver {
    messages: Consumer<Message>,
    wake: Option<OwnedFd>,
    life: Option<OwnedFd>,
}

/// A mailbox with both its ends.
///
/// # Errors
/// When the process may open no further file descriptors.
pub fn pair() -> io::Result<(Sender, Receiver)> {
    let (messages_in, messages_out) = RingBuffer::new(MAILBOX_MESSAGES_MAX);
    let (near, far) = UnixStream::pair()?;
    // Only control's end: a receive that io_uring does on a non-blocking file fails with EAGAIN
    // instead of waiting.
    near.set_nonblocking(true)?;
    let (watched, life) = UnixStream::pair()?;
    watched.set_nonblocking(true)?;
    let sender = Sender { messages: messages_in, wake: near, life: watched };
    let (wake, life) = (Some(far.into()), Some(life.into()));
    Ok((sender, Receiver { messages: messages_out, wake, life }))
}

impl Sender {
    /// Puts a message into the ring and wakes the worker.
    ///
    /// # Errors
    /// [`SendFault`]: the ring is full, or the worker has ended.
    pub fn send(&mut self, message: Message) -> Result<(), SendFault> {
        if self.messages.is_abandoned() {
            return Err(SendFault::Ended);
        }
        match self.messages.push(message) {
            Ok(()) => self.wake(),
            Err(PushError::Full(message)) => {
                self.wake();
                return Err(SendFault::Full(message));
            }
        }
        Ok(())
    }

    /// A socket on which end of stream says that the worker ended.
    ///
    /// # Errors
    /// When the process may open no further file descriptors.
    pub fn end_watch(&self) -> io::Result<UnixStream> {
        self.life.try_clone()
    }

    fn wake(&self) {
        // A full socket already holds a wake-up, and a closed one has nobody to wake: neither is a
        // fault. MSG_NOSIGNAL because an embedding program may not ignore SIGPIPE.
        let _ = SockRef::from(&self.wake).send_with_flags(&[1], libc::MSG_NOSIGNAL);
    }
}

impl Receiver {
    /// The next message, in the order of sending; none if there is none now.
    pub fn pop(&mut self) -> Option<Message> {
        self.messages.pop().ok()
    }

    /// The socket that becomes readable when messages wait: one byte or more to read and forget.
    ///
    /// Given out once. Its end of stream means that control is gone, and that nothing will come
    /// any more but what [`Receiver::pop`] still gives: drain. Whoever takes it keeps it for as
    /// long as the worker lives. A receiver whose wake-up nobody took works by polling.
    pub fn take_wake(&mut self) -> Option<OwnedFd> {
        self.wake.take()
    }

    /// What says to control that the worker lives, until it is dropped. Given out once: whoever
    /// takes it drops it when all else of the worker is gone. Where nobody does, it goes with the
    /// receiver.
    pub fn take_life(&mut self) -> Option<OwnedFd> {
        self.life.take()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn drain(seconds: u64) -> Message {
        Message::Drain { timeout: Duration::from_secs(seconds) }
    }

    fn drain_seconds(message: Option<Message>) -> Option<u64> {
        match message? {
            Message::Drain { timeout } => Some(timeout.as_secs()),
            Message::Install(_) | Message::Listen(..) | Message::Unlisten(_) | Message::Stop => {
                None
            }
        }
    }

    #[test]
    fn delivers_in_order_and_wakes() {
        let (mut sender, mut receiver) = pair().expect("descriptors");
        let wake = UnixStream::from(receiver.take_wake().expect("not yet taken"));
        assert!(receiver.take_wake().is_none());
        let worker = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while seen.len() < 1_000 {
                let read = (&wake).read(&mut [0; 64]).expect("a wake-up");
                assert!(read > 0, "the sender is still there");
                while let Some(seconds) = drain_seconds(receiver.pop()) {
                    seen.push(seconds);
                }
            }
            seen
        });
        for seconds in 0..1_000 {
            let mut message = drain(seconds);
            while let Err(fault) = sender.send(message) {
                let SendFault::Full(again) = fault else { panic!("the worker ended") };
                message = again;
                std::thread::yield_now();
            }
        }
        assert_eq!(worker.join().expect("no panic"), (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn gives_the_message_back_when_full() {
        let (mut sender, mut receiver) = pair().expect("descriptors");
        for seconds in 0..MAILBOX_MESSAGES_MAX as u64 {
            assert!(sender.send(drain(seconds)).is_ok());
        }
        assert!(matches!(sender.send(Message::Stop), Err(SendFault::Full(Message::Stop))));
        assert_eq!(drain_seconds(receiver.pop()), Some(0));
        assert!(sender.send(Message::Stop).is_ok());
    }

    #[test]
    fn tells_that_the_worker_ended() {
        let (mut sender, mut receiver) = pair().expect("descriptors");
        let mut watch = sender.end_watch().expect("descriptors");
        let life = receiver.take_life();
        drop(receiver);
        assert!(matches!(sender.send(Message::Stop), Err(SendFault::Ended)));
        watch.set_nonblocking(true).expect("a socket");
        let alive = watch.read(&mut [0; 1]).expect_err("it has not ended");
        assert_eq!(alive.kind(), io::ErrorKind::WouldBlock);
        watch.set_nonblocking(false).expect("a socket");
        drop(life);
        assert_eq!(watch.read(&mut [0; 1]).expect("an orderly end"), 0);
    }
}
