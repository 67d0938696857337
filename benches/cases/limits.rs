//! Limits: one request admitted by a limit that is warm, and by one that holds a million keys.

use super::{Case, Round};

use frys_gateway::quota::{Entered, Leases, Rate, Rates, Secret, Tally, Terms};

use std::hint::black_box;

const ADMITS_COUNT: u64 = 1024;

/// Keys of the large table; twice as many places, as `docs/rate-limiting.md` advises.
pub const KEYS_COUNT: u64 = 1_000_000;
pub const MEMORY_BYTES: u64 = 32 << 20;

const SECOND_NS: u64 = 1_000_000_000;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("limits/hash an address", ADMITS_COUNT, hash),
        Case::new("limits/admit", ADMITS_COUNT, || admits(Terms::alone(RATE))),
        Case::new("limits/admit by lease", ADMITS_COUNT, || admits(Terms::shared(RATE, 2))),
        Case::new("limits/enter and leave", ADMITS_COUNT, enters),
    ]
}

/// Never used up.
const RATE: Rate = Rate { interval_ns: 100, burst: 1_000_000_000 };

fn key(number: u64) -> u64 {
    let mut digest = Secret::new([1, 2]).digest();
    digest.word(4);
    digest.word(number);
    digest.finish()
}

fn hash() -> Round {
    Box::new(|| (0..ADMITS_COUNT).filter(|number| key(black_box(*number)) != 0).count() as u64)
}

fn admits(terms: Terms) -> Round {
    let rates = Rates::new(MEMORY_BYTES, Secret::new([1, 2]));
    let leases = Leases::new(terms);
    let (key, mut now_ns) = (key(1), 0);
    Box::new(move || {
        let mut right_count = 0;
        for _ in 0..ADMITS_COUNT {
            now_ns += 1_000;
            right_count += leases.spend(&rates, black_box(key), now_ns, 1).tokens;
        }
        right_count
    })
}

fn enters() -> Round {
    let tally = Tally::new(MEMORY_BYTES, Secret::new([1, 2]));
    let key = key(1);
    Box::new(move || {
        let mut right_count = 0;
        for _ in 0..ADMITS_COUNT {
            if let Entered::Place(place) = tally.enter(black_box(key), 10) {
                tally.leave(place);
                right_count += 1;
            }
        }
        right_count
    })
}

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
