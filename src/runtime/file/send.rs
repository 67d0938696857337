//! From a file to a socket: long parts through a pipe, which never bring their bytes into this
//! process, others in blocks.

use crate::limits;

use super::super::Errno;
use super::super::operation::{Owner, Part, Segment};
use super::super::socket::{Ends, PIPE_BYTES, Pipe, Socket, TransferFault, sink, source};
use super::File;
use super::table::Answer;

impl File {
    /// Moves `bytes` from `offset` on to `to`, behind what is queued there. Fewer are moved only
    /// where the file ends before. Of short parts the last bytes may still be queued at the end; of
    /// long ones the kernel has them all. [`Pipe::moved_bytes`] tells how far it is.
    ///
    /// Nobody else may push there meanwhile. Dropping the future may leave the socket in the
    /// middle: then it is of no use.
    ///
    /// # Errors
    /// Which side failed, and why.
    pub async fn send(
        &self,
        to: &Socket,
        offset: u64,
        bytes: u64,
        pipe: &Pipe,
    ) -> Result<u64, TransferFault> {
        pipe.begin();
        if bytes >= limits::FILE_TRANSFER_BYTES_MIN && pipe.open() {
            to.drained(0).await.map_err(sink)?;
            self.splice(to, offset, bytes, pipe).await?;
        } else {
            self.copy(to, offset, bytes, pipe).await?;
        }
        Ok(pipe.moved_bytes())
    }

    async fn splice(
        &self,
        to: &Socket,
        offset: u64,
        bytes: u64,
        pipe: &Pipe,
    ) -> Result<(), TransferFault> {
        while pipe.moved_bytes() < bytes {
            let part = part(offset + pipe.moved_bytes(), bytes - pipe.moved_bytes(), PIPE_BYTES);
            let ends = pipe.lend().ok_or(source(Errno::CLOSED))?;
            let (filled_bytes, ends) = self.fill(ends, part).await.map_err(source)?;
            pipe.give_back(ends, filled_bytes);
            if filled_bytes == 0 {
                return Ok(());
            }
            pipe.empty_all(to).await?;
        }
        Ok(())
    }

    async fn fill(&self, ends: Ends, part: Part) -> Result<(usize, Ends), Errno> {
        let core = &*self.core;
        {
            let mut files = core.files.borrow_mut();
            let descriptor = files.idle(self.slot)?;
            let owner = Owner::File(self.slot);
            let operation = core.driver.borrow_mut().fill(owner, descriptor, ends, part)?;
            files.started(self.slot, operation);
        }
        match self.answer().await {
            Answer::Filled(Ok(bytes), ends) => Ok((bytes, ends)),
            Answer::Filled(Err(errno), _) | Answer::Gone(errno) => Err(errno),
            Answer::Opened(_) | Answer::Read(..) => Err(Errno::CLOSED),
        }
    }

    /// A block at a time: one is read while another is sent.
    async fn copy(
        &self,
        to: &Socket,
        offset: u64,
        bytes: u64,
        pipe: &Pipe,
    ) -> Result<(), TransferFault> {
        while pipe.moved_bytes() < bytes {
            let left_bytes = bytes - pipe.moved_bytes();
            let part = part(offset + pipe.moved_bytes(), left_bytes, limits::FILE_CHUNK_BYTES);
            let block = self.read(self.core.chunks.take(), part).await.map_err(source)?;
            let is_short = block.len() < part.bytes as usize;
            pipe.count_moved(block.len());
            to.push(Segment::Block(block));
            if is_short {
                return Ok(());
            }
            to.drained(limits::FILE_CHUNK_BYTES).await.map_err(sink)?;
        }
        Ok(())
    }
}

/// The first bytes of what is left, at most `bytes_max`.
fn part(offset: u64, left_bytes: u64, bytes_max: usize) -> Part {
    let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
    Part { offset, bytes: u32::try_from(left_bytes).unwrap_or(u32::MAX).min(bytes_max) }
}
