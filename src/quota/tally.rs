//! Tallies: how many requests of each key are under way, for all workers.
//!
//! A place is one word, hash and count together, so that neither can change without the other. A
//! place whose count is 0 is free. Nothing is ever pushed out: what is under way must be given back
//! to where it was counted. A key that finds no place is refused; there are as many keys at most
//! as requests under way, and who does not know the hash's secret cannot fill one bucket.
//!
//! # Races
//! Two workers may take two places for one key at once, so the counts of all its places add up.
//! Each adds its own first and then looks at the sum; one that sees it above the limit takes its
//! own back. So of those that stay, the last to add has seen all others: there are never more than
//! the limit. Two that add at the same time may both be refused the last place.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::Secret;
use super::buckets::Buckets;
use crate::limits::{QUOTA_ATTEMPTS_MAX, QUOTA_PLACES};

/// The keys of one limit.
pub struct Tally {
    secret: Secret,
    buckets: Buckets<Bucket>,
    no_room: AtomicU64,
}

/// Where a request is counted, to be given back once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is not given back is counted for ever"]
pub struct Place(u32);

/// What came of asking for a place among those that are under way.
#[derive(Debug, PartialEq, Eq)]
pub enum Entered {
    /// It is counted here.
    Place(Place),
    /// As many as may be are under way.
    Full,
    /// The table has no place left for the key.
    NoRoom,
}

#[repr(align(64))]
#[derive(Default)]
struct Bucket {
    /// The upper bits of a hash, and below them a count.
    words: [AtomicU64; QUOTA_PLACES],
}

const _: () = assert!(size_of::<Bucket>() == 8 * QUOTA_PLACES);
const _: () = assert!(crate::limits::CONCURRENT_REQUESTS_MAX <= COUNT_MASK);

/// Bits of a word that count: a million requests, which is what a process has connections for.
const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

impl Tally {
    /// A table in so many bytes.
    pub fn new(bytes: u64, secret: Secret) -> Tally {
        Tally { secret, buckets: Buckets::new(bytes), no_room: AtomicU64::new(0) }
    }

    /// What keys are hashed with.
    pub fn secret(&self) -> Secret {
        self.secret
    }

    /// Counts one more of a key, of which at most `most` may be under way.
    pub fn enter(&self, key: u64, most: u64) -> Entered {
        let number = self.buckets.number_of(key);
        let bucket = self.buckets.at(number);
        // The bucket's number is made of the upper bits.
        let mark = key << COUNT_BITS;
        for _ in 0..QUOTA_ATTEMPTS_MAX {
            let (sum, found) = bucket.look(mark);
            if sum >= most.min(COUNT_MASK) {
                return Entered::Full;
            }
            let Some((place, word)) = found else {
                self.no_room.fetch_add(1, SeqCst);
                return Entered::NoRoom;
            };
            let counted = mark | ((word & COUNT_MASK) + 1);
            if bucket.words[place].compare_exchange(word, counted, SeqCst, SeqCst).is_err() {
                continue;
            }
            let (sum, _) = bucket.look(mark);
            if sum <= most {
                // Fewer buckets than 2^29, as their constructor has it.
                return Entered::Place(Place((number * QUOTA_PLACES + place) as u32));
            }
            bucket.leave(place);
        }
        Entered::Full
    }

    /// One is over.
    pub fn leave(&self, place: Place) {
        let Place(place) = place;
        let (number, place) = (place as usize / QUOTA_PLACES, place as usize % QUOTA_PLACES);
        self.buckets.at(number).leave(place);
    }

    /// Requests under way, over all keys.
    pub fn count(&self) -> u64 {
        let words = self.buckets.taken().flat_map(|bucket| &bucket.words);
        words.map(|word| word.load(SeqCst) & COUNT_MASK).sum()
    }

    /// Requests for whose key there was no place.
    pub fn no_room_count(&self) -> u64 {
        self.no_room.load(SeqCst)
    }

    /// Bytes of memory that were taken so far.
    pub fn bytes(&self) -> u64 {
        self.buckets.bytes()
    }
}

impl Bucket {
    /// What is counted for a key, and the place for one more of it: its own, else a free one.
    fn look(&self, mark: u64) -> (u64, Option<(usize, u64)>) {
        let (mut sum, mut own, mut free) = (0, None, None);
        for (place, word) in self.words.iter().enumerate() {
            let word = word.load(SeqCst);
            let count = word & COUNT_MASK;
            if count == 0 {
                free = free.or(Some((place, word)));
            } else if word & !COUNT_MASK == mark {
                sum += count;
                own = own.or(Some((place, word)));
            }
        }
        (sum, own.or(free))
    }

    fn leave(&self, place: usize) {
        let before = self.words[place].fetch_sub(1, SeqCst);
        debug_assert!(before & COUNT_MASK > 0, "given back twice");
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tally")
    }
}

#[cfg(test)]
#[path = "tally/tests.rs"]
mod tests;
