//! A small seeded generator, so that a seed is a whole run.

/// SplitMix64 (Steele, Lea, Flood 2014): passes for random, and is eight lines.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to `most`, both included.
    pub fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(count) => self.bits() % count,
            None => self.bits(),
        }
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, share: u16) -> bool {
        // Nothing is drawn for what never happens, so that a fault that is off changes no run.
        share > 0 && self.bits() % 1000 < u64::from(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        assert!((0..100).all(|_| one.bits() == two.bits()));
        assert_ne!(Random::new(7).bits(), Random::new(8).bits());
    }

    #[test]
    fn bounds_hold() {
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| random.up_to(3) <= 3));
        assert!((0..1000).all(|_| !random.per_mille(0)));
        assert!((0..1000).all(|_| random.per_mille(1000)));
    }
}
