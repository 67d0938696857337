//! How many requests of one key pass in a time.

use super::Place;
use super::limit_key::LimitKey;
use crate::config::{Fault, RateLimitConfig, nearest};
use crate::quota::{Rate, Rates, Secret};
use crate::snapshot::route_names;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many requests of one key pass in a time.
#[derive(Debug)]
pub struct RateLimit {
    /// What is counted together.
    pub key: LimitKey,
    /// For all workers together.
    pub rate: Rate,
    /// The largest cost of a request.
    pub cost_max: u32,
    /// Whether it only counts what it would refuse.
    pub is_shadow: bool,
    /// Whether answers tell what is left.
    pub has_headers: bool,
    /// What workers count together; that of the predecessor where it counts by the same key.
    pub rates: Arc<Rates>,
    memory_bytes: u64,
    cost: u32,
    costs: BTreeMap<String, u32>,
}

impl RateLimit {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RateLimitConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<RateLimit> {
        if !config.costs.is_empty() {
            let names = route_names(place.config);
            for route in config.costs.keys().filter(|route| !names.contains(route)) {
                let nearest = nearest(route, names.iter().map(String::as_str)).map(str::to_owned);
                let message = format!("no route has the name `{}`", route.escape_debug());
                let path = format!("{}.costs", place.path);
                faults.push(Fault { nearest, ..Fault::new(path, message) });
            }
        }
        let RateLimitConfig { key_strategy, scope, missing, ipv6_prefix, .. } = config;
        Some(RateLimit {
            key: LimitKey::new(key_strategy, *scope, *missing, *ipv6_prefix),
            rate: Rate { interval_ns: config.interval_ns().max(1), burst: config.burst() },
            cost_max: config.costs.values().copied().chain([config.cost]).max().unwrap_or(1),
            is_shadow: config.shadow,
            has_headers: config.headers,
            rates: Arc::new(Rates::new(config.memory, Secret::random())),
            memory_bytes: config.memory,
            cost: config.cost,
            costs: config.costs.clone(),
        })
    }

    /// What a request of this route costs.
    pub(super) fn cost(&self, route: &str) -> u32 {
        self.costs.get(route).copied().unwrap_or(self.cost)
    }

    /// Goes on with what was counted, where that was by the same key and in as much memory.
    pub(super) fn succeed(&mut self, old: &RateLimit) {
        if self.key.counts_as(&old.key) && self.memory_bytes == old.memory_bytes {
            self.rates = Arc::clone(&old.rates);
        }
    }
}
