//! Rates against the limit by the book, under floods and on threads.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

const SECOND: u64 = 1_000_000_000;

/// A table with room for all, or of one bucket.
fn table(bytes: u64) -> Rates {
    Rates::new(bytes, Secret::new([7, 8]))
}

const ROOM: u64 = 1 << 20;
const ONE_BUCKET: u64 = 128;

fn key(number: u64) -> u64 {
    let mut digest = Secret::new([1, 2]).digest();
    digest.word(number);
    digest.finish()
}

/// The limit by the book: one number a key, and none is ever forgotten.
#[derive(Default)]
struct Naive(HashMap<u64, u64>);

impl Naive {
    fn take(&mut self, key: u64, now_ns: u64, rate: &Rate, least: u64, most: u64) -> Taken {
        let full_at_ns = (*self.0.get(&key).unwrap_or(&0)).max(now_ns);
        let tokens = rate.free(full_at_ns, now_ns).min(most);
        if tokens < least {
            return Taken { tokens: 0, full_at_ns };
        }
        let full_at_ns = full_at_ns + tokens * rate.interval_ns;
        self.0.insert(key, full_at_ns);
        Taken { tokens, full_at_ns }
    }
}

#[test]
fn gives_a_burst_and_then_the_rate() {
    let rates = table(ROOM);
    let rate = Rate { interval_ns: SECOND / 100, burst: 20 };
    let take = |now_ns| rates.take(key(1), now_ns, &rate, 1, 1).tokens;
    let admitted: u64 = (0..1_000).map(|_| take(SECOND)).sum();
    assert_eq!(admitted, 20);
    // Ten seconds, asked a thousand times in each.
    let admitted: u64 = (0..10_000).map(|step| take(SECOND + step * SECOND / 1_000)).sum();
    assert_eq!(admitted, 10 * 100 - 1, "the first of them comes back after an interval");
    let whole = rates.take(key(1), 100 * SECOND, &rate, 1, 1);
    assert_eq!(whole.full_at_ns, 100 * SECOND + rate.interval_ns, "one is missing");
}

#[test]
fn takes_what_there_is_but_not_less_than_needed() {
    let rates = table(ROOM);
    let rate = Rate { interval_ns: 1_000, burst: 10 };
    assert_eq!(rates.take(key(1), 5_000, &rate, 1, 7).tokens, 7);
    assert_eq!(rates.take(key(1), 5_000, &rate, 4, 7).tokens, 0);
    assert_eq!(rates.take(key(1), 5_000, &rate, 2, 7).tokens, 3);
    assert_eq!(rates.take(key(1), 5_000, &rate, 1, 1).tokens, 0);
    assert_eq!(rate.wait_ns(15_000, 5_000, 1), 1_000);
    assert_eq!(rate.wait_ns(15_000, 5_500, 1), 500);
    assert_eq!(rate.wait_ns(5_000, 5_500, 10), 0);
}

#[test]
fn a_clock_that_lags_behind_takes_no_more() {
    let rates = table(ROOM);
    let rate = Rate { interval_ns: 1_000, burst: 2 };
    assert_eq!(rates.take(key(1), 10_000, &rate, 1, 2).tokens, 2);
    assert_eq!(rates.take(key(1), 9_000, &rate, 1, 1).tokens, 0);
}

#[test]
fn who_floods_the_table_resets_nobody_and_not_himself() {
    // A rate whose burst never comes back within the test.
    let rate = Rate { interval_ns: SECOND, burst: 3 };
    let rates = table(ONE_BUCKET);
    let spend = |key| (0..10).map(|_| rates.take(key, SECOND, &rate, 1, 1).tokens).sum::<u64>();
    assert_eq!(spend(key(1)), 3);
    // Each key that is let in comes to the earliest time of all, so all of them together get what
    // the eight places have.
    let flooded: u64 = (2..100_000).map(|number| spend(key(number))).sum();
    assert_eq!(flooded, 7 * 3);
    assert_eq!(spend(key(1)), 0, "the victim is limited as before");
    // Half a second later nothing has come back, whoever asks.
    let later = (1..100_000).map(|number| rates.take(key(number), SECOND * 3 / 2, &rate, 1, 1));
    assert_eq!(later.map(|taken| taken.tokens).sum::<u64>(), 0);
    assert_eq!(rates.usage().keys, 8);
    assert_eq!(rates.usage().bytes, table_bytes(ONE_BUCKET));
}

fn table_bytes(bytes: u64) -> u64 {
    let rates = table(bytes);
    let rate = Rate { interval_ns: 1, burst: 1 };
    rates.take(key(1), 1, &rate, 1, 1);
    rates.usage().bytes
}

#[test]
fn a_victim_that_is_pushed_out_comes_back_limited() {
    let rate = Rate { interval_ns: SECOND, burst: 10 };
    let rates = table(ONE_BUCKET);
    // The victim has spent least, so its place is the first to go.
    assert_eq!(rates.take(key(0), SECOND, &rate, 4, 4).tokens, 4);
    for number in 1..8 {
        assert_eq!(rates.take(key(number), SECOND, &rate, 6, 6).tokens, 6);
    }
    assert_eq!(rates.take(key(8), SECOND, &rate, 1, 1).tokens, 1, "on top of the victim's four");
    assert_eq!(rates.usage().evictions, 1);
    let back = rates.take(key(0), SECOND, &rate, 1, 10);
    assert!(back.tokens <= 6, "{back:?}");
}

