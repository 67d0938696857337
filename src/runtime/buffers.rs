//! The ring of receive buffers that the kernel picks from, and leases on what it filled.
//!
//! A buffer is in one of two hands. With the kernel: its id stands in the shared ring and nobody
//! here reads or writes it. Out: the kernel gave it away with a completion, and leases read it
//! until the last one drops, which puts the id back. Idle sockets hold no buffer.
#![allow(unsafe_code)] // The kernel writes into this memory; the borrow checker cannot see it.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

use crate::memory::Block;

use super::Errno;

/// One runtime's receive buffers. Clones are handles of the same memory.
#[derive(Clone)]
pub(crate) struct Buffers(Rc<Pool>);

/// Received bytes, still where the kernel wrote them.
///
/// Not `Send`. Dropping it, and every part split off it, gives the buffer back to the kernel. When
/// buffers are scarce, what nobody waits for is moved to the heap and looks the same.
pub struct Lease {
    source: Source,
    offset: u32,
    bytes: u32,
}

/// Where a lease's bytes are.
enum Source {
    /// In a buffer, counted in the pool's `shares`.
    Buffer { pool: Rc<Pool>, id: u16 },
    /// Moved out of a buffer, when buffers were scarce.
    Block(Rc<Block>),
}

struct Pool {
    memory: Mapping,
    /// The ring of ids that the kernel reads, `count` entries; its tail lies in the first entry.
    entries: Mapping,
    buffer_bytes: u32,
    count: u16,
    /// Leases out per buffer; zero means that the kernel has it.
    shares: Box<[Cell<u32>]>,
    tail: Cell<u16>,
    /// Where a simulated kernel takes from; a real kernel keeps its own.
    simulated_head: Cell<u16>,
    registered: Cell<bool>,
    out_count: Cell<usize>,
}

/// Zeroed pages of our own.
struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

/// The only buffer group of a ring.
pub(crate) const GROUP: u16 = 0;

impl Buffers {
    /// Maps `count` (a power of two, at most 32,768) buffers of `buffer_bytes`, all with the
    /// kernel.
    pub(crate) fn new(count: u16, buffer_bytes: u32) -> Result<Buffers, Errno> {
        if !count.is_power_of_two() || count > 1 << 15 || buffer_bytes == 0 {
            return Err(Errno(libc::EINVAL));
        }
        let pool = Pool {
            memory: Mapping::new(usize::from(count) * buffer_bytes as usize)?,
            entries: Mapping::new(usize::from(count) * size_of::<BufRingEntry>())?,
            buffer_bytes,
            count,
            shares: (0..count).map(|_| Cell::new(0)).collect(),
            tail: Cell::new(0),
            simulated_head: Cell::new(0),
            registered: Cell::new(false),
            out_count: Cell::new(0),
        };
        for id in 0..count {
            pool.give(id);
        }
        Ok(Buffers(Rc::new(pool)))
    }

    /// Lets the kernel of `submitter`'s ring pick from these buffers.
    ///
    /// # Safety
    /// The caller keeps a clone of `self` until that ring is closed and nothing is in flight.
    pub(crate) unsafe fn register(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        let pool = &self.0;
        let address = pool.entries.start.as_ptr() as u64;
        // SAFETY: the entries are page aligned, `count` long, and outlive the ring by this
        // function's contract.
        unsafe { submitter.register_buf_ring_with_flags(address, pool.count, GROUP, 0)? };
        pool.registered.set(true);
        Ok(())
    }

    /// The lease on what a completion says that the kernel wrote.
    ///
    /// # Safety
    /// The kernel gave buffer `id` away with this very completion and wrote `bytes` into it.
    pub(crate) unsafe fn lease(&self, id: u16, bytes: u32) -> Lease {
        self.take(id, bytes)
    }

    /// Plays the kernel: copies `received` into the next buffer. `None` when all are out.
    /// No more than a buffer's size is taken.
    #[allow(dead_code)] // Only the simulation plays the kernel.
    pub(crate) fn deliver(&self, received: &[u8]) -> Option<Lease> {
        let pool = &self.0;
        assert!(!pool.registered.get(), "a kernel picks from these buffers");
        if self.available() == 0 {
            return None;
        }
        let head = pool.simulated_head.get();
        pool.simulated_head.set(head.wrapping_add(1));
        // SAFETY: the position is below `count` and the entry was written by `give`.
        let id = unsafe { (*pool.entry(head)).bid() };
        let bytes = received.len().min(pool.buffer_bytes as usize);
        let target = pool.address(id, 0);
        // SAFETY: the buffer is with the simulated kernel, which is here, so nobody reads it; it
        // has `buffer_bytes` bytes, and `received` cannot lie in it.
        unsafe { std::ptr::copy_nonoverlapping(received.as_ptr(), target, bytes) };
        Some(self.take(id, bytes as u32))
    }

