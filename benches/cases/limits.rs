//! Limits: one request admitted by a limit that is warm, and by one that holds a million keys.

use super::{Case, Round};

use frys_gateway::quota::{Entered, Leases, Rate, Rates, Secret, Tally, Terms};

use std::hint::black_box;

const ADMITS_COUNT: u64 = 1024;

const MEMORY_BYTES: u64 = 32 << 20;

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
