//! Files that are opened below a folder and read, without this thread ever waiting for a disk.
//!
//! What the kernel has in memory it answers within the call that submits; for the rest it has
//! threads of its own. Closing goes through the ring too. Only what a file is, its size and its
//! times, is asked for directly: the open has brought it along.

mod send;
pub(crate) mod table;

use std::fmt;
use std::future::poll_fn;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use crate::memory::{Block, Slot};

use super::core::Core;
use super::operation::{Owner, Part};
use super::{Errno, Runtime};

use self::table::Answer;

/// A folder that was opened elsewhere, once, and below which files are opened. Clones are handles
/// of the same.
// A request clones the `Rc`, which no other core counts.
#[allow(clippy::redundant_allocation)]
#[derive(Clone, Debug)]
pub struct Folder(Rc<Arc<OwnedFd>>);

/// An open file. Dropping it closes it, once nothing of it is under way.
pub struct File {
    core: Rc<Core>,
    slot: Slot,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Of what kind.
    pub kind: Kind,
    /// How long.
    pub bytes: u64,
    /// When it was last changed, in seconds since 1970; negative before.
    pub modified_seconds: i64,
    /// The nanoseconds of that second.
    pub modified_nanos: u32,
    /// Its number within its file system.
    pub inode: u64,
}

/// The kinds of files, as far as they are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes that can be read at any place.
    Regular,
    /// A folder.
    Folder,
    /// A FIFO, a socket or a device.
    Other,
}

impl Folder {
    /// A folder whose descriptor other threads use too.
    pub fn new(fd: Arc<OwnedFd>) -> Folder {
        Folder(Rc::new(fd))
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Runtime {
    /// Opens what `path`, which ends with a NUL, names below `folder`. Links are followed as long
    /// as they stay below it. Dropping the future cancels it; no descriptor leaks.
    ///
    /// # Errors What the kernel answers: `EXDEV` where the way leaves the folder, `ELOOP` where
    /// links lead in circles or are the kernel's own. `EMFILE` when the runtime has as many files
    /// as it may.
    pub async fn open(&self, folder: &Folder, path: Block) -> Result<File, Errno> {
        let core = &self.core;
        let slot = core.files.borrow_mut().insert()?;
        let file = File { core: Rc::clone(core), slot };
        let operation = core.driver.borrow_mut().open(Owner::File(slot), folder, path)?;
        core.files.borrow_mut().started(slot, operation);
        match file.answer().await {
            Answer::Opened(Ok(())) => Ok(file),
            Answer::Opened(Err(errno)) | Answer::Gone(errno) => Err(errno),
            Answer::Read(..) | Answer::Filled(..) => Err(Errno::CLOSED),
        }
    }
}

impl File {
    /// What it is.
    ///
    /// # Errors
    /// What the kernel answers; rare, since it need not look anywhere.
    pub fn metadata(&self) -> Result<Metadata, Errno> {
        let files = self.core.files.borrow();
        let descriptor = files.descriptor(self.slot).ok_or(Errno::CLOSED)?;
        let metadata = descriptor.metadata()?;
        if metadata.kind == Kind::Regular {
            descriptor.let_wait()?;
        }
        Ok(metadata)
    }

    /// Reads a part of it behind what `block` holds: all of it, or what there is up to the end of
    /// the file. Dropping the future loses the block. One read or transfer at a time.
    ///
    /// # Errors
    /// What the kernel answers; the block is lost.
    pub async fn read(&self, mut block: Block, part: Part) -> Result<Block, Errno> {
        let mut left = part;
        loop {
            let before_bytes = block.len();
            block = self.read_once(block, left).await?;
            let read_bytes = block.len() - before_bytes;
            left.offset += read_bytes as u64;
            left.bytes -= u32::try_from(read_bytes).unwrap_or(u32::MAX).min(left.bytes);
            if read_bytes == 0 || left.bytes == 0 {
                return Ok(block);
            }
        }
    }

    async fn read_once(&self, block: Block, part: Part) -> Result<Block, Errno> {
        let core = &*self.core;
        {
            let mut files = core.files.borrow_mut();
            let descriptor = files.idle(self.slot)?;
            let owner = Owner::File(self.slot);
            let operation = core.driver.borrow_mut().read(owner, descriptor, block, part)?;
            files.started(self.slot, operation);
        }
        match self.answer().await {
            Answer::Read(Ok(_), block) => Ok(block),
            Answer::Read(Err(errno), _) | Answer::Gone(errno) => Err(errno),
            Answer::Opened(_) | Answer::Filled(..) => Err(Errno::CLOSED),
        }
    }

    /// Waits for what was started.
    async fn answer(&self) -> Answer {
        poll_fn(|context| {
            let mut files = self.core.files.borrow_mut();
            match files.take_answer(self.slot) {
                Some(answer) => Poll::Ready(answer),
                None => {
                    files.await_answer(self.slot, self.core.executor.waiter(context));
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let core = &*self.core;
        core.files.borrow_mut().release(self.slot, &mut core.driver.borrow_mut());
    }
}

impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "File({})", self.slot.index())
    }
}

#[cfg(test)]
mod tests;
