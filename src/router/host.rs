//! Host to tree: one hash of the name, and one of each suffix that some wildcard could be.

use super::{RouteId, wide};
use crate::limits;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

/// The trees of the hosts.
#[derive(Debug)]
pub(super) struct Index {
    /// Places in `records` of exact names and, with their dot, the suffixes and prefixes of
    /// wildcards: one table for all, because no exact name begins or ends with a dot.
    table: HashTable<u32>,
    /// For each host its root in four bytes, the length of its key in one, and the key.
    records: Vec<u8>,
    /// Which byte lengths the suffixes of `*.example.com` have: others are not looked up.
    suffix_lengths: Lengths,
    /// The same of the prefixes of `api.*`.
    prefix_lengths: Lengths,
    any: Option<u32>,
    random: SeedableRandomState,
}

/// A name and the dot that may trail it.
const BUFFER_BYTES: usize = limits::HOST_BYTES_MAX + 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lengths([u64; 4]);

const _: () = assert!(limits::HOST_BYTES_MAX < 4 * 64);

impl Index {
    /// An index of the given keys (see `pattern::parse_host`) and the root for every host.
    pub(super) fn new<'a>(keys: impl Iterator<Item = (&'a str, u32)>, any: Option<u32>) -> Index {
        let mut index = Index {
            table: HashTable::new(),
            records: Vec::new(),
            suffix_lengths: Lengths::default(),
            prefix_lengths: Lengths::default(),
            any,
            random: random_state(),
        };
        for (key, root) in keys {
            index.insert(key.as_bytes(), root);
        }
        index.records.shrink_to_fit();
        index
    }

    /// Tries the trees of a host, the most specific first, until one answers.
    pub(super) fn roots(
        &self,
        host: Option<&[u8]>,
        mut find: impl FnMut(u32) -> Option<RouteId>,
    ) -> Option<RouteId> {
        if !self.table.is_empty() {
            let mut buffer = [0; BUFFER_BYTES];
            let name = host.and_then(|host| normalise(host, &mut buffer)).unwrap_or_default();
            if let Some(route) = self.root(name).and_then(&mut find) {
                return Some(route);
            }
            if self.suffix_lengths != Lengths::default() {
                let found = self.leading(name, &mut find);
                if found.is_some() {
                    return found;
                }
            }
            if self.prefix_lengths != Lengths::default() {
                let found = self.trailing(name, &mut find);
                if found.is_some() {
                    return found;
                }
            }
        }
        self.any.and_then(find)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.table.allocation_size() + self.records.capacity()
    }

    /// At most 127 lookups, for a name of one-byte labels and wildcards of every length.
    fn leading(
        &self,
        name: &[u8],
        mut find: impl FnMut(u32) -> Option<RouteId>,
    ) -> Option<RouteId> {
        for dot in memchr::memchr_iter(b'.', name) {
            // `normalise` lets no name begin with a dot, so a label is left for the `*`.
            let suffix = name.get(dot..).unwrap_or_default();
            if self.suffix_lengths.contains(suffix.len())
                && let Some(route) = self.root(suffix).and_then(&mut find)
            {
                return Some(route);
            }
        }
        None
    }

    /// As many lookups the other way.
    fn trailing(
        &self,
        name: &[u8],
        mut find: impl FnMut(u32) -> Option<RouteId>,
    ) -> Option<RouteId> {
        for dot in memchr::memrchr_iter(b'.', name) {
            let (prefix, rest) = name.split_at_checked(dot + 1)?;
            if !rest.is_empty()
                && self.prefix_lengths.contains(prefix.len())
                && let Some(route) = self.root(prefix).and_then(&mut find)
            {
                return Some(route);
            }
        }
        None
    }

    fn root(&self, key: &[u8]) -> Option<u32> {
        let is_key = |place: &u32| record(&self.records, *place).is_some_and(|(_, own)| own == key);
        let place = self.table.find(hash(&self.random, key), is_key)?;
        record(&self.records, *place).map(|(root, _)| root)
    }

    fn insert(&mut self, key: &[u8], root: u32) {
        if key.first() == Some(&b'.') {
            self.suffix_lengths.insert(key.len());
        }
        if key.last() == Some(&b'.') {
            self.prefix_lengths.insert(key.len());
        }
        let place = u32::try_from(self.records.len()).expect("a million hosts are below 4 GiB");
        let key_bytes = u8::try_from(key.len()).expect("a key is at most HOST_BYTES_MAX");
        self.records.extend_from_slice(&root.to_le_bytes());
        self.records.push(key_bytes);
        self.records.extend_from_slice(key);
        let (random, records) = (&self.random, &self.records);
        let rehash = |place: &u32| match record(records, *place) {
            Some((_, key)) => hash(random, key),
            None => 0,
        };
        self.table.insert_unique(hash(random, key), place, rehash);
    }
}

impl Lengths {
    fn insert(&mut self, bytes: usize) {
        if let Some(word) = self.0.get_mut(bytes / 64) {
            *word |= 1 << (bytes % 64);
        }
    }

    fn contains(&self, bytes: usize) -> bool {
        self.0.get(bytes / 64).is_some_and(|word| word & (1 << (bytes % 64)) != 0)
    }
}

/// The root and the key of the host at a place.
#[inline]
fn record(records: &[u8], place: u32) -> Option<(u32, &[u8])> {
    let (root, rest) = records.get(place as usize..)?.split_first_chunk::<4>()?;
    let (key_bytes, rest) = rest.split_first()?;
    Some((u32::from_le_bytes(*root), rest.get(..usize::from(*key_bytes))?))
}

fn hash(random: &SeedableRandomState, key: &[u8]) -> u64 {
    let mut hasher: FoldHasher<'_> = random.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// Seeded from the operating system once a process, so that nobody can prepare names that collide.
fn random_state() -> SeedableRandomState {
    static SEED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let seed = SEED.get_or_init(|| std::hash::RandomState::new().build_hasher().finish());
    SeedableRandomState::with_seed(*seed, foldhash::SharedSeed::global_random())
}

/// A host as received, without port and trailing dot, in lower case; none if it cannot be the host
/// of a route. Most hosts are all that already and are not copied.
fn normalise<'a>(host: &'a [u8], buffer: &'a mut [u8; BUFFER_BYTES]) -> Option<&'a [u8]> {
    let is_plain = |_, byte: u8| !(byte.is_ascii_uppercase() | (byte == b':'));
    let is_other = |this, next| !is_plain(this, next);
    let first = *host.first()?;
    let name = if is_plain(0, first) && first != b'[' && !wide::any_pair(host, is_other) {
        host
    } else {
        let end = if first == b'[' {
            memchr::memchr(b']', host).map(|bracket| bracket + 1)
        } else {
            memchr::memchr(b':', host)
        };
        let name = host.get(..end.unwrap_or(host.len()))?;
        let lower = buffer.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        lower
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    // A name that begins or ends with a dot is none, and it must not meet the key of a wildcard.
    let has_dot = name.first() == Some(&b'.') || name.last() == Some(&b'.');
    if has_dot || name.len() > limits::HOST_BYTES_MAX {
        return None;
    }
    Some(name)
}
