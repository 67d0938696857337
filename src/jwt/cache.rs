//! What is known of tokens that were verified before.
//!
//! Only tokens that passed are kept, whole, and are compared whole: no other token can be taken
//! for one of them. Whoever wants to push others out needs valid tokens to do it with, and what it
//! costs them is that their signatures are checked again.

use super::verify::Verified;
use crate::limits::TOKEN_CACHE_STEPS_MAX;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Tokens that passed, with what was made of each.
pub struct Cache<T> {
    hasher: RandomState,
    table: HashTable<u32>,
    entries: Vec<Entry<T>>,
    /// Where the next one that is not used is looked for.
    hand: usize,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
}

struct Entry<T> {
    hash: u64,
    token: Box<[u8]>,
    begins_s: u64,
    ends_s: u64,
    key_version: u64,
    bytes: usize,
    /// Since the hand came by.
    is_used: bool,
    made: T,
}

impl<T> Cache<T> {
    /// An empty one for so many tokens of so many bytes; memory is taken as they come.
    pub fn new(count_max: usize, bytes_max: usize) -> Cache<T> {
        let count_max = count_max.min(u32::MAX as usize);
        Cache {
            hasher: RandomState::default(),
            table: HashTable::new(),
            entries: Vec::new(),
            hand: 0,
            bytes: 0,
            count_max,
            bytes_max,
        }
    }

    /// What was made of a token that holds at this second and whose key is still among those of
    /// this version.
    pub fn get(&mut self, token: &[u8], now_s: u64, key_version: u64) -> Option<&T> {
        if self.entries.is_empty() {
            return None;
        }
        let hash = self.hasher.hash_one(token);
        let entries = &self.entries;
        let index = *self.table.find(hash, |index| *entries[*index as usize].token == *token)?;
        let entry = &mut self.entries[index as usize];
        let is_known = entry.key_version == 0 || entry.key_version == key_version;
        if !is_known || now_s >= entry.ends_s || now_s < entry.begins_s {
            self.remove(index);
            return None;
        }
        entry.is_used = true;
        Some(&self.entries[index as usize].made)
    }

    /// Keeps what was made of a token, which takes so many bytes beside the token; in place of
    /// others where there is no room. What is larger than all the room is not kept.
    pub fn insert(&mut self, token: &[u8], verified: &Verified, made: T, bytes: usize, now_s: u64) {
        let bytes = bytes + token.len() + size_of::<Entry<T>>();
        if self.count_max == 0 || bytes > self.bytes_max {
            return;
        }
        let hash = self.hasher.hash_one(token);
        let entries = &self.entries;
        let same = self.table.find(hash, |index| *entries[*index as usize].token == *token);
        if let Some(index) = same.copied() {
            self.remove(index);
        }
        while self.entries.len() >= self.count_max || self.bytes + bytes > self.bytes_max {
            self.evict(now_s);
        }
        let Ok(index) = u32::try_from(self.entries.len()) else { return };
        self.bytes += bytes;
        self.entries.push(Entry {
            hash,
            token: token.into(),
            begins_s: verified.begins_s,
            ends_s: verified.ends_s,
            key_version: verified.key_version,
            bytes,
            is_used: false,
            made,
        });
        let entries = &self.entries;
        self.table.insert_unique(hash, index, |index| entries[*index as usize].hash);
    }

    /// Tokens that are kept.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops one that is past or was not used since the hand came by last (CLOCK, Corbató 1968),
    /// or the next one where there are many that were.
    fn evict(&mut self, now_s: u64) {
        for _ in 0..TOKEN_CACHE_STEPS_MAX {
            let at = if self.hand < self.entries.len() { self.hand } else { 0 };
            let Some(entry) = self.entries.get_mut(at) else { return };
            if !entry.is_used || now_s >= entry.ends_s {
                self.hand = at;
                break;
            }
            entry.is_used = false;
            self.hand = at + 1;
        }
        let at = if self.hand < self.entries.len() { self.hand } else { 0 };
        // The last one comes into its place, and the hand sees it next.
        self.remove(u32::try_from(at).unwrap_or(0));
    }

