//! Rates: when the quota of each key is whole again, for all workers.
//!
//! A key's state is one number, the time at which its bucket of tokens is full again (GCRA's
//! theoretical arrival time): `n` tokens move it `n` intervals on, and may not move it further than
//! a burst beyond now. A place whose time is past is that of a key of which nothing is known, so
//! it may be given to another.
//!
//! Where no place of a bucket is past, a new key takes over the place whose time is the earliest,
//! **with its time** (Space-Saving: Metwally, Agrawal and El Abbadi, 2005). The earliest time of a
//! bucket thus never goes back, and whoever was pushed out, be it by himself, comes back to a time
//! that is no earlier than the one he left. Too many keys make a limit stricter, never laxer.
//!
//! # Races
//! Key and time are two words. Who has charged a place looks again whether it is still the key's;
//! where it is not, the charge is the new key's, and the old one's is made anew. Who has taken a
//! place looks whether another worker took a second one for the same key: the later is given up,
//! and what it was charged is moved. One case is left: a key whose quota was whole, charged in the
//! very instant in which its place was given away for that. It loses that one charge, so the
//! key can be admitted one lease more.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::Secret;
use super::buckets::Buckets;
use crate::limits::{QUOTA_ATTEMPTS_MAX, QUOTA_PLACES};

/// How many tokens come back when, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds until a token has come back; at least 1.
    pub interval_ns: u64,
    /// Tokens that are there at most; at least 1.
    pub burst: u64,
}

/// What came of asking for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many are taken; 0 where there are not as many as were needed.
    pub tokens: u64,
    /// When all tokens of the key are there again.
    pub full_at_ns: u64,
}

/// What a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Places that belong to a key, though it may have all its tokens again.
    pub keys: u64,
    /// Times that a new key was given the place, and the time, of one that had not.
    pub evictions: u64,
    /// Bytes of memory that were taken so far.
    pub bytes: u64,
}

/// The keys of one limit.
pub struct Rates {
    secret: Secret,
    buckets: Buckets<Bucket>,
    keys: AtomicU64,
    evictions: AtomicU64,
}

/// Keys in one cache line, times in the one behind it, which processors fetch along.
#[repr(align(128))]
#[derive(Default)]
struct Bucket {
    /// Hashes; 0 where there is none.
    keys: [AtomicU64; QUOTA_PLACES],
    /// When the key's tokens are all there again, in nanoseconds of the workers' common clock.
    times: [AtomicU64; QUOTA_PLACES],
}

const _: () = assert!(size_of::<Bucket>() == 16 * QUOTA_PLACES);

impl Rate {
    /// How far ahead of now a key's time may be.
    pub fn tolerance_ns(&self) -> u64 {
        self.interval_ns.saturating_mul(self.burst)
    }

    /// Tokens that are there now, by the time at which all are.
    pub fn free(&self, full_at_ns: u64, now_ns: u64) -> u64 {
        let latest = now_ns.saturating_add(self.tolerance_ns());
        latest.saturating_sub(full_at_ns.max(now_ns)) / self.interval_ns
    }

    /// Nanoseconds until so many tokens are there, which a burst has.
    pub fn wait_ns(&self, full_at_ns: u64, now_ns: u64, tokens: u64) -> u64 {
        let after = full_at_ns.max(now_ns).saturating_add(tokens.saturating_mul(self.interval_ns));
        after.saturating_sub(now_ns.saturating_add(self.tolerance_ns()))
    }
}

impl Rates {
    /// A table in so many bytes.
    pub fn new(bytes: u64, secret: Secret) -> Rates {
        let (keys, evictions) = (AtomicU64::new(0), AtomicU64::new(0));
        Rates { secret, buckets: Buckets::new(bytes), keys, evictions }
    }

    /// What keys are hashed with.
    pub fn secret(&self) -> Secret {
        self.secret
    }

