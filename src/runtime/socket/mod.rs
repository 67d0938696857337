//! A connected socket: owned-buffer receives, queued sends, and a poll-style face for libraries.

mod poll;
pub(crate) mod table;
mod incoming;
mod outgoing;
mod readiness;
mod queue;
mod transfer;

pub(crate) use transfer::{Ends, PIPE_BYTES, sink, source};
pub use transfer::{Pipe, Side, TransferFault};

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::limits;
use crate::memory::Slot;

use super::core::Core;
use super::descriptor::Descriptor;
use super::operation::Segment;
use super::{Errno, Lease};

/// A connected stream socket. Dropping it closes it once the queued sends are done, have failed,
/// or [`limits::LINGER_MS_MAX`] is over.
pub struct Socket {
    core: Rc<Core>,
    slot: Slot,
}

impl Socket {
    /// Takes a connected descriptor in.
    ///
    /// # Errors
    /// `EMFILE` when the runtime has as many sockets as it may; the descriptor closes.
    pub(super) fn new(core: &Rc<Core>, descriptor: Descriptor) -> Result<Socket, Errno> {
        let inserted = core.sockets.borrow_mut().insert(descriptor);
        match inserted {
            Ok(slot) => Ok(Socket { core: Rc::clone(core), slot }),
            Err(descriptor) => {
                core.driver.borrow_mut().close(descriptor);
                Err(Errno::TOO_MANY_FILES)
            }
        }
    }