#[test]
fn a_place_whose_time_is_past_is_free() {
    let rate = Rate { interval_ns: 1_000, burst: 1 };
    let rates = table(ONE_BUCKET);
    for number in 0..1_000 {
        let taken = rates.take(key(number), 1_000_000 + number * 500, &rate, 1, 1);
        assert_eq!(taken.tokens, 1, "three are never there at once");
    }
    assert_eq!(rates.usage().evictions, 0);
}

#[test]
fn a_million_keys_are_a_million_places() {
    let rates = table(64 << 20);
    let rate = Rate { interval_ns: SECOND, burst: 2 };
    for number in 0..1_000_000 {
        assert_eq!(rates.take(key(number), SECOND, &rate, 1, 1).tokens, 1);
    }
    let usage = rates.usage();
    assert!(usage.keys > 999_000, "{usage:?}");
    assert!(usage.bytes < 65 << 20, "{usage:?}");
}

/// Steps of one run: which key, how much later, how many tokens.
fn steps() -> impl Strategy<Value = Vec<(u64, u64, u64, u64)>> {
    prop::collection::vec((0_u64..40, 0_u64..3_000, 1_u64..4, 0_u64..3), 1..400)
}

proptest! {
    #[test]
    fn with_room_it_is_the_limit_by_the_book(
        steps in steps(),
        interval_ns in 1_u64..2_000,
        burst in 1_u64..20,
    ) {
        let (rates, mut naive) = (table(ROOM), Naive::default());
        let rate = Rate { interval_ns, burst };
        let mut now_ns = 0;
        for (number, later_ns, least, more) in steps {
            now_ns += later_ns;
            let taken = rates.take(key(number), now_ns, &rate, least, least + more);
            let expected = naive.take(key(number), now_ns, &rate, least, least + more);
            prop_assert_eq!(taken, expected);
        }
    }

    #[test]
    fn without_room_it_is_never_laxer(
        steps in steps(),
        interval_ns in 1_u64..2_000,
        burst in 1_u64..20,
    ) {
        let (rates, mut naive) = (table(ONE_BUCKET), Naive::default());
        let rate = Rate { interval_ns, burst };
        let mut now_ns = 0;
        for (number, later_ns, least, more) in steps {
            now_ns += later_ns;
            let taken = rates.take(key(number), now_ns, &rate, least, least + more);
            if taken.tokens > 0 {
                let fits = naive.take(key(number), now_ns, &rate, taken.tokens, taken.tokens);
                prop_assert_eq!(fits.tokens, taken.tokens);
                prop_assert!(taken.full_at_ns >= fits.full_at_ns);
            }
        }
    }
}

const THREADS: usize = 4;

/// All threads take of these keys until a round's end, with one clock; what each key was given.
fn stress(rates: &Rates, rate: &Rate, keys: u64, rounds: u64, per_round: u64) -> Vec<u64> {
    let admitted: Vec<AtomicU64> = (0..keys).map(|_| AtomicU64::new(0)).collect();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (admitted, barrier) = (&admitted, &barrier);
            scope.spawn(move || {
                let mut random = 1 + thread;
                for round in 1..=rounds {
                    barrier.wait();
                    for _ in 0..per_round {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                        let number = (random >> 33) % keys;
                        let now_ns = round * SECOND;
                        let tokens = rates.take(key(number), now_ns, rate, 1, 3).tokens;
                        admitted[number as usize].fetch_add(tokens, Relaxed);
                    }
                    barrier.wait();
                }
            });
        }
    });
    admitted.iter().map(|count| count.load(Relaxed)).collect()
}

#[test]
fn threads_together_are_given_exactly_the_limit() {
    // A tenth of the burst comes back from one round to the next.
    let rate = Rate { interval_ns: SECOND / 10, burst: 100 };
    for _ in 0..20 {
        let rates = table(ROOM);
        let given = stress(&rates, &rate, 5, 4, 3_000);
        assert_eq!(given, [100 + 3 * 10; 5]);
        assert_eq!(rates.usage().keys, 5, "each has one place");
    }
}

#[test]
fn threads_that_fight_for_places_are_given_no_more_than_a_lease_each_above_the_limit() {
    let rate = Rate { interval_ns: SECOND / 10, burst: 20 };
    for _ in 0..20 {
        let rates = table(ONE_BUCKET);
        let given = stress(&rates, &rate, 64, 3, 2_000);
        let bound = 20 + 2 * 10 + 3 * THREADS as u64;
        assert!(given.iter().all(|given| *given <= bound), "{given:?}");
        // What eight places have, with what came back, and little more.
        let sum: u64 = given.iter().sum();
        assert!(sum <= 8 * (20 + 2 * 10) + 8 * 3 * THREADS as u64, "{sum}");
        assert!(rates.usage().keys <= 8, "{:?}", rates.usage());
    }
}
