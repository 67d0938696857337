//! Bulk mode: many bytes from one socket to another, through a pipe and never through this
//! process. `docs/performance.md` has the measurement that chose it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::task::Poll;

use crate::limits;

use super::super::core::Core;
use super::super::descriptor::Descriptor;
use super::super::operation::{Readiness, Segment};
use super::super::{Errno, kernel};
use super::Socket;

/// What a transfer moves bytes through. May be used for one transfer after another; dropping it
/// returns it to its runtime.
pub struct Pipe {
    core: Rc<Core>,
    ends: RefCell<Option<Ends>>,
    /// Bytes that are in the pipe now.
    held_bytes: Cell<usize>,
    moved_bytes: Cell<u64>,
}

/// The two ends of a pipe of the kernel.
#[derive(Debug)]
pub(crate) struct Ends {
    read: PipeReader,
    write: PipeWriter,
}

/// Which of the two sockets failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is read.
    Source,
    /// The one that is written.
    Sink,
}

/// A transfer that ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferFault {
    /// Where.
    pub side: Side,
    /// Why.
    pub errno: Errno,
}

impl Pipe {
    pub(crate) fn new(core: &Rc<Core>) -> Pipe {
        Pipe {
            core: Rc::clone(core),
            ends: RefCell::new(None),
            held_bytes: Cell::new(0),
            moved_bytes: Cell::new(0),
        }
    }

    /// Bytes that the present or last transfer has moved: progress, for whoever keeps the timers.
    pub fn moved_bytes(&self) -> u64 {
        self.moved_bytes.get()
    }

    /// Takes unused ends, or makes a pipe. False when there is none to be had, or when the network
    /// is simulated and has no pipes.
    pub(crate) fn open(&self) -> bool {
        let mut ends = self.ends.borrow_mut();
        if self.held_bytes.take() > 0 {
            // A transfer was dropped in its middle: its bytes are not the next one's.
            *ends = None;
        }
        if ends.is_none() && !self.core.is_simulated() {
            *ends = self.core.pipes.borrow_mut().pop().or_else(|| Ends::new().ok());
        }
        ends.is_some()
    }

    /// Whether bytes were taken from the source and not moved on: the sink is waited for.
    pub fn holds_bytes(&self) -> bool {
        self.held_bytes.get() > 0
    }

    /// Forgets what was moved before: another transfer begins.
    pub(crate) fn begin(&self) {
        self.moved_bytes.set(0);
    }

    /// The ends, for an operation that fills the pipe; until they are back it cannot be used.
    pub(crate) fn lend(&self) -> Option<Ends> {
        self.ends.take()
    }

    /// Takes the ends back with so many bytes more between them.
    pub(crate) fn give_back(&self, ends: Ends, filled_bytes: usize) {
        self.ends.replace(Some(ends));
        self.held_bytes.set(self.held_bytes.get() + filled_bytes);
    }

    /// Moves all that is in the pipe on, waiting until the kernel has taken it.
    pub(crate) async fn empty_all(&self, to: &Socket) -> Result<(), TransferFault> {
        while let Err(errno) = self.empty(to) {
            match errno {
                Errno::AGAIN => to.ready(Readiness::Writable).await.map_err(sink)?,
                _ => return Err(sink(errno)),
            }
        }
        Ok(())
    }

    pub(crate) fn count_moved(&self, bytes: usize) {
        self.moved_bytes.set(self.moved_bytes.get() + bytes as u64);
    }

    /// Moves what arrived into the pipe. `Ok(0)` is the end of the stream.
    fn fill(&self, from: BorrowedFd<'_>, bytes_max: u64) -> Result<usize, Errno> {
        let ends = self.ends.borrow();
        let Some(ends) = &*ends else { return Err(Errno::CLOSED) };
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(PIPE_BYTES);
        let bytes = kernel::splice(from, ends.write.as_fd(), bytes_max)?;
        self.held_bytes.set(self.held_bytes.get() + bytes);
        Ok(bytes)
    }

    /// Moves what is in the pipe on.
    fn empty(&self, to: &Socket) -> Result<(), Errno> {
        let before_bytes = self.moved_bytes();
        let emptied = to.with_kernel_fd(|fd| self.empty_into(fd));
        let bytes = self.moved_bytes() - before_bytes;
        self.core.sockets.borrow_mut().count_sent(to.slot, bytes);
        emptied
    }

    fn empty_into(&self, to: BorrowedFd<'_>) -> Result<(), Errno> {
        let ends = self.ends.borrow();
        let Some(ends) = &*ends else { return Err(Errno::CLOSED) };
        while self.held_bytes.get() > 0 {
            let bytes = kernel::splice(ends.read.as_fd(), to, self.held_bytes.get())?;
            if bytes == 0 {
                return Err(Errno::BROKEN_PIPE);
            }
            self.held_bytes.set(self.held_bytes.get().saturating_sub(bytes));
            self.count_moved(bytes);
        }
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // A pipe with bytes of a broken transfer in it closes.
        let mut pipes = self.core.pipes.borrow_mut();
        if self.held_bytes.get() == 0 && pipes.len() < limits::PIPES_FREE_COUNT_MAX {
            pipes.extend(self.ends.take());
        }
    }
}

impl Ends {
    fn new() -> io::Result<Ends> {
        let (read, write) = io::pipe()?;
        // An unprivileged user's pipes may be many already: then it stays as large as it is.
        let _ = kernel::resize_pipe(&write, PIPE_BYTES);
        Ok(Ends { read, write })
    }

    /// The number of the end that is written.
    pub(crate) fn write_raw(&self) -> RawFd {
        self.write.as_raw_fd()
    }
}