    fn take(&self, id: u16, bytes: u32) -> Lease {
        let pool = &self.0;
        assert!(bytes <= pool.buffer_bytes, "the kernel wrote past a buffer");
        let share = &pool.shares[usize::from(id)];
        assert!(share.get() == 0, "the kernel gave a buffer away twice");
        share.set(1);
        pool.out_count.set(pool.out_count.get() + 1);
        Lease { source: Source::Buffer { pool: Rc::clone(pool), id }, offset: 0, bytes }
    }

    /// Buffers that the kernel has.
    pub(crate) fn available(&self) -> usize {
        usize::from(self.0.count) - self.0.out_count.get()
    }

    /// Buffers that leases hold.
    pub(crate) fn out_count(&self) -> usize {
        self.0.out_count.get()
    }

    /// Whether more than three quarters are out: time to copy what may be held for long.
    pub(crate) fn is_scarce(&self) -> bool {
        self.0.out_count.get() > usize::from(self.0.count) / 4 * 3
    }

    /// Whether every buffer is either with the kernel or held by a lease.
    pub(crate) fn check(&self) -> Result<(), String> {
        let pool = &self.0;
        let out = pool.shares.iter().filter(|share| share.get() > 0).count();
        if out != pool.out_count.get() {
            return Err(format!("{out} buffers have leases, {} are counted", pool.out_count.get()));
        }
        let given = pool.tail.get().wrapping_sub(pool.simulated_head.get());
        if !pool.registered.get() && usize::from(given) + out != usize::from(pool.count) {
            return Err(format!("{given} buffers given + {out} out != {}", pool.count));
        }
        Ok(())
    }
}

impl Pool {
    fn entry(&self, position: u16) -> *mut BufRingEntry {
        let index = usize::from(position & (self.count - 1));
        self.entries.start.as_ptr().cast::<BufRingEntry>().wrapping_add(index)
    }

    fn address(&self, id: u16, offset: u32) -> *mut u8 {
        let start = usize::from(id) * self.buffer_bytes as usize + offset as usize;
        self.memory.start.as_ptr().wrapping_add(start)
    }

    /// Puts a buffer that no lease holds back into the kernel's ring.
    fn give(&self, id: u16) {
        debug_assert!(id < self.count);
        debug_assert!(self.shares[usize::from(id)].get() == 0);
        let position = self.tail.get();
        let entry = self.entry(position);
        let address = self.address(id, 0) as u64;
        // SAFETY: the entry is ours until the tail passes it: at most `count` ids exist, so the
        // kernel has read the one that stood here before. The tail, which shares memory with the
        // first entry's unused field, is not touched by these setters.
        unsafe {
            (*entry).set_addr(address);
            (*entry).set_len(self.buffer_bytes);
            (*entry).set_bid(id);
        }
        let next = position.wrapping_add(1);
        self.tail.set(next);
        // SAFETY: the base is the first entry of the ring, aligned for a u16 that the kernel reads
        // with acquire.
        let tail = unsafe { &*BufRingEntry::tail(self.entry(0)).cast::<AtomicU16>() };
        tail.store(next, Ordering::Release);
    }
}

impl Lease {
    /// Splits the first `bytes` off; both parts share the buffer.
    ///
    /// # Panics
    /// When fewer than `bytes` are left.
    #[must_use]
    pub fn split_to(&mut self, bytes: usize) -> Lease {
        let bytes = self.bounded(bytes);
        let (source, offset) = (self.source.share(), self.offset);
        self.offset += bytes;
        self.bytes -= bytes;
        Lease { source, offset, bytes }
    }

    /// Another lease on the same bytes.
    #[must_use]
    pub fn share(&self) -> Lease {
        Lease { source: self.source.share(), offset: self.offset, bytes: self.bytes }
    }

    /// A lease on bytes that are not in a buffer.
    pub(crate) fn of_block(block: Block) -> Lease {
        let bytes = u32::try_from(block.len()).expect("bodies are held up to a bound");
        Lease { source: Source::Block(Rc::new(block)), offset: 0, bytes }
    }

    /// Whether it keeps a buffer from the kernel.
    pub(crate) fn holds_buffer(&self) -> bool {
        matches!(self.source, Source::Buffer { .. })
    }

    /// Forgets the first `bytes`.
    ///
    /// # Panics
    /// When fewer than `bytes` are left.
    pub fn advance(&mut self, bytes: usize) {
        let bytes = self.bounded(bytes);
        self.offset += bytes;
        self.bytes -= bytes;
    }

    /// Forgets all but the first `bytes`; no effect when no more are left.
    pub fn truncate(&mut self, bytes: usize) {
        self.bytes = self.bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    fn bounded(&self, bytes: usize) -> u32 {
        assert!(bytes <= self.bytes as usize, "{bytes} of {} bytes of a lease", self.bytes);
        bytes as u32
    }
}

impl Deref for Lease {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.source {
            Source::Buffer { pool, id } => {
                let start = pool.address(*id, self.offset);
                // SAFETY: `offset + bytes` stays within what the kernel wrote (`take`, `bounded`),
                // and while this lease counts in `shares` the id is not in the kernel's ring, so
                // nobody writes.
                unsafe { std::slice::from_raw_parts(start, self.bytes as usize) }
            }
            Source::Block(block) => {
                let start = self.offset as usize;
                block.get(start..start + self.bytes as usize).unwrap_or_default()
            }
        }
    }
}

