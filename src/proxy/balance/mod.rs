//! Which endpoint of a cluster takes a request: one balancer for each worker and cluster, owned by
//! the worker, so no counter is shared and nothing is atomic.

pub mod attempts;
mod custom;
mod round_robin;
mod smooth_weighted;
#[cfg(test)]
mod fixture;

pub use custom::Custom;
pub use round_robin::RoundRobin;
pub use smooth_weighted::SmoothWeighted;

pub use crate::extension::EndpointSet;
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
    /// [`Balance::Custom`].
    Custom(Custom),
}

impl Balancer {
    /// A balancer that starts where `seed` says: workers are given different seeds, so that they do
    /// not all send their first request to the same endpoint and march on in step.
    pub fn new(cluster: &Cluster, seed: u64) -> Balancer {
        match &cluster.balance {
            Balance::RoundRobin => {
                Balancer::RoundRobin(RoundRobin::new(&cluster.endpoints, mix(seed)))
            }
            Balance::SmoothWeighted => {
                Balancer::SmoothWeighted(SmoothWeighted::new(&cluster.endpoints, mix(seed)))
            }
            Balance::Custom(plan) => Balancer::Custom(Custom::new(plan, cluster, mix(seed), None)),
        }
    }

    /// The next endpoint that was not tried, or none if all were or none has a weight. `key` tells
    /// clients apart, for those who ask for it.
    pub fn pick(
        &mut self,
        cluster: &Cluster,
        key: impl FnOnce() -> u64,
        tried: &EndpointSet,
    ) -> Option<EndpointId> {
        match self {
            Balancer::RoundRobin(balancer) => balancer.pick(&cluster.endpoints, tried),
            Balancer::SmoothWeighted(balancer) => balancer.pick(&cluster.endpoints, tried),
            Balancer::Custom(balancer) => balancer.pick(&cluster.endpoints, key(), tried),
        }
    }

    /// Goes on with the same cluster of a new snapshot.
    pub fn install(&mut self, previous: &Cluster, next: &Cluster, seed: u64) {
        match (&mut *self, &next.balance) {
            (Balancer::RoundRobin(balancer), Balance::RoundRobin) => {
                balancer.install(&previous.endpoints, &next.endpoints);
            }
            (Balancer::SmoothWeighted(balancer), Balance::SmoothWeighted) => {
                balancer.install(&previous.endpoints, &next.endpoints);
            }
            (Balancer::Custom(balancer), Balance::Custom(plan)) => {
                balancer.install(plan, previous, next, mix(seed));
            }
            (Balancer::RoundRobin(_), Balance::SmoothWeighted | Balance::Custom(_))
            | (Balancer::SmoothWeighted(_), Balance::RoundRobin | Balance::Custom(_))
            | (Balancer::Custom(_), Balance::RoundRobin | Balance::SmoothWeighted) => {
                *self = Balancer::new(next, seed);
            }
        }
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
    fn workers_start_at_different_endpoints() {
        let cluster = fixture::cluster(Balance::RoundRobin, &[1; 8]);
        let firsts: std::collections::BTreeSet<_> = (0..8)
            .filter_map(|worker| {
                Balancer::new(&cluster, worker).pick(&cluster, || 0, &EndpointSet::EMPTY)
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
        assert!(balancer.pick(&after, || 0, &EndpointSet::EMPTY).is_some());
    }
}