impl Socket {
    /// Moves up to `bytes_max` bytes from here to `to`, after what is queued there, and waits until
    /// the kernel has them all. Fewer are moved only at the end of the stream.
    ///
    /// What was received here and not asked for goes first. Nobody else may receive here or push
    /// there meanwhile. Dropping the future may lose bytes: then neither socket is of use.
    ///
    /// # Errors
    /// Which side failed, and why.
    pub async fn transfer(
        &self,
        to: &Socket,
        bytes_max: u64,
        pipe: &Pipe,
    ) -> Result<u64, TransferFault> {
        pipe.begin();
        if pipe.open() {
            self.splice_all(to, bytes_max, pipe).await?;
        } else {
            self.copy_all(to, bytes_max, pipe).await?;
        }
        Ok(pipe.moved_bytes())
    }

    async fn splice_all(
        &self,
        to: &Socket,
        bytes_max: u64,
        pipe: &Pipe,
    ) -> Result<(), TransferFault> {
        let _held = self.hold().await;
        if self.forward_unread(to, bytes_max, pipe)? {
            return to.drained(0).await.map_err(sink);
        }
        to.drained(0).await.map_err(sink)?;
        let mut left_bytes = bytes_max.saturating_sub(pipe.moved_bytes());
        while left_bytes > 0 {
            self.ready(Readiness::Readable).await.map_err(source)?;
            let filled = self.with_kernel_fd(|fd| pipe.fill(fd, left_bytes));
            match filled {
                Ok(0) => return Ok(()),
                Ok(bytes) => left_bytes = left_bytes.saturating_sub(bytes as u64),
                Err(Errno::AGAIN) => continue,
                Err(errno) => return Err(source(errno)),
            }
            pipe.empty_all(to).await?;
        }
        Ok(())
    }

    /// Takes the receive back from the kernel, and keeps it back while the guard lives.
    async fn hold(&self) -> Held<'_> {
        let held = Held(self);
        poll_fn(|context| {
            let core = &*self.core;
            let mut sockets = core.sockets.borrow_mut();
            if sockets.hold(self.slot, &mut core.driver.borrow_mut()) {
                return Poll::Ready(());
            }
            sockets.await_input(self.slot, core.executor.waiter(context));
            Poll::Pending
        })
        .await;
        held
    }

    /// Pushes what is unread here. True when that is all there is to move.
    fn forward_unread(
        &self,
        to: &Socket,
        bytes_max: u64,
        pipe: &Pipe,
    ) -> Result<bool, TransferFault> {
        loop {
            let left = bytes_max.saturating_sub(pipe.moved_bytes());
            if left == 0 {
                return Ok(true);
            }
            match self.try_receive() {
                None => return Ok(false),
                Some(Ok(None)) => return Ok(true),
                Some(Ok(Some(mut lease))) => {
                    let left = usize::try_from(left).unwrap_or(usize::MAX);
                    let part = lease.split_to(lease.len().min(left));
                    self.unread(lease);
                    pipe.count_moved(part.len());
                    to.push(Segment::Lease(part));
                }
                Some(Err(errno)) => return Err(source(errno)),
            }
        }
    }

    /// Waits until the kernel says that the socket can be read or written.
    async fn ready(&self, readiness: Readiness) -> Result<(), Errno> {
        let mut started = false;
        poll_fn(|context| {
            let core = &*self.core;
            let mut sockets = core.sockets.borrow_mut();
            if !std::mem::replace(&mut started, true) {
                sockets.poll(self.slot, readiness, &mut core.driver.borrow_mut())?;
            } else if !sockets.is_polling(self.slot, readiness) {
                return Poll::Ready(Ok(()));
            }
            let waiter = core.executor.waiter(context);
            match readiness {
                Readiness::Readable => sockets.await_input(self.slot, waiter),
                Readiness::Writable => sockets.await_output(self.slot, waiter),
            }
            Poll::Pending
        })
        .await
    }

    fn with_kernel_fd<T>(
        &self,
        call: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match self.core.sockets.borrow().descriptor(self.slot) {
            Some(Descriptor::Kernel(fd)) => call(fd.as_fd()),
            Some(Descriptor::Simulated(_)) | None => Err(Errno::CLOSED),
        }
    }

    /// The same through this process, where there is no pipe.
    async fn copy_all(
        &self,
        to: &Socket,
        bytes_max: u64,
        pipe: &Pipe,
    ) -> Result<(), TransferFault> {
        loop {
            if self.forward_unread(to, bytes_max, pipe)? {
                return to.drained(0).await.map_err(sink);
            }
            to.drained(limits::TRANSFER_QUEUED_BYTES_MAX).await.map_err(sink)?;
            if let Some(lease) = self.receive().await.map_err(source)? {
                self.unread(lease);
            }
        }
    }
}

/// Lets the receive be armed again.
struct Held<'a>(&'a Socket);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.core.sockets.borrow_mut().let_go(self.0.slot);
    }
}

pub(crate) fn source(errno: Errno) -> TransferFault {
    TransferFault { side: Side::Source, errno }
}

pub(crate) fn sink(errno: Errno) -> TransferFault {
    TransferFault { side: Side::Sink, errno }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pipe({} bytes moved)", self.moved_bytes())
    }
}

impl fmt::Display for TransferFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.side {
            Side::Source => write!(formatter, "receiving failed: {}", self.errno),
            Side::Sink => write!(formatter, "sending failed: {}", self.errno),
        }
    }
}

impl std::error::Error for TransferFault {}

/// Bytes that a pipe holds. 1 MiB was not clearly better, and counts four times as much against
/// what a user's pipes may hold.
pub(crate) const PIPE_BYTES: usize = 256 * 1024;
