//! x86-64: SSE2, which every such machine has, and AVX2 where it is found at run time.

// Vector loads and instructions beyond the baseline are unsafe by their signatures.
#![allow(unsafe_code)]

use super::generic::{self, Vector};
use super::{Class, Operation, Scalar, Scan};
use std::arch::x86_64::*;

/// Sixteen bytes at a time.
#[derive(Clone, Copy, Debug)]
pub struct Sse2(());

/// Thirty-two bytes at a time. A value proves that the machine has AVX2.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Sse2 {
    /// Always there: SSE2 is part of x86-64.
    pub const fn new() -> Sse2 {
        Sse2(())
    }
}

impl Default for Sse2 {
    fn default() -> Sse2 {
        Sse2::new()
    }
}

impl Avx2 {
    /// The proof, if the machine has AVX2.
    #[inline(always)]
    pub fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }
}

/// Compiles the operation for AVX2. Unsafe to call without it, which the token rules out.
#[target_feature(enable = "avx2")]
pub(super) fn run_avx2<O: Operation>(operation: O, avx2: Avx2) -> O::Output {
    operation.run(avx2)
}

impl Scan for Sse2 {
    #[inline(always)]
    fn end_of(self, class: Class, bytes: &[u8], from: usize) -> usize {
        generic::end_of(self, class, bytes, from)
    }
}

impl Scan for Avx2 {
    #[inline(always)]
    fn end_of(self, class: Class, bytes: &[u8], from: usize) -> usize {
        generic::end_of(self, class, bytes, from)
    }
}

impl Vector for Sse2 {
    const BYTES: usize = 16;
    type Shorter = Scalar;

    #[inline(always)]
    fn shorter(self) -> Scalar {
        Scalar
    }

    #[inline(always)]
    fn stops(self, class: Class, bytes: &[u8], at: usize) -> Option<u32> {
        let block: &[u8; 16] = bytes.get(at..)?.first_chunk()?;
        // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
        let block = unsafe { _mm_loadu_si128(block.as_ptr().cast()) };
        // SAFETY: SSE2 is part of x86-64.
        let stops = unsafe { stops_sse2(class, block) };
        Some(stops)
    }

    /// The test for tokens knows letters, digits, `-` and `_`, which is what names are made of.
    #[inline(always)]
    fn is_exact(class: Class) -> bool {
        class != Class::Token
    }
}

impl Vector for Avx2 {
    const BYTES: usize = 32;
    type Shorter = Sse2;

    #[inline(always)]
    fn shorter(self) -> Sse2 {
        Sse2(())
    }

    #[inline(always)]
    fn stops(self, class: Class, bytes: &[u8], at: usize) -> Option<u32> {
        let block: &[u8; 32] = bytes.get(at..)?.first_chunk()?;
        // SAFETY: the reference is to 32 readable bytes, the load needs no alignment, and `self`
        // proves AVX2.
        let block = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
        // SAFETY: `self` proves AVX2.
        let stops = unsafe { stops_avx2(class, block) };
        Some(stops)
    }

    #[inline(always)]
    fn is_exact(_class: Class) -> bool {
        true
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn stops_sse2(class: Class, block: __m128i) -> u32 {
    let stops = match class {
        Class::Token => {
            let folded = _mm_or_si128(block, _mm_set1_epi8(0x20));
            let letters = within_sse2(folded, b'a', 25);
            let digits = within_sse2(block, b'0', 9);
            let hyphens = equals_sse2(block, b'-');
            let underscores = equals_sse2(block, b'_');
            let plain =
                _mm_or_si128(_mm_or_si128(letters, digits), _mm_or_si128(hyphens, underscores));
            _mm_xor_si128(plain, _mm_set1_epi8(-1))
        }
        Class::Target => {
            // Within 0x21..=0x7e, and not `#`.
            let visible = within_sse2(block, 0x21, 0x7e - 0x21);
            let fragments = equals_sse2(block, b'#');
            _mm_or_si128(_mm_xor_si128(visible, _mm_set1_epi8(-1)), fragments)
        }
        Class::Value => {
            let controls = _mm_andnot_si128(equals_sse2(block, b'\t'), within_sse2(block, 0, 0x1f));
            _mm_or_si128(controls, equals_sse2(block, 0x7f))
        }
    };
    // The mask has 16 bits, so the sign does not matter.
    _mm_movemask_epi8(stops).cast_unsigned()
}

/// All ones where the byte lies within `first..=first + span`, without sign.
#[inline]
#[target_feature(enable = "sse2")]
fn within_sse2(block: __m128i, first: u8, span: u8) -> __m128i {
    let shifted = _mm_sub_epi8(block, _mm_set1_epi8(first.cast_signed()));
    _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(span.cast_signed())), shifted)
}

#[inline]
#[target_feature(enable = "sse2")]
fn equals_sse2(block: __m128i, byte: u8) -> __m128i {
    _mm_cmpeq_epi8(block, _mm_set1_epi8(byte.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx2")]
fn stops_avx2(class: Class, block: __m256i) -> u32 {
    let ones = _mm256_set1_epi8(-1);
    let stops = match class {
        Class::Token => {
            // A token character is one whose low half allows its high half: sixteen rows of eight
            // bits. Bytes from 0x80 have a high half without a bit.
            let low_halves = _mm256_and_si256(block, _mm256_set1_epi8(0x0f));
            let shifted = _mm256_srli_epi16::<4>(block);
            let high_halves = _mm256_and_si256(shifted, _mm256_set1_epi8(0x0f));
            let rows = _mm256_shuffle_epi8(both_lanes(TOKEN_ROWS), low_halves);
            let bits = _mm256_shuffle_epi8(both_lanes(HIGH_BITS), high_halves);
            _mm256_cmpeq_epi8(_mm256_and_si256(rows, bits), _mm256_setzero_si256())
        }
        Class::Target => {
            let visible = within_avx2(block, 0x21, 0x7e - 0x21);
            _mm256_or_si256(_mm256_xor_si256(visible, ones), equals_avx2(block, b'#'))
        }
        Class::Value => {
            let tabs = equals_avx2(block, b'\t');
            let controls = _mm256_andnot_si256(tabs, within_avx2(block, 0, 0x1f));
            _mm256_or_si256(controls, equals_avx2(block, 0x7f))
        }
    };
    _mm256_movemask_epi8(stops).cast_unsigned()
}

/// See [`within_sse2`].
#[inline]
#[target_feature(enable = "avx2")]
fn within_avx2(block: __m256i, first: u8, span: u8) -> __m256i {
    let shifted = _mm256_sub_epi8(block, _mm256_set1_epi8(first.cast_signed()));
    _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(span.cast_signed())), shifted)
}

#[inline]
#[target_feature(enable = "avx2")]
fn equals_avx2(block: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(block, _mm256_set1_epi8(byte.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx2")]
fn both_lanes(row: [u8; 16]) -> __m256i {
    // SAFETY: the array has 16 readable bytes, and the load needs no alignment.
    let lane = unsafe { _mm_loadu_si128(row.as_ptr().cast()) };
    _mm256_broadcastsi128_si256(lane)
}

/// For each low half the high halves, as bits, that make a token character of it.
const TOKEN_ROWS: [u8; 16] = token_rows();

const HIGH_BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

const fn token_rows() -> [u8; 16] {
    let mut rows = [0; 16];
    let mut byte = 0u8;
    while byte < 0x80 {
        if super::class::is_token(byte) {
            rows[(byte & 0x0f) as usize] |= 1 << (byte >> 4);
        }
        byte += 1;
    }
    rows
}
