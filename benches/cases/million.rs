//! A limit that holds a million keys: timed alone, since filling its table is not worth counting.

use frys_gateway::quota::{Rate, Rates, Secret};

use std::hint::black_box;

/// Keys of the table; it has twice as many places, as `docs/rate-limiting.md` advises.
pub const KEYS_COUNT: u64 = 1_000_000;
const MEMORY_BYTES: u64 = 32 << 20;
const SECOND_NS: u64 = 1_000_000_000;

/// A table in which a million keys live: none has its tokens back.
pub fn million() -> Rates {
    let rates = Rates::new(MEMORY_BYTES, Secret::new([1, 2]));
    for number in 0..KEYS_COUNT {
        assert_eq!(rates.take(key(number), SECOND_NS, &SLOW, 1, 1).tokens, 1);
    }
    rates
}

/// Of the large table: nothing comes back while it is measured.
const SLOW: Rate = Rate { interval_ns: SECOND_NS, burst: 1_000_000 };

/// Takes of so many keys, one after the other in an order that no cache foresees; how many were
/// admitted.
pub fn take_of_many(rates: &Rates, from: u64, count: u64) -> u64 {
    let mut admitted = 0;
    for step in from..from + count {
        // One to one over the keys, since the factor and their number have no divisor in common.
        let number = step.wrapping_mul(654_321_001) % KEYS_COUNT;
        admitted += rates.take(key(black_box(number)), SECOND_NS, &SLOW, 1, 1).tokens;
    }
    admitted
}

fn key(number: u64) -> u64 {
    let mut digest = Secret::new([1, 2]).digest();
    digest.word(4);
    digest.word(number);
    digest.finish()
}
