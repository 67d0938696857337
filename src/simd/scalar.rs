//! The model: one byte at a time. Also what machines without a shim use.

use super::{Class, Scan};

/// Scans byte by byte.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Scan for Scalar {
    #[inline(always)]
    fn end_of(self, class: Class, bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        let stop = rest.iter().position(|byte| !class.holds(*byte));
        stop.map_or(bytes.len(), |offset| from + offset)
    }
}
