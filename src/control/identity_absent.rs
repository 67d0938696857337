//! Keys of issuers, in a build without the feature `authentication`: none are fetched.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::ledger::Ledger;
use super::questions::KeysAsked;
use crate::jwt::KeySource;
use crate::snapshot::KeySets;

/// How often keys are fetched.
#[derive(Default)]
pub struct Pace;

/// Places of keys: none.
pub struct Identities;

impl Identities {
    /// Nothing to fetch.
    pub fn new(_: Arc<Ledger>, _: mpsc::Receiver<KeysAsked>, _: Pace) -> Identities {
        Identities
    }

    /// There are no such places.
    pub fn add(&mut self, _: impl IntoIterator<Item = Arc<KeySource>>) {}

    /// There are no such places.
    pub fn retain(&mut self, _: &BTreeSet<Arc<KeySource>>) {}

    /// Nothing is waited for.
    pub async fn first(&mut self) {}

    /// Waits for ever.
    pub async fn changed(&mut self) {
        pending().await
    }

    /// None.
    pub fn key_sets(&mut self) -> KeySets {
        KeySets::new()
    }
}
