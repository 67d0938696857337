//! The scan, once for all vector widths.

use super::{Class, Scalar, Scan};

/// One width of vectors.
pub(super) trait Vector: Copy {
    /// Bytes in a block.
    const BYTES: usize;

    /// The scan for slices that are shorter than a block.
    type Shorter: Scan;

    fn shorter(self) -> Self::Shorter;

    /// Bit n is set where byte n of the block at `at` may not be in the class; a clear bit is
    /// certain. `None` when the block does not lie within `bytes`.
    fn stops(self, class: Class, bytes: &[u8], at: usize) -> Option<u32>;

    /// Whether set bits are certain too.
    fn is_exact(class: Class) -> bool;
}

#[inline(always)]
pub(super) fn end_of<V: Vector>(vector: V, class: Class, bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(stops) = vector.stops(class, bytes, at) {
        if stops == 0 {
            at += V::BYTES;
            continue;
        }
        let stop = at + stops.trailing_zeros() as usize;
        if V::is_exact(class) || !holds_at(class, bytes, stop) {
            return stop;
        }
        at = stop + 1;
    }
    end_of_tail(vector, class, bytes, at)
}

/// The last bytes, fewer than a block: a block that ends with the slice covers them, and what was
/// scanned before is shifted out.
#[inline(always)]
fn end_of_tail<V: Vector>(vector: V, class: Class, bytes: &[u8], from: usize) -> usize {
    if from >= bytes.len() {
        return bytes.len();
    }
    let Some(block_at) = bytes.len().checked_sub(V::BYTES) else {
        return vector.shorter().end_of(class, bytes, from);
    };
    // At least 0, because a whole block at `from` would have been scanned before; below
    // `V::BYTES`, because `from` is not beyond the end.
    let scanned = from - block_at;
    let stops = vector.stops(class, bytes, block_at).unwrap_or_default() >> scanned;
    if stops == 0 {
        return bytes.len();
    }
    let stop = from + stops.trailing_zeros() as usize;
    if V::is_exact(class) || !holds_at(class, bytes, stop) {
        return stop;
    }
    Scalar.end_of(class, bytes, stop + 1)
}

#[inline(always)]
fn holds_at(class: Class, bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| class.holds(*byte))
}