    /// Takes as many tokens of a key as there are, up to `most`; none where there are fewer than
    /// `least`, which is not 0 and not above `most`.
    pub fn take(&self, key: u64, now_ns: u64, rate: &Rate, least: u64, most: u64) -> Taken {
        debug_assert!(0 < least && least <= most);
        let bucket = self.buckets.at(self.buckets.number_of(key));
        let mut full_at_ns = now_ns;
        for _ in 0..QUOTA_ATTEMPTS_MAX {
            let place = match bucket.find(key) {
                Some(place) => place,
                None => match self.claim(bucket, key, now_ns, rate, least) {
                    Claim::Place(place) => place,
                    Claim::Refused(full_at_ns) => return Taken { tokens: 0, full_at_ns },
                    Claim::Lost => continue,
                },
            };
            let time = bucket.times[place].load(SeqCst);
            full_at_ns = time.max(now_ns);
            let free = rate.free(full_at_ns, now_ns);
            if free < least {
                return Taken { tokens: 0, full_at_ns };
            }
            let tokens = free.min(most);
            let charged = full_at_ns.saturating_add(tokens.saturating_mul(rate.interval_ns));
            let swapped = bucket.times[place].compare_exchange(time, charged, SeqCst, SeqCst);
            // A place that was given away meanwhile keeps the charge, on the stricter side.
            if swapped.is_ok() && bucket.keys[place].load(SeqCst) == key {
                return Taken { tokens, full_at_ns: charged };
            }
        }
        Taken { tokens: 0, full_at_ns }
    }

    /// What the table holds.
    pub fn usage(&self) -> Usage {
        Usage {
            keys: self.keys.load(SeqCst),
            evictions: self.evictions.load(SeqCst),
            bytes: self.buckets.bytes(),
        }
    }

    /// Gives a key that has no place the one whose time is the earliest, unless its time leaves the
    /// key nothing to take.
    #[inline(never)]
    fn claim(&self, bucket: &Bucket, key: u64, now_ns: u64, rate: &Rate, least: u64) -> Claim {
        let (mut place, mut held, mut time) = (0, 0, u64::MAX);
        for candidate in 0..QUOTA_PLACES {
            // The key first: a time that is read before its key's place was given away would be
            // older than the one that the new key has.
            let candidate_key = bucket.keys[candidate].load(SeqCst);
            let candidate_time = bucket.times[candidate].load(SeqCst);
            if candidate_key == key {
                return Claim::Place(candidate);
            }
            if candidate_time < time {
                (place, held, time) = (candidate, candidate_key, candidate_time);
            }
        }
        if rate.free(time, now_ns) < least {
            return Claim::Refused(time.max(now_ns));
        }
        if bucket.keys[place].compare_exchange(held, key, SeqCst, SeqCst).is_err() {
            return Claim::Lost;
        }
        if held == 0 {
            self.keys.fetch_add(1, SeqCst);
        } else if time > now_ns {
            self.evictions.fetch_add(1, SeqCst);
        }
        Claim::Place(self.settle(bucket, key, place, now_ns))
    }

    /// Where another worker took a place for the same key at the same time, both keep the first of
    /// the two: each has written its own before it looks for the other's, so one of them sees both.
    fn settle(&self, bucket: &Bucket, key: u64, place: usize, now_ns: u64) -> usize {
        let is_other = |other: &usize| *other != place && bucket.keys[*other].load(SeqCst) == key;
        let Some(other) = (0..QUOTA_PLACES).find(is_other) else { return place };
        let (kept, left) = (place.min(other), place.max(other));
        if bucket.keys[left].compare_exchange(key, 0, SeqCst, SeqCst).is_ok() {
            self.keys.fetch_sub(1, SeqCst);
            // Who charged it before it was left has been admitted; who does so later sees that it
            // was.
            let debt_ns = bucket.times[left].load(SeqCst).saturating_sub(now_ns);
            let add = |time: u64| Some(time.max(now_ns).saturating_add(debt_ns));
            if debt_ns > 0 {
                // It always has something to write.
                let _ = bucket.times[kept].fetch_update(SeqCst, SeqCst, add);
            }
        }
        kept
    }
}

enum Claim {
    Place(usize),
    /// The key would come to a time that leaves it nothing.
    Refused(u64),
    /// Another worker was first.
    Lost,
}

impl Bucket {
    /// The first place of a key. Looks at all of them without a branch: which one it is, no
    /// processor foresees. The first time is read so that their line is on its way meanwhile.
    #[inline]
    fn find(&self, key: u64) -> Option<usize> {
        self.times[0].load(SeqCst);
        let mut found = 0_u32;
        for (place, held) in self.keys.iter().enumerate() {
            found |= u32::from(held.load(SeqCst) == key) << place;
        }
        (found != 0).then(|| found.trailing_zeros() as usize)
    }
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.usage().fmt(formatter)
    }
}

#[cfg(test)]
#[path = "rates/tests.rs"]
mod tests;
