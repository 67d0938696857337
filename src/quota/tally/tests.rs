//! Tallies against a map, and on threads.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Barrier;
use std::thread;

fn tally(bytes: u64) -> Tally {
    Tally::new(bytes, Secret::new([7, 8]))
}

fn key(number: u64) -> u64 {
    let mut digest = Secret::new([1, 2]).digest();
    digest.word(number);
    digest.finish()
}

#[test]
fn lets_so_many_in_and_the_next_when_one_leaves() {
    let tally = tally(1 << 16);
    let mut places = Vec::new();
    for _ in 0..3 {
        let Entered::Place(place) = tally.enter(key(1), 3) else { panic!("there is room") };
        places.push(place);
    }
    assert_eq!(tally.enter(key(1), 3), Entered::Full);
    assert!(matches!(tally.enter(key(2), 3), Entered::Place(_)));
    tally.leave(places.pop().expect("three"));
    assert!(matches!(tally.enter(key(1), 3), Entered::Place(_)));
    assert_eq!(tally.count(), 4);
}

#[test]
fn a_key_without_a_place_is_refused_and_pushes_nobody_out() {
    let tally = tally(64);
    let mut places = Vec::new();
    for number in 0..8 {
        let Entered::Place(place) = tally.enter(key(number), 1) else { panic!("room") };
        places.push(place);
    }
    assert_eq!(tally.enter(key(8), 1), Entered::NoRoom);
    assert_eq!(tally.enter(key(0), 1), Entered::Full);
    assert_eq!(tally.no_room_count(), 1);
    places.into_iter().for_each(|place| tally.leave(place));
    assert_eq!(tally.count(), 0);
    assert!(matches!(tally.enter(key(8), 1), Entered::Place(_)));
}

proptest! {
    #[test]
    fn counts_as_a_map_does(
        steps in prop::collection::vec((0_u64..20, any::<bool>()), 1..500),
        most in 1_u64..6,
    ) {
        let tally = tally(1 << 16);
        let mut naive: HashMap<u64, Vec<Place>> = HashMap::new();
        for (number, enters) in steps {
            let held = naive.entry(number).or_default();
            if enters {
                match tally.enter(key(number), most) {
                    Entered::Place(place) => {
                        held.push(place);
                        prop_assert!(held.len() as u64 <= most);
                    }
                    Entered::Full => prop_assert_eq!(held.len() as u64, most),
                    Entered::NoRoom => prop_assert!(false, "there is room"),
                }
            } else if let Some(place) = held.pop() {
                tally.leave(place);
            }
        }
        let held: usize = naive.values().map(Vec::len).sum();
        prop_assert_eq!(tally.count(), held as u64);
    }
}

#[test]
fn threads_never_hold_more_than_the_limit() {
    const THREADS: usize = 4;
    const MOST: u64 = 3;
    let tally = tally(64);
    let held = [const { AtomicU64::new(0) }; 12];
    let (barrier, entered) = (Barrier::new(THREADS), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (tally, held, barrier, entered) = (&tally, &held, &barrier, &entered);
            scope.spawn(move || {
                barrier.wait();
                let mut random = 1 + thread;
                for _ in 0..50_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    // More keys than places, so that places change hands.
                    let number = (random >> 33) % 12;
                    if let Entered::Place(place) = tally.enter(key(number), MOST) {
                        let now = held[number as usize].fetch_add(1, SeqCst) + 1;
                        assert!(now <= MOST, "{now} of key {number}");
                        entered.fetch_add(1, SeqCst);
                        if random & 1 == 0 {
                            thread::yield_now();
                        }
                        held[number as usize].fetch_sub(1, SeqCst);
                        tally.leave(place);
                    }
                }
            });
        }
    });
    assert_eq!(tally.count(), 0);
    assert!(entered.load(SeqCst) > 1_000);
}