    /// The peer's address, asked of the kernel at the first call; `None` on a Unix socket and when
    /// the peer was gone by then.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.core.sockets.borrow_mut().peer_address(self.slot)
    }

    /// The address that the peer connected to; `None` on a Unix socket.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.core.sockets.borrow().local_address(self.slot)
    }

    /// Milliseconds since a TCP connection that has sent nothing was established, in the kernel's
    /// ticks of 1 to 10 ms; `None` of other sockets. A system call.
    pub fn silent_ms(&self) -> Option<u32> {
        self.core.sockets.borrow().silent_ms(self.slot)
    }

    /// The next bytes that arrive; `None` at the end of the stream. Dropping the future loses no
    /// byte. One task at a time may wait.
    ///
    /// # Errors
    /// What ended the stream out of order, such as `ECONNRESET`; the same again when asked again.
    pub async fn receive(&self) -> Result<Option<Lease>, Errno> {
        let forgets = ForgetReader(self);
        let received = poll_fn(|context| self.poll_receive(context)).await;
        // Whoever was woken is not registered any more.
        std::mem::forget(forgets);
        received
    }

    /// The poll form of [`Socket::receive`].
    ///
    /// # Errors
    /// As `receive`.
    pub fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Result<Option<Lease>, Errno>> {
        let core = &*self.core;
        let mut sockets = core.sockets.borrow_mut();
        if let Some(read) = sockets.read(self.slot) {
            return Poll::Ready(read);
        }
        let waiter = core.executor.waiter(context);
        sockets.await_read(self.slot, waiter, &mut core.driver.borrow_mut());
        Poll::Pending
    }

    /// What already arrived, without waiting; `None` when there is nothing to tell.
    pub fn try_receive(&self) -> Option<Result<Option<Lease>, Errno>> {
        self.core.sockets.borrow_mut().read(self.slot)
    }

    /// Puts back the rest of what was just received: the next receive returns it first.
    pub fn unread(&self, lease: Lease) {
        if !lease.is_empty() {
            self.core.sockets.borrow_mut().unread(self.slot, lease);
        }
    }

    /// Whether an idle connection cannot be used again: it ended, failed, or bytes came unasked.
    pub fn is_dead(&self) -> bool {
        self.core.sockets.borrow().is_dead(self.slot)
    }

    /// Whether the peer has reset the connection, or it failed otherwise, as far as a receive in
    /// flight has told. Nothing is armed for it; the task that received last is woken by it. The
    /// end of the stream is no failure: who sends no more may still read.
    pub fn has_failed(&self) -> bool {
        self.core.sockets.borrow().has_failed(self.slot)
    }

    /// What a future comes to, for as long as the peer is there; `None` once the connection
    /// [has failed](Socket::has_failed).
    pub fn while_there<F: Future>(
        &self,
        mut future: Pin<&mut F>,
    ) -> impl Future<Output = Option<F::Output>> {
        poll_fn(move |context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.has_failed() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
    }

    /// Whether nothing arrived beyond what was received: the kernel is asked where no receive is
    /// in flight that would have told, as after a transfer.
    pub fn is_quiet(&self) -> bool {
        self.core.sockets.borrow().is_quiet(self.slot)
    }

    /// Listens for what arrives though nobody waits, so that [`Socket::is_dead`] notices the end.
    pub fn watch(&self) {
        let core = &*self.core;
        core.sockets.borrow_mut().watch(self.slot, &mut core.driver.borrow_mut());
    }

    /// Queues bytes to send; the runtime owns them until the kernel is done. All that one turn
    /// queues leaves in one send at its end. Bytes for a side that failed or was shut are dropped.
    pub fn push(&self, segment: Segment) {
        let segment = match segment {
            Segment::Lease(lease) => Segment::Lease(self.core.out_of_scarce(lease)),
            Segment::Block(_) | Segment::Static(_) => segment,
        };
        self.core.sockets.borrow_mut().push(self.slot, segment);
    }

    /// Starts sending what is queued now instead of at the end of the turn.
    pub fn flush(&self) {
        let core = &*self.core;
        let failed = core.sockets.borrow_mut().send_next(self.slot, &mut core.driver.borrow_mut());
        core.executor.wake(failed.unwrap_or_default());
    }

    /// Bytes queued or being sent.
    pub fn queued_bytes(&self) -> usize {
        self.core.sockets.borrow().queued_bytes(self.slot)
    }

    /// Bytes that the kernel has taken since the socket was opened.
    pub fn sent_bytes(&self) -> u64 {
        self.core.sockets.borrow().sent_bytes(self.slot)
    }

    /// Waits until at most `below_bytes` are queued. One task at a time may wait.
    ///
    /// # Errors
    /// Why sending failed; nothing is queued any more then.
    pub async fn drained(&self, below_bytes: usize) -> Result<(), Errno> {
        let forgets = ForgetWriter(self);
        let drained = poll_fn(|context| self.poll_drained(context, below_bytes)).await;
        std::mem::forget(forgets);
        drained
    }

    /// The poll form of [`Socket::drained`].
    ///
    /// # Errors
    /// As `drained`.
    pub fn poll_drained(
        &self,
        context: &mut Context<'_>,
        below_bytes: usize,
    ) -> Poll<Result<(), Errno>> {
        let core = &*self.core;
        let mut sockets = core.sockets.borrow_mut();
        if let Some(errno) = sockets.send_error(self.slot) {
            return Poll::Ready(Err(errno));
        }
        if sockets.queued_bytes(self.slot) <= below_bytes {
            return Poll::Ready(Ok(()));
        }
        sockets.await_drained(self.slot, below_bytes, core.executor.waiter(context));
        Poll::Pending
    }

    /// Why sending failed, if it did.
    pub fn send_error(&self) -> Option<Errno> {
        self.core.sockets.borrow().send_error(self.slot)
    }

    /// Ends the sending side after what is queued.
    pub fn shutdown_write(&self) {
        let core = &*self.core;
        core.sockets.borrow_mut().shutdown_write(self.slot, &mut core.driver.borrow_mut());
    }

    /// Drops what is queued and cuts the connection with a reset, at once.
    pub fn abort(&self) {
        let core = &*self.core;
        core.sockets.borrow_mut().abort(self.slot, &mut core.driver.borrow_mut());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let core = &*self.core;
        let deadline = core.clock.now().plus_ms(limits::LINGER_MS_MAX);
        core.sockets.borrow_mut().release(self.slot, deadline, &mut core.driver.borrow_mut());
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Socket({})", self.slot.index())
    }
}

/// Unregisters the waiter of a receive whose future is dropped.
struct ForgetReader<'a>(&'a Socket);

impl Drop for ForgetReader<'_> {
    fn drop(&mut self) {
        self.0.core.sockets.borrow_mut().forget_reader(self.0.slot);
    }
}

/// Unregisters the waiter of a drain whose future is dropped.
struct ForgetWriter<'a>(&'a Socket);

impl Drop for ForgetWriter<'_> {
    fn drop(&mut self) {
        self.0.core.sockets.borrow_mut().forget_writer(self.0.slot);
    }
}
