//! A keyed hash that nobody outside can foresee: by it a key finds its place, and is told from
//! others.
//!
//! A polynomial over the integers modulo 2^61 - 1, evaluated at a secret point. Two different keys
//! of n blocks meet for at most n of the 2^61 points, whoever chose them; SipHash promises less and
//! costs more. The finalizer behind it is one to one, and spreads keys that lie side by side.

use std::hash::{BuildHasher, RandomState};

/// Where the polynomials of one table are evaluated.
#[derive(Clone, Copy)]
pub struct Secret {
    point: u64,
    mask: u64,
}

/// A key that is being hashed.
#[derive(Clone, Copy)]
pub struct Digest {
    secret: Secret,
    sum: u64,
}

impl Secret {
    /// One that the system's random numbers give.
    pub fn random() -> Secret {
        let random = RandomState::new();
        Secret::new([random.hash_one(0_u8), random.hash_one(1_u8)])
    }

    /// One of so many as two numbers can tell apart, for tests.
    pub fn new([point, mask]: [u64; 2]) -> Secret {
        // Neither 0 nor 1, at which a polynomial tells little of its coefficients.
        Secret { point: 2 + point % (PRIME - 2), mask }
    }

    /// Begins with a key.
    pub fn digest(self) -> Digest {
        Digest { secret: self, sum: 1 }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Digest {
    /// Adds a number.
    pub fn word(&mut self, word: u64) {
        self.block(word >> 32);
        self.block(word & u64::from(u32::MAX));
    }

    /// Adds a text of any length, its length first: no two lists of texts look alike.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.block(bytes.len() as u64);
        for piece in bytes.chunks(BLOCK_BYTES) {
            let mut block = [0; 8];
            block[..piece.len()].copy_from_slice(piece);
            self.block(u64::from_le_bytes(block));
        }
    }

    /// The hash; never 0, which is no key.
    pub fn finish(self) -> u64 {
        mixed(self.sum ^ self.secret.mask).max(1)
    }

    /// `block` is below [`PRIME`].
    fn block(&mut self, block: u64) {
        debug_assert!(block < PRIME);
        let product = u128::from(self.sum + block) * u128::from(self.secret.point);
        // 2^61 is 1 here, so the bits above the low 61 are added to them: below 2^63 the first
        // time, and at most 3 above the prime the second.
        let sum = (product as u64 & PRIME) + (product >> 61) as u64;
        let sum = (sum & PRIME) + (sum >> 61);
        self.sum = if sum >= PRIME { sum - PRIME } else { sum };
    }
}

const PRIME: u64 = (1 << 61) - 1;

/// As many as are below [`PRIME`] whatever they are.
const BLOCK_BYTES: usize = 7;

/// The finalizer of SplitMix64: one to one.
fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn hash(seed: u64, texts: &[&[u8]]) -> u64 {
        let mut digest = Secret::new([seed, !seed]).digest();
        texts.iter().for_each(|text| digest.bytes(text));
        digest.finish()
    }

    #[test]
    fn texts_that_join_to_the_same_bytes_are_different_keys() {
        let keys: [&[&[u8]]; 6] =
            [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"], &[]];
        for seed in 0..100 {
            let hashes: HashSet<u64> = keys.iter().map(|key| hash(seed, key)).collect();
            assert_eq!(hashes.len(), keys.len());
        }
    }

    #[test]
    fn zeros_at_the_end_and_long_texts_count() {
        let long = [7; 100_000];
        let keys: [&[u8]; 5] = [b"", b"\0", b"\0\0\0\0\0\0\0", &long, &long[1..]];
        let hashes: HashSet<u64> = keys.iter().map(|key| hash(3, &[key])).collect();
        assert_eq!(hashes.len(), keys.len());
    }

    #[test]
    fn another_secret_gives_another_hash() {
        assert_ne!(hash(1, &[b"a"]), hash(2, &[b"a"]));
        let (one, other) = (Secret::random(), Secret::random());
        assert_ne!(one.digest().finish(), other.digest().finish());
    }

    #[test]
    fn neighbours_spread_over_the_table() {
        let mut counts = [0_u32; 256];
        for word in 0..25_600 {
            let mut digest = Secret::new([99, 7]).digest();
            digest.word(word);
            counts[(digest.finish() >> 56) as usize] += 1;
        }
        // Around 100 each; a spread of six deviations either way.
        assert!(counts.iter().all(|count| (40..160).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_remainder_is_the_remainder() {
        let mut digest = Secret { point: PRIME - 1, mask: 0 }.digest();
        digest.sum = PRIME - 1;
        digest.block(PRIME - 1);
        // (-1 - 1) * -1 = 2
        assert_eq!(digest.sum, 2);
    }
}