    fn remove(&mut self, index: u32) {
        let last = self.entries.len() - 1;
        let forget = |table: &mut HashTable<u32>, hash: u64, index: u32| {
            if let Ok(entry) = table.find_entry(hash, |other| *other == index) {
                entry.remove();
            }
        };
        let removed = self.entries.swap_remove(index as usize);
        self.bytes -= removed.bytes;
        forget(&mut self.table, removed.hash, index);
        if let Some(moved) = self.entries.get(index as usize)
            && let Some(place) = self.table.find_mut(moved.hash, |other| *other as usize == last)
        {
            *place = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn until(ends_s: u64) -> Verified {
        Verified { claims: Value::Null, begins_s: 10, ends_s, key_version: 0 }
    }

    fn of_version(key_version: u64) -> Verified {
        Verified { key_version, ..until(1_000) }
    }

    /// Every entry is found by its token, and nothing else is.
    fn assert_whole<T>(cache: &Cache<T>) {
        assert_eq!(cache.table.len(), cache.entries.len());
        assert_eq!(cache.bytes, cache.entries.iter().map(|entry| entry.bytes).sum::<usize>());
        for (at, entry) in cache.entries.iter().enumerate() {
            let found = cache.table.find(entry.hash, |index| *index as usize == at);
            assert!(found.is_some(), "entry {at} is found");
        }
    }

    #[test]
    fn keeps_a_token_as_long_as_it_holds() {
        let mut cache = Cache::new(10, 1 << 20);
        cache.insert(b"a", &until(100), 'a', 0, 50);
        assert_eq!(cache.get(b"a", 50, 0), Some(&'a'));
        assert_eq!(cache.get(b"b", 50, 0), None);
        assert_eq!(cache.get(b"a", 99, 7), Some(&'a'));
        assert_eq!(cache.get(b"a", 100, 0), None);
        assert_eq!(cache.count(), 0);
        cache.insert(b"a", &until(100), 'a', 0, 50);
        assert_eq!(cache.get(b"a", 9, 0), None, "the clock was set back before its beginning");
    }

    #[test]
    fn keeps_a_token_as_long_as_its_keys() {
        let mut cache = Cache::new(10, 1 << 20);
        cache.insert(b"a", &of_version(3), 'a', 0, 50);
        assert_eq!(cache.get(b"a", 50, 3), Some(&'a'));
        assert_eq!(cache.get(b"a", 50, 4), None);
        assert_eq!(cache.get(b"a", 50, 3), None);
    }

    #[test]
    fn holds_to_its_count_and_keeps_what_is_used() {
        let mut cache = Cache::new(100, 1 << 20);
        cache.insert(b"mine", &until(1_000), 0, 0, 50);
        for number in 0_u32..10_000 {
            assert_eq!(cache.get(b"mine", 50, 0), Some(&0), "after {number} others");
            cache.insert(&number.to_be_bytes(), &until(1_000), 1, 0, 50);
            assert!(cache.count() <= 100);
        }
        assert_whole(&cache);
    }

    #[test]
    fn holds_to_its_bytes() {
        let mut cache = Cache::new(1_000, 64 * 1024);
        for number in 0_u32..1_000 {
            cache.insert(&number.to_be_bytes(), &until(1_000), (), 3_000, 50);
            assert!(cache.bytes() <= 64 * 1024);
        }
        assert!(cache.count() > 10);
        cache.insert(b"huge", &until(1_000), (), 64 * 1024, 50);
        assert_eq!(cache.get(b"huge", 50, 0), None);
        assert_whole(&cache);
    }

    #[test]
    fn a_cache_of_none_keeps_none() {
        let mut cache = Cache::new(0, 1 << 20);
        cache.insert(b"a", &until(1_000), (), 0, 50);
        assert_eq!(cache.get(b"a", 50, 0), None);
    }

    #[test]
    fn is_a_map_that_forgets() {
        let mut random = 1_u64;
        let mut next = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let mut cache = Cache::new(16, 1 << 20);
        for _ in 0..20_000 {
            let (token, now_s) = (next(64).to_be_bytes(), 20 + next(100));
            match next(2) {
                0 => cache.insert(&token, &until(60 + next(40)), token, 0, now_s),
                _ => assert!(cache.get(&token, now_s, 0).is_none_or(|made| *made == token)),
            }
        }
        assert_whole(&cache);
    }
}
