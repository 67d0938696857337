//! What is known of the keys that are fetched, for metrics and statistics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Of each place of keys, by its name.
#[derive(Default)]
pub struct Ledger(Mutex<BTreeMap<Box<str>, Status>>);

/// How a place of keys is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Keys that are in use; 0 while none came yet.
    pub keys: u64,
    /// Fetches that brought keys.
    pub fetched: u64,
    /// Fetches that did not.
    pub failed: u64,
    /// Whether the last one did not.
    pub failing: bool,
}

impl Ledger {
    /// A fetch brought so many keys.
    pub fn fetched(&self, name: &str, keys_count: usize) {
        let mut rows = self.rows();
        let status = rows.entry(name.into()).or_default();
        status.keys = keys_count as u64;
        status.fetched += 1;
        status.failing = false;
    }

    /// A fetch brought none; those that are known stay.
    pub fn failed(&self, name: &str) {
        let mut rows = self.rows();
        let status = rows.entry(name.into()).or_default();
        status.failed += 1;
        status.failing = true;
    }

    /// Forgets all places but those with these names.
    pub fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        self.rows().retain(|name, _| is_kept(name));
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> BTreeMap<Box<str>, Status> {
        self.rows().clone()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Status>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
