//! What rate limits and concurrency limits hold, by the names of their filters.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::report::OTHER;
use super::state::State;
use crate::meters::{FilterBlock, Named};
use crate::snapshot::filter::Step;

/// One limit, or all beyond the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimiterSum {
    /// Of a rate limit; none of a concurrency limit.
    pub rate: Option<RateSum>,
    /// Of a concurrency limit; none of a rate limit.
    pub concurrency: Option<ConcurrencySum>,
    /// Bytes of its table that were taken.
    pub memory_bytes: u64,
}

/// What a rate limit holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSum {
    /// Places that belong to a key.
    pub keys: u64,
    /// Times that a new key took over the place of one that still owed something.
    pub evictions: u64,
}

/// What a concurrency limit holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConcurrencySum {
    /// Requests under way.
    pub active: u64,
    /// Requests that were refused because their key found no place.
    pub no_room: u64,
}

/// The limits of the newest snapshot, by name.
pub fn gather(state: &State, named: &[Named<FilterBlock>]) -> BTreeMap<Box<str>, LimiterSum> {
    let mut sums: BTreeMap<Box<str>, LimiterSum> = BTreeMap::new();
    let Some(snapshot) = state.newest() else { return sums };
    let names: HashMap<_, _> = named
        .iter()
        .map(|named| (Arc::as_ptr(&named.series), named.name.as_deref().unwrap_or(OTHER)))
        .collect();
    for filter in snapshot.filters.iter() {
        let name = names.get(&Arc::as_ptr(&filter.series)).copied().unwrap_or(OTHER);
        let workers = 0..state.blocks.len();
        let blocks = || workers.clone().flat_map(|worker| filter.series.read(worker));
        let mut sum = LimiterSum::default();
        if let Step::RateLimit(limit) = &filter.step {
            let usage = limit.rates.usage();
            sum.rate = Some(RateSum { keys: usage.keys, evictions: usage.evictions });
            sum.memory_bytes = usage.bytes;
        } else if let Step::ConcurrencyLimit(limit) = &filter.step {
            let active = blocks().map(|block| block.held.read()).sum();
            let no_room = limit.tally.no_room_count();
            sum.concurrency = Some(ConcurrencySum { active, no_room });
            sum.memory_bytes = limit.tally.bytes();
        } else {
            continue;
        }
        sums.entry(name.into()).or_default().add(&sum, name == OTHER);
    }
    sums
}

impl LimiterSum {
    /// Adds another limit. Those beyond the cap have one series, whose counts stand in each.
    fn add(&mut self, other: &LimiterSum, shares_series: bool) {
        if let Some(rate) = other.rate {
            let sum = self.rate.get_or_insert_default();
            sum.keys += rate.keys;
            sum.evictions += rate.evictions;
        }
        if let Some(concurrency) = other.concurrency {
            let sum = self.concurrency.get_or_insert_default();
            sum.active = match shares_series {
                true => concurrency.active,
                false => sum.active + concurrency.active,
            };
            sum.no_room += concurrency.no_room;
        }
        self.memory_bytes += other.memory_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::WorkerBlock;
    use crate::config::{
        ConcurrencyLimitConfig, GatewayConfig, Middleware, RateLimitConfig, Route, StaticResponse,
    };
    use crate::quota::{Entered, Rate};
    use crate::snapshot::{Lineage, Meters, Plan, Resolved};
    use std::sync::atomic::AtomicU64;

    #[test]
    fn tells_what_each_limit_holds() {
        let rate = RateLimitConfig { requests_per_second: 1, ..RateLimitConfig::default() };
        let concurrency =
            ConcurrencyLimitConfig { max_requests: 3, ..ConcurrencyLimitConfig::default() };
        let config = GatewayConfig {
            routes: vec![Route {
                id: "a".into(),
                path: "/".into(),
                respond: Some(StaticResponse::default()),
                middlewares: vec![
                    Middleware::RateLimit(rate),
                    Middleware::ConcurrencyLimit(concurrency),
                ],
                ..Route::default()
            }],
            ..GatewayConfig::default()
        };
        let meters = Meters::new(2);
        let mut lineage = Lineage::new(Arc::clone(&meters), 2);
        let mut plan = Plan::new(&config).expect("no fault");
        plan.enlist(&lineage, 1);
        let snapshot = Arc::new(plan.snapshot(&mut lineage, &Resolved::new(), 1));
        let blocks = (0..2).map(WorkerBlock::new).collect();
        let state = State::new(blocks, Arc::new(AtomicU64::new(0)), meters);
        assert_eq!(gather(&state, &state.series().filters), BTreeMap::new());
        for filter in snapshot.filters.iter() {
            match &filter.step {
                Step::RateLimit(limit) => {
                    let second = Rate { interval_ns: 1_000_000_000, burst: 1 };
                    assert_eq!(limit.rates.take(9, 1, &second, 1, 1).tokens, 1);
                }
                Step::ConcurrencyLimit(limit) => {
                    assert!(matches!(limit.tally.enter(9, 3), Entered::Place(_)));
                    filter.series.of(0).held.add(1);
                }
                other => panic!("{other:?}"),
            }
        }
        state.install(snapshot);
        let sums = gather(&state, &state.series().filters);
        let rate = &sums["rate_limit@a"];
        assert_eq!(rate.rate, Some(RateSum { keys: 1, evictions: 0 }));
        assert_eq!(rate.concurrency, None);
        assert!(rate.memory_bytes >= 4096);
        let concurrency = &sums["concurrency_limit@a"];
        assert_eq!(concurrency.concurrency, Some(ConcurrencySum { active: 1, no_room: 0 }));
    }
}
