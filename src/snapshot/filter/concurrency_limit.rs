//! How many requests of one key may be under way at once.

use super::Place;
use super::limit_key::LimitKey;
use crate::config::{ConcurrencyLimitConfig, Fault};
use crate::quota::{Secret, Tally};
use std::sync::Arc;

/// How many requests of one key may be under way at once.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    /// What is counted together.
    pub key: LimitKey,
    /// Requests under way, for all workers together.
    pub requests_max: u64,
    /// Whether it only counts what it would refuse.
    pub is_shadow: bool,
    /// What workers count together; that of the predecessor where it counts by the same key.
    pub tally: Arc<Tally>,
    memory_bytes: u64,
}

impl ConcurrencyLimit {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ConcurrencyLimitConfig,
        // All faults of it show without the rest of the configuration.
        _: &Place<'_>,
        _: &mut Vec<Fault>,
    ) -> Option<ConcurrencyLimit> {
        let ConcurrencyLimitConfig { key_strategy, scope, missing, ipv6_prefix, .. } = config;
        Some(ConcurrencyLimit {
            key: LimitKey::new(key_strategy, *scope, *missing, *ipv6_prefix),
            requests_max: config.max_requests,
            is_shadow: config.shadow,
            tally: Arc::new(Tally::new(config.memory, Secret::random())),
            memory_bytes: config.memory,
        })
    }

    /// Goes on with what is counted, where that is by the same key and in as much memory.
    pub(super) fn succeed(&mut self, old: &ConcurrencyLimit) {
        if self.key.counts_as(&old.key) && self.memory_bytes == old.memory_bytes {
            self.tally = Arc::clone(&old.tally);
        }
    }
}
