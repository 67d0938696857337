//! Buckets of places for keys: as many as a size in bytes has room for, in memory that is taken
//! when a key first falls into it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::QUOTA_CHUNK_BYTES;

/// Buckets side by side, once one of them was asked for.
type Chunk<B> = OnceLock<Box<[B]>>;

/// A fixed number of buckets.
pub(super) struct Buckets<B> {
    chunks: OnceLock<Box<[Chunk<B>]>>,
    count: usize,
    taken_chunks: AtomicUsize,
}

impl<B: Default> Buckets<B> {
    const PER_CHUNK: usize = QUOTA_CHUNK_BYTES / size_of::<B>();

    /// As many as have room in so many bytes; one at least.
    pub(super) fn new(bytes: u64) -> Buckets<B> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let count = (bytes / size_of::<B>()).clamp(1, u32::MAX as usize >> 3);
        Buckets { chunks: OnceLock::new(), count, taken_chunks: AtomicUsize::new(0) }
    }

    /// The number of the bucket that a hash falls into.
    pub(super) fn number_of(&self, hash: u64) -> usize {
        // The high bits of the product are below the count, each as often as any other.
        ((u128::from(hash) * self.count as u128) >> 64) as usize
    }

    /// A bucket by its number, which is below the count.
    pub(super) fn at(&self, number: usize) -> &B {
        let chunk = &self.chunks()[number / Self::PER_CHUNK];
        let buckets = match chunk.get() {
            Some(buckets) => buckets,
            None => self.take(chunk),
        };
        &buckets[number % Self::PER_CHUNK]
    }

    /// Buckets whose memory was taken.
    pub(super) fn taken(&self) -> impl Iterator<Item = &B> {
        let chunks = self.chunks.get().into_iter().flatten();
        chunks.filter_map(OnceLock::get).flatten()
    }

    /// Bytes of memory that were taken.
    pub(super) fn bytes(&self) -> u64 {
        let chunk = Self::PER_CHUNK.min(self.count) * size_of::<B>();
        let list = self.chunks.get().map_or(0, |chunks| size_of_val(&**chunks));
        (self.taken_chunks.load(Ordering::Relaxed) * chunk + list) as u64
    }

    fn chunks(&self) -> &[Chunk<B>] {
        self.chunks.get_or_init(|| {
            (0..self.count.div_ceil(Self::PER_CHUNK)).map(|_| OnceLock::new()).collect()
        })
    }

    #[cold]
    fn take<'b>(&self, chunk: &'b Chunk<B>) -> &'b [B] {
        let count = Self::PER_CHUNK.min(self.count);
        let made = (0..count).map(|_| B::default()).collect();
        // Made before it is set, so that another worker that sets its own meanwhile waits for no
        // allocation.
        if chunk.set(made).is_ok() {
            self.taken_chunks.fetch_add(1, Ordering::Relaxed);
        }
        chunk.get().expect("it was set, by this worker or another")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Eight([u64; 8]);

    #[test]
    fn takes_memory_where_keys_fall() {
        let buckets: Buckets<Eight> = Buckets::new(1 << 20);
        assert_eq!(buckets.bytes(), 0);
        assert_eq!(buckets.number_of(0), 0);
        assert_eq!(buckets.number_of(u64::MAX), (1 << 20) / 64 - 1);
        assert_eq!(buckets.at(buckets.number_of(u64::MAX)).0, [0; 8]);
        let list = (1 << 20) / QUOTA_CHUNK_BYTES * size_of::<Chunk<Eight>>();
        assert_eq!(buckets.bytes(), (QUOTA_CHUNK_BYTES + list) as u64);
        assert_eq!(buckets.taken().count(), QUOTA_CHUNK_BYTES / 64);
    }

    #[test]
    fn the_least_is_one_bucket() {
        let buckets: Buckets<Eight> = Buckets::new(0);
        assert_eq!(buckets.number_of(u64::MAX), 0);
        assert_eq!(buckets.at(0).0.len(), 8);
        assert_eq!(buckets.taken().count(), 1);
    }
}