impl Source {
    fn share(&self) -> Source {
        match self {
            Source::Buffer { pool, id } => {
                let share = &pool.shares[usize::from(*id)];
                share.set(share.get() + 1);
                Source::Buffer { pool: Rc::clone(pool), id: *id }
            }
            Source::Block(block) => Source::Block(Rc::clone(block)),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let Source::Buffer { pool, id } = self else { return };
        let share = &pool.shares[usize::from(*id)];
        share.set(share.get() - 1);
        if share.get() == 0 {
            pool.out_count.set(pool.out_count.get() - 1);
            pool.give(*id);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Lease({} bytes)", self.bytes)
    }
}

impl Mapping {
    fn new(bytes: usize) -> Result<Mapping, Errno> {
        let (read_write, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, read_write, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::of(&io::Error::last_os_error()));
        }
        // Buffers are long and mostly filled with short heads: with huge pages the first request
        // would make 2 MiB resident. A kernel without huge pages refuses, and need not be told.
        // SAFETY: advice on our own whole mapping changes no contents.
        let _ = unsafe { libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE) };
        let start = NonNull::new(start.cast::<u8>()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Mapping { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and whole; leases and the ring hold the pool, so that none
        // of them is left.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_split_buffer_returns_when_its_last_part_drops() {
        let buffers = Buffers::new(1, 16).unwrap();
        let mut lease = buffers.deliver(b"hello world").unwrap();
        let hello = lease.split_to(5);
        lease.advance(1);
        assert_eq!((&*hello, &*lease), (&b"hello"[..], &b"world"[..]));
        drop(lease);
        assert!(buffers.deliver(b"x").is_none());
        drop(hello);
        assert_eq!(&*buffers.deliver(b"x").unwrap(), b"x");
    }

    #[test]
    fn a_lease_outlives_the_pool_it_came_from() {
        let buffers = Buffers::new(2, 16).unwrap();
        let lease = buffers.deliver(b"late").unwrap();
        drop(buffers);
        assert_eq!(&*lease, b"late");
    }

    #[test]
    fn a_lease_on_a_block_looks_the_same() {
        let mut block = crate::memory::Blocks::new(1, 16).take();
        block.extend_from_slice(b"hello world");
        let mut lease = Lease::of_block(block);
        let hello = lease.split_to(5);
        lease.advance(1);
        lease.truncate(3);
        assert_eq!((&*hello, &*lease), (&b"hello"[..], &b"wor"[..]));
        assert!(!lease.holds_buffer());
        assert_eq!(size_of::<Lease>(), 24);
    }

    #[test]
    fn odd_counts_are_refused() {
        assert!(Buffers::new(3, 16).is_err());
        assert!(Buffers::new(4, 0).is_err());
    }

    #[test]
    #[should_panic(expected = "bytes of a lease")]
    fn splitting_past_the_end_panics() {
        let buffers = Buffers::new(1, 16).unwrap();
        let _ = buffers.deliver(b"abc").unwrap().split_to(4);
    }

    /// What a lease must read, kept apart from the buffers.
    struct Modelled {
        lease: Lease,
        expected: Vec<u8>,
    }

    proptest! {
        #[test]
        fn leases_behave_as_vectors(
            operations in proptest::collection::vec(any::<(u8, u16)>(), 0..600)
        ) {
            let buffers = Buffers::new(8, 64).unwrap();
            let mut held: Vec<Modelled> = Vec::new();
            let mut fill = 0u8;
            for (kind, number) in operations {
                let number = usize::from(number);
                let pick = number % held.len().max(1);
                match kind % 5 {
                    0 | 1 => {
                        fill = fill.wrapping_add(1);
                        let expected = vec![fill; number % 64 + 1];
                        match buffers.deliver(&expected) {
                            Some(lease) => held.push(Modelled { lease, expected }),
                            None => prop_assert_eq!(buffers.out_count(), 8),
                        }
                    }
                    2 if !held.is_empty() => drop(held.swap_remove(pick)),
                    3 if !held.is_empty() => {
                        let whole = &mut held[pick];
                        let at = number % (whole.expected.len() + 1);
                        let lease = whole.lease.split_to(at);
                        let rest = whole.expected.split_off(at);
                        let expected = std::mem::replace(&mut whole.expected, rest);
                        held.push(Modelled { lease, expected });
                    }
                    4 if !held.is_empty() => {
                        let one = &mut held[pick];
                        let at = number % (one.expected.len() + 1);
                        if kind % 2 == 0 {
                            one.lease.advance(at);
                            one.expected.drain(..at);
                        } else {
                            one.lease.truncate(at);
                            one.expected.truncate(at);
                        }
                    }
                    _ => {}
                }
                for one in &held {
                    prop_assert_eq!(&*one.lease, &one.expected[..]);
                }
                prop_assert_eq!(buffers.check(), Ok(()));
            }
            drop(held);
            prop_assert_eq!(buffers.available(), 8);
        }
    }
}
