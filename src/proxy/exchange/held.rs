//! Bodies that are held whole for the filters that want them so.

use crate::limits;
use crate::memory::{Block, Blocks};
use crate::runtime::Lease;

use std::cell::Cell;
use std::rc::Rc;

/// How many bytes one worker holds. Clones are handles of the same count.
#[derive(Clone, Default)]
pub struct Ledger(Rc<Cell<usize>>);

/// A part of the ledger, given back when it is dropped.
struct Room {
    ledger: Ledger,
    bytes: usize,
}

/// A body that is being read.
pub struct Growing {
    block: Block,
    room: Room,
}

/// A body that was read and changed.
pub struct HeldBody {
    lease: Lease,
    /// Dropped with it.
    _room: Room,
}

/// The worker holds as many bytes as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Ledger {
    /// Bytes that are held.
    pub fn held_bytes(&self) -> usize {
        self.0.get()
    }
}

impl Room {
    fn resize(&mut self, bytes: usize) {
        let others_bytes = self.ledger.0.get() - self.bytes;
        self.ledger.0.set(others_bytes + bytes);
        self.bytes = bytes;
    }

    fn is_over(&self) -> bool {
        self.ledger.0.get() > limits::HELD_BYTES_MAX
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.resize(0);
    }
}

impl Growing {
    /// A body of which nothing has come.
    pub fn new(blocks: &Blocks, ledger: &Ledger) -> Growing {
        Growing { block: blocks.take(), room: Room { ledger: ledger.clone(), bytes: 0 } }
    }

    /// Adds what has come.
    ///
    /// # Errors
    /// [`Full`]
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.block.capacity() < self.block.len() + bytes.len() {
            // Twice as much at least, so that growing stays linear.
            let grown_bytes = (self.block.len() + bytes.len()).max(2 * self.block.capacity());
            self.room.resize(grown_bytes);
            if self.room.is_over() {
                return Err(Full);
            }
            let more_bytes = grown_bytes - self.block.len();
            self.block.reserve_exact(more_bytes);
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes that have come.
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// The bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    /// The body as it will be sent. It is let in also where it grew beyond the worker's bound: the
    /// next one is not.
    pub fn finish(mut self) -> HeldBody {
        self.room.resize(self.block.capacity());
        HeldBody { lease: Lease::of_block(self.block), _room: self.room }
    }
}

impl HeldBody {
    /// Its length.
    pub fn len(&self) -> usize {
        self.lease.len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.lease.is_empty()
    }

    /// Its bytes, to be sent; they can be sent again.
    pub fn share(&self) -> Lease {
        self.lease.share()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let (blocks, ledger) = (Blocks::new(4, 64), Ledger::default());
        let mut body = Growing::new(&blocks, &ledger);
        body.extend(&[1; 50]).expect("within the block");
        assert_eq!(ledger.held_bytes(), 0, "a pooled block is no body of its own");
        body.extend(&[2; 5_000]).expect("room");
        assert_eq!(ledger.held_bytes(), 5_050);
        let held = body.finish();
        assert_eq!((held.len(), held.share().len()), (5_050, 5_050));
        assert!(ledger.held_bytes() >= 5_050);
        let shared = held.share();
        drop(held);
        assert_eq!(ledger.held_bytes(), 0);
        assert_eq!(shared[..50], [1; 50]);
    }

    #[test]
    fn one_body_too_many_is_refused() {
        let (blocks, ledger) = (Blocks::new(4, 64), Ledger::default());
        let mut bodies = Vec::new();
        let most_bytes = *limits::TRANSFORM_BUFFER.end() as usize;
        for _ in 0..limits::HELD_BYTES_MAX / most_bytes {
            let mut body = Growing::new(&blocks, &ledger);
            assert_eq!(body.extend(&vec![0; most_bytes]), Ok(()));
            bodies.push(body);
        }
        let mut body = Growing::new(&blocks, &ledger);
        assert_eq!(body.extend(&[0; 65]), Err(Full));
        drop(body);
        bodies.pop();
        assert_eq!(Growing::new(&blocks, &ledger).extend(&[0; 65]), Ok(()));
    }
}
