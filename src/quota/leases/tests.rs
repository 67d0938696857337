//! Leases: how large they become, how long they live, and what they add up to.

use super::super::Secret;
use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

const SECOND: u64 = 1_000_000_000;

fn rates() -> Rates {
    Rates::new(1 << 20, Secret::new([7, 8]))
}

fn fast() -> Rate {
    Rate { interval_ns: SECOND / 20_000, burst: 1_000 }
}

#[test]
fn a_lease_is_a_millisecond_and_all_are_an_eighth_of_a_burst() {
    assert_eq!(Terms::shared(fast(), 2).lease_tokens_max, 20);
    assert_eq!(Terms::shared(Rate { burst: 160, ..fast() }, 2).lease_tokens_max, 10);
    assert_eq!(Terms::shared(Rate { burst: 10, ..fast() }, 2).lease_tokens_max, 1);
    assert_eq!(Terms::shared(Rate { interval_ns: SECOND, burst: 1_000 }, 2).lease_tokens_max, 1);
    assert_eq!(Terms::shared(fast(), 1).lease_tokens_max, 1, "alone it has nobody to ask");
    assert!(Leases::new(Terms::alone(fast())).slots.is_empty());
}

#[test]
fn grows_where_it_is_spent_quickly_and_shrinks_where_it_is_not() {
    let (rates, leases) = (rates(), Leases::new(Terms::shared(fast(), 2)));
    let size = || leases.slots[5].get().size;
    // 100,000 a second: the lease comes to its full size.
    for step in 0..1_000 {
        let _: Taken = leases.spend(&rates, 5, SECOND + step * 10_000, 1);
    }
    assert_eq!(size(), 20);
    // Ten a second: to single tokens.
    for step in 0..10 {
        assert_eq!(leases.spend(&rates, 5, 3 * SECOND + step * SECOND / 10, 1).tokens, 1);
    }
    assert_eq!(size(), 1);
}

#[test]
fn a_lease_that_is_too_old_is_not_spent() {
    let (rates, leases) = (rates(), Leases::new(Terms::shared(fast(), 2)));
    leases.slots[5].set(Lease {
        key: 5,
        left: 20,
        size: 20,
        taken_at_ns: SECOND,
        full_at_ns: SECOND,
    });
    let at = SECOND + QUOTA_LEASE_LIFE_NS;
    assert_eq!(leases.spend(&rates, 5, at - 1, 1).tokens, 1);
    assert_eq!(leases.slots[5].get().left, 19, "of the lease");
    assert_eq!(leases.spend(&rates, 5, at, 1).tokens, 1);
    assert_eq!(leases.slots[5].get().taken_at_ns, at, "a new one");
}

#[test]
fn another_key_takes_no_lease_away() {
    let (rates, leases) = (rates(), Leases::new(Terms::shared(fast(), 2)));
    let lease = Lease { key: 5, left: 20, size: 20, taken_at_ns: SECOND, full_at_ns: SECOND };
    leases.slots[5].set(lease);
    let other = 5 + QUOTA_LEASES_COUNT as u64;
    assert_eq!(leases.spend(&rates, other, SECOND, 1).tokens, 1);
    assert_eq!(leases.slots[5].get().key, 5);
    assert_eq!(leases.spend(&rates, other, SECOND + QUOTA_LEASE_LIFE_NS, 1).tokens, 1);
    assert_eq!(leases.slots[5].get().key, other);
}

#[test]
fn what_is_left_is_told() {
    let (rates, leases) = (rates(), Leases::new(Terms::shared(fast(), 2)));
    let rate = fast();
    for spent in 1..=200 {
        let taken = leases.spend(&rates, 5, SECOND, 1);
        assert_eq!(rate.free(taken.full_at_ns, SECOND), 1_000 - spent);
    }
}

proptest! {
    /// Workers by turns, at any times and costs: within a lease each of the limit, in every span.
    #[test]
    fn workers_admit_at_most_a_lease_each_above_the_limit(
        steps in prop::collection::vec((0_usize..3, 0_u64..400_000, 1_u64..4), 1..1_500),
    ) {
        let (rates, rate) = (rates(), fast());
        let terms = Terms::shared(rate, 3);
        let workers: Vec<Leases> = (0..3).map(|_| Leases::new(terms)).collect();
        let bound = 3 * (terms.lease_tokens_max + 3);
        let mut now_ns = SECOND;
        let mut admitted: Vec<(u64, u64)> = Vec::new();
        for (worker, later_ns, cost) in steps {
            now_ns += later_ns;
            let tokens = workers[worker].spend(&rates, 77, now_ns, cost).tokens;
            prop_assert!(tokens == 0 || tokens == cost);
            admitted.push((now_ns, tokens));
        }
        for first in (0..admitted.len()).step_by(50) {
            let mut sum = 0;
            for (at_ns, tokens) in &admitted[first..] {
                sum += tokens;
                let span_ns = at_ns - admitted[first].0;
                prop_assert!(sum <= rate.burst + span_ns / rate.interval_ns + 1 + bound);
            }
        }
    }
}

/// Two workers that never rest, under one clock that a third thread moves: in all they admit the
/// rate, the burst, and at most their leases, less at most what their leases lost.
#[test]
fn workers_on_threads_admit_the_limit() {
    let (rates, rate) = (rates(), fast());
    let terms = Terms::shared(rate, 2);
    let (clock, is_over) = (AtomicU64::new(SECOND), AtomicBool::new(false));
    let admitted = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let leases = Leases::new(terms);
                while !is_over.load(SeqCst) {
                    let tokens = leases.spend(&rates, 77, clock.load(SeqCst), 1).tokens;
                    admitted.fetch_add(tokens, SeqCst);
                }
            });
        }
        for _ in 0..2_000 {
            // Half a millisecond of virtual time once somebody was refused, so that all is spent.
            let before = admitted.load(SeqCst);
            thread::yield_now();
            if before == admitted.load(SeqCst) {
                clock.fetch_add(500_000, SeqCst);
            }
        }
        is_over.store(true, SeqCst);
    });
    let span_ns = clock.load(SeqCst) - SECOND;
    let given = rate.burst + span_ns / rate.interval_ns;
    let admitted = admitted.load(SeqCst);
    let bound = 2 * terms.lease_tokens_max;
    assert!(admitted <= given + bound, "{admitted} of {given}");
}
