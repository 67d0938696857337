//! Leases: tokens that one worker took ahead, and spends without asking the others.
//!
//! A lease is charged when it is taken, so that over a long time no more is admitted than the rate
//! gives. It can be spent later than it was charged, within its life: in any span of time each
//! worker can admit at most one lease above rate times span plus burst. A worker begins with single
//! tokens, and takes more at once only of a key whose leases it spends quickly; so little is lost
//! where many workers each see few requests of a key.

use std::cell::Cell;

use super::rates::{Rate, Rates, Taken};
use crate::limits::{
    QUOTA_LEASE_BURST_SHARE, QUOTA_LEASE_LIFE_NS, QUOTA_LEASE_NS, QUOTA_LEASES_COUNT,
};

/// How one worker counts for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The limit.
    pub rate: Rate,
    /// Tokens of the largest lease; 1 where there are none.
    pub lease_tokens_max: u64,
}

/// The leases of one worker for one limit.
#[derive(Debug)]
pub struct Leases {
    terms: Terms,
    /// By the low bits of keys; empty where nothing is leased.
    slots: Box<[Cell<Lease>]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    key: u64,
    left: u64,
    size: u64,
    taken_at_ns: u64,
    full_at_ns: u64,
}

impl Terms {
    /// Of a limit that so many workers hold together: a lease is what the rate gives in
    /// [`QUOTA_LEASE_NS`], and all leases together are at most an eighth of a burst.
    pub fn shared(rate: Rate, workers_count: u64) -> Terms {
        if workers_count <= 1 {
            return Terms::alone(rate);
        }
        let by_rate = QUOTA_LEASE_NS / rate.interval_ns;
        let by_burst = rate.burst / (QUOTA_LEASE_BURST_SHARE * workers_count);
        Terms { rate, lease_tokens_max: by_rate.min(by_burst).max(1) }
    }

    /// Of a limit that one worker holds by itself.
    pub fn alone(rate: Rate) -> Terms {
        Terms { rate, lease_tokens_max: 1 }
    }
}

impl Leases {
    /// None taken yet.
    pub fn new(terms: Terms) -> Leases {
        let count = if terms.lease_tokens_max > 1 { QUOTA_LEASES_COUNT } else { 0 };
        Leases { terms, slots: (0..count).map(|_| Cell::default()).collect() }
    }

    /// What holds for this worker.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Spends so many tokens of a key, at least one: all of them, or none. [`Taken::full_at_ns`]
    /// is less what this worker has left of its lease.
    pub fn spend(&self, rates: &Rates, key: u64, now_ns: u64, cost: u64) -> Taken {
        let rate = &self.terms.rate;
        let Some(slot) = self.slots.get(key as usize % QUOTA_LEASES_COUNT) else {
            return rates.take(key, now_ns, rate, cost, cost);
        };
        let lease = slot.get();
        let age_ns = now_ns.saturating_sub(lease.taken_at_ns);
        let is_alive = lease.left > 0 && age_ns < QUOTA_LEASE_LIFE_NS;
        if lease.key != key && is_alive {
            // Whoever sends many keys takes nothing from those that have a lease.
            return rates.take(key, now_ns, rate, cost, cost);
        }
        if lease.key == key && is_alive && lease.left >= cost {
            let lease = Lease { left: lease.left - cost, ..lease };
            slot.set(lease);
            return Taken { tokens: cost, full_at_ns: lease.full_at_less_left(rate) };
        }
        let (left, size) = match lease.key == key {
            true if is_alive => (lease.left, lease.next_size(age_ns)),
            true => (0, lease.next_size(age_ns)),
            false => (0, 1),
        };
        let size = size.min(self.terms.lease_tokens_max);
        let least = cost - left;
        let taken = rates.take(key, now_ns, rate, least, size.max(least));
        if taken.tokens == 0 {
            return Taken { tokens: 0, full_at_ns: taken.full_at_ns };
        }
        let left = left + taken.tokens - cost;
        let lease = Lease { key, left, size, taken_at_ns: now_ns, full_at_ns: taken.full_at_ns };
        slot.set(lease);
        Taken { tokens: cost, full_at_ns: lease.full_at_less_left(rate) }
    }
}

impl Lease {
    fn full_at_less_left(&self, rate: &Rate) -> u64 {
        self.full_at_ns.saturating_sub(self.left.saturating_mul(rate.interval_ns))
    }

    /// Twice as much where the last one was spent in a quarter of its life: then this one will be
    /// spent in half of it. Half where it was not spent in all of it.
    fn next_size(&self, age_ns: u64) -> u64 {
        let size = self.size.max(1);
        if self.left > 0 && age_ns >= QUOTA_LEASE_LIFE_NS {
            size.div_ceil(2)
        } else if age_ns < QUOTA_LEASE_LIFE_NS / 4 {
            size * 2
        } else {
            size
        }
    }
}

#[cfg(test)]
#[path = "leases/tests.rs"]
mod tests;
