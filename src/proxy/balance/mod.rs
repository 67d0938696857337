//! Which endpoint of a cluster takes a request: one balancer for each worker and cluster, owned by
//! the worker, so no counter is shared and nothing is atomic.

pub mod attempts;
mod round_robin;
mod smooth_weighted;
#[cfg(test)]
mod fixture;

pub use round_robin::RoundRobin;
pub use smooth_weighted::SmoothWeighted;

use crate::limits;
use crate::snapshot::{Balance, Cluster, Endpoint, EndpointId};

/// Picks endpoints of one cluster.
pub trait LoadBalancer {
    /// The next endpoint that was not tried, or none if all were or none has a weight.
    ///
    /// `endpoints` are those that the balancer was made for or last installed with.
    fn pick(&mut self, endpoints: &[Endpoint], tried: &EndpointSet) -> Option<EndpointId>;

    /// Takes over the endpoints of a new snapshot. What is known of those that remain, by
    /// [`Endpoint::identity`], is kept.
    fn install(&mut self, previous: &[Endpoint], next: &[Endpoint]);
}

/// The balancer of one worker for one cluster.
#[derive(Clone, Debug)]
pub enum Balancer {
    /// [`Balance::RoundRobin`].
    RoundRobin(RoundRobin),
    /// [`Balance::SmoothWeighted`].
    SmoothWeighted(SmoothWeighted),
}

impl Balancer {
    /// A balancer that starts where `seed` says: workers are given different seeds, so that they do
    /// not all send their first request to the same endpoint and march on in step.
    pub fn new(cluster: &Cluster, seed: u64) -> Balancer {
        match cluster.balance {
            Balance::RoundRobin => {
                Balancer::RoundRobin(RoundRobin::new(&cluster.endpoints, mix(seed)))
            }
            Balance::SmoothWeighted => {
                Balancer::SmoothWeighted(SmoothWeighted::new(&cluster.endpoints, mix(seed)))
            }
        }
    }

    /// The next endpoint that was not tried, or none if all were or none has a weight.
    pub fn pick(&mut self, cluster: &Cluster, tried: &EndpointSet) -> Option<EndpointId> {
        match self {
            Balancer::RoundRobin(balancer) => balancer.pick(&cluster.endpoints, tried),
            Balancer::SmoothWeighted(balancer) => balancer.pick(&cluster.endpoints, tried),
        }
    }

    /// Goes on with the same cluster of a new snapshot.
    pub fn install(&mut self, previous: &Cluster, next: &Cluster, seed: u64) {
        match (&mut *self, next.balance) {
            (Balancer::RoundRobin(balancer), Balance::RoundRobin) => {
                balancer.install(&previous.endpoints, &next.endpoints);
            }
            (Balancer::SmoothWeighted(balancer), Balance::SmoothWeighted) => {
                balancer.install(&previous.endpoints, &next.endpoints);
            }
            (Balancer::RoundRobin(_), Balance::SmoothWeighted)
            | (Balancer::SmoothWeighted(_), Balance::RoundRobin) => {
                *self = Balancer::new(next, seed);
            }
        }
    }
}

/// Endpoints of one cluster as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointSet([u64; limits::ENDPOINTS_COUNT_MAX / 64]);

impl EndpointSet {
    /// No endpoint.
    pub const EMPTY: EndpointSet = EndpointSet([0; limits::ENDPOINTS_COUNT_MAX / 64]);

    /// Adds an endpoint.
    pub fn insert(&mut self, endpoint: EndpointId) {
        // A cluster has at most ENDPOINTS_COUNT_MAX, which `snapshot::compile` holds.
        debug_assert!((endpoint.0 as usize) < limits::ENDPOINTS_COUNT_MAX);
        if let Some(word) = self.0.get_mut(endpoint.0 as usize / 64) {
            *word |= 1 << (endpoint.0 % 64);
        }
    }

    /// Whether an endpoint is in it.
    pub fn contains(&self, endpoint: EndpointId) -> bool {
        let word = self.0.get(endpoint.0 as usize / 64);
        word.is_some_and(|word| word & (1 << (endpoint.0 % 64)) != 0)
    }

    /// How many are in it.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// Spreads seeds that differ in a few bits, such as worker numbers, over all bits: the finalizer of
/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The id of the endpoint at a place of the list.
fn endpoint_id(index: usize) -> Option<EndpointId> {
    u32::try_from(index).ok().map(EndpointId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_every_endpoint_of_a_full_cluster() {
        let mut set = EndpointSet::EMPTY;
        for index in 0..limits::ENDPOINTS_COUNT_MAX {
            let id = endpoint_id(index).expect("a u32");
            assert!(!set.contains(id));
            set.insert(id);
            assert!(set.contains(id));
            assert_eq!(set.count(), index + 1);
        }
        assert!(!set.contains(EndpointId(u32::MAX)));
    }

    #[test]
    fn workers_start_at_different_endpoints() {
        let cluster = fixture::cluster(Balance::RoundRobin, &[1; 8]);
        let firsts: std::collections::BTreeSet<_> = (0..8)
            .filter_map(|worker| {
                Balancer::new(&cluster, worker).pick(&cluster, &EndpointSet::EMPTY)
            })
            .collect();
        assert!(firsts.len() >= 4, "{firsts:?}");
    }

    #[test]
    fn a_new_kind_of_balance_starts_afresh() {
        let before = fixture::cluster(Balance::RoundRobin, &[1, 1]);
        let after = fixture::cluster(Balance::SmoothWeighted, &[3, 1]);
        let mut balancer = Balancer::new(&before, 0);
        balancer.install(&before, &after, 0);
        assert!(matches!(balancer, Balancer::SmoothWeighted(_)));
        assert!(balancer.pick(&after, &EndpointSet::EMPTY).is_some());
    }
}
