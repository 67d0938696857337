//! Host to tree: one hash of the name, and one of each suffix that some wildcard could be.

use super::RouteId;
use crate::limits;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

/// The trees of the hosts.
#[derive(Debug)]
pub(super) struct Index {
    /// Exact names and, with their leading dot, the suffixes of wildcards: one table for both,
    /// because no exact name begins with a dot.
    table: HashTable<u32>,
    hosts: Vec<Host>,
    text: Vec<u8>,
    /// Which byte lengths wildcard suffixes have: others are not looked up.
    wildcard_lengths: Lengths,
    any: Option<u32>,
    random: SeedableRandomState,
}

#[derive(Debug)]
struct Host {
    text_start: u32,
    text_bytes: u32,
    root: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lengths([u64; 4]);

const _: () = assert!(limits::HOST_BYTES_MAX < 4 * 64);

impl Index {
    /// An index of the given keys (see `pattern::parse_host`) and the root for every host.
    pub(super) fn new<'a>(
        keys: impl Iterator<Item = (&'a str, u32)>,
        any: Option<u32>,
    ) -> Index {
        let mut index = Index {
            table: HashTable::new(),
            hosts: Vec::new(),
            text: Vec::new(),
            wildcard_lengths: Lengths::default(),
            any,
            random: random_state(),
        };
        for (key, root) in keys {
            index.insert(key.as_bytes(), root);
        }
        index.hosts.shrink_to_fit();
        index.text.shrink_to_fit();
        index
    }

    /// Tries the trees of a host, the most specific first, until one answers.
    pub(super) fn roots(
        &self,
        host: Option<&[u8]>,
        mut find: impl FnMut(u32) -> Option<RouteId>,
    ) -> Option<RouteId> {
        if !self.hosts.is_empty() {
            let mut buffer = [0; limits::HOST_BYTES_MAX];
            let name = host.and_then(|host| normalise(host, &mut buffer)).unwrap_or_default();
            if let Some(route) = self.root(name).and_then(&mut find) {
                return Some(route);
            }
            if self.wildcard_lengths != Lengths::default() {
                let found = self.wildcards(name, &mut find);
                if found.is_some() {
                    return found;
                }
            }
        }
        self.any.and_then(find)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.table.allocation_size()
            + self.hosts.capacity() * size_of::<Host>()
            + self.text.capacity()
    }

    /// At most 127 lookups, for a name of one-byte labels and wildcards of every length.
    fn wildcards(
        &self,
        name: &[u8],
        mut find: impl FnMut(u32) -> Option<RouteId>,
    ) -> Option<RouteId> {
        for dot in memchr::memchr_iter(b'.', name) {
            // A dot at the start would leave no label for the `*`.
            let suffix = name.get(dot..).filter(|_| dot > 0).unwrap_or_default();
            if self.wildcard_lengths.contains(suffix.len())
                && let Some(route) = self.root(suffix).and_then(&mut find)
            {
                return Some(route);
            }
        }
        None
    }

    fn root(&self, key: &[u8]) -> Option<u32> {
        let hash = hash(&self.random, key);
        let found = self.table.find(hash, |host| self.text(*host) == Some(key))?;
        self.hosts.get(*found as usize).map(|host| host.root)
    }

    fn text(&self, host: u32) -> Option<&[u8]> {
        text(&self.hosts, &self.text, host)
    }

    fn insert(&mut self, key: &[u8], root: u32) {
        if key.first() == Some(&b'.') {
            self.wildcard_lengths.insert(key.len());
        }
        let id = u32::try_from(self.hosts.len()).expect("fewer hosts than routes, which are u32");
        let text_start = u32::try_from(self.text.len()).expect("host text below 4 GiB");
        let text_bytes = u32::try_from(key.len()).expect("a host is at most HOST_BYTES_MAX");
        self.hosts.push(Host { text_start, text_bytes, root });
        self.text.extend_from_slice(key);
        let (random, hosts, all) = (&self.random, &self.hosts, &self.text);
        let rehash = |id: &u32| hash(random, text(hosts, all, *id).unwrap_or_default());
        self.table.insert_unique(hash(random, key), id, rehash);
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

fn text<'a>(hosts: &[Host], text: &'a [u8], host: u32) -> Option<&'a [u8]> {
    let host = hosts.get(host as usize)?;
    text.get(host.text_start as usize..)?.get(..host.text_bytes as usize)
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

/// A host as received, without port and trailing dot, in lower case; none if it cannot be the
/// host of a route.
fn normalise<'a>(host: &[u8], buffer: &'a mut [u8; limits::HOST_BYTES_MAX]) -> Option<&'a [u8]> {
    let end = if host.first() == Some(&b'[') {
        memchr::memchr(b']', host).map(|bracket| bracket + 1)
    } else {
        memchr::memchr(b':', host)
    };
    let name = host.get(..end.unwrap_or(host.len()))?;
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.first() == Some(&b'.') {
        // Not a name, and it must not meet the key of a wildcard.
        return None;
    }
    let out = buffer.get_mut(..name.len())?;
    out.copy_from_slice(name);
    out.make_ascii_lowercase();
    Some(out)
}
