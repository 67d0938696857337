//! Pooled heap blocks for encoded heads and small bodies.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// One worker's pool of blocks. Clones are handles of the same pool.
#[derive(Clone)]
pub struct Blocks(Rc<Pool>);

/// A growable run of bytes that returns to its pool, cleared, when it is dropped.
pub struct Block {
    bytes: Vec<u8>,
    pool: Rc<Pool>,
}

struct Pool {
    free: RefCell<Vec<Vec<u8>>>,
    free_count_max: usize,
    block_bytes: usize,
    out_count: Cell<usize>,
    allocated_count: Cell<u64>,
}

/// A block whose capacity grew beyond this many times the pool's block size is freed on return:
/// one long head must not make every later short one heavy.
const GROWTH_KEPT_MAX: usize = 4;

impl Blocks {
    /// A pool that keeps at most `free_count_max` unused blocks, each made with `block_bytes`.
    pub fn new(free_count_max: usize, block_bytes: usize) -> Self {
        Blocks(Rc::new(Pool {
            free: RefCell::new(Vec::with_capacity(free_count_max)),
            free_count_max,
            block_bytes,
            out_count: Cell::new(0),
            allocated_count: Cell::new(0),
        }))
    }

    /// An empty block: a returned one if there is any, else a new one.
    pub fn take(&self) -> Block {
        let pool = &self.0;
        pool.out_count.set(pool.out_count.get() + 1);
        let reused = pool.free.borrow_mut().pop();
        let bytes = reused.unwrap_or_else(|| {
            pool.allocated_count.set(pool.allocated_count.get() + 1);
            Vec::with_capacity(pool.block_bytes)
        });
        debug_assert!(bytes.is_empty());
        Block { bytes, pool: Rc::clone(pool) }
    }

    /// Blocks taken and not yet dropped.
    pub fn out_count(&self) -> usize {
        self.0.out_count.get()
    }

    /// Blocks that had to be allocated since the pool was made.
    pub fn allocated_count(&self) -> u64 {
        self.0.allocated_count.get()
    }
}

impl Deref for Block {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Block({} bytes)", self.bytes.len())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let pool = &self.pool;
        pool.out_count.set(pool.out_count.get() - 1);
        let mut bytes = std::mem::take(&mut self.bytes);
        let too_small = bytes.capacity() < pool.block_bytes;
        let too_large = bytes.capacity() > pool.block_bytes.saturating_mul(GROWTH_KEPT_MAX);
        let mut free = pool.free.borrow_mut();
        if too_small || too_large || free.len() >= pool.free_count_max {
            return;
        }
        bytes.clear();
        free.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_block_is_taken_again_and_is_empty() {
        let blocks = Blocks::new(2, 64);
        let mut block = blocks.take();
        block.extend_from_slice(b"head");
        drop(block);
        assert!(blocks.take().is_empty());
        assert_eq!(blocks.allocated_count(), 1);
        assert_eq!(blocks.out_count(), 0);
    }

    #[test]
    fn a_block_that_grew_far_is_freed() {
        let blocks = Blocks::new(2, 64);
        blocks.take().resize(1024, 0);
        drop(blocks.take());
        assert_eq!(blocks.allocated_count(), 2);
    }

    #[test]
    fn the_pool_keeps_no_more_than_its_bound() {
        let blocks = Blocks::new(1, 64);
        let (one, two) = (blocks.take(), blocks.take());
        drop((one, two));
        let _again = (blocks.take(), blocks.take());
        assert_eq!(blocks.allocated_count(), 3);
    }
}
