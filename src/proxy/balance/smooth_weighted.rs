//! Smooth weighted round robin, nginx's algorithm (`ngx_http_upstream_round_robin.c`, commit
//! 52327e0627f4, "Upstream: smooth weighted round-robin balancing", 2012).
//!
//! At each pick every endpoint that may be picked gains its weight; the richest is picked and pays
//! the sum of what was gained. With weights 5, 1, 1 the sequence is a a b a c a a instead of
//! a a a a a b c. An endpoint that was tried gains nothing, as in nginx, so a failing one is not
//! owed requests later.

use super::{EndpointSet, LoadBalancer, endpoint_id};
use crate::snapshot::{Endpoint, EndpointId};

/// Endpoints in proportion to their weights, the heavy ones spread out.
#[derive(Clone, Debug)]
pub struct SmoothWeighted {
    /// What each endpoint has gained less what it paid, by [`EndpointId`]. Between -sum and +sum of
    /// the weights, which 256 weights of 32 bits keep far from the ends of an i64.
    credits: Vec<i64>,
}

/// Most picks that a start skips: enough that the workers of a large machine start apart, and cheap
/// for a configuration with thousands of clusters.
const SKIPPED_PICKS_MAX: u64 = 127;

impl SmoothWeighted {
    /// Starts as many picks into the sequence as a spread seed says.
    pub fn new(endpoints: &[Endpoint], seed: u64) -> SmoothWeighted {
        let mut balancer = SmoothWeighted { credits: vec![0; endpoints.len()] };
        let weights: u64 = endpoints.iter().map(|endpoint| u64::from(endpoint.weight)).sum();
        for _ in 0..seed % weights.clamp(1, SKIPPED_PICKS_MAX) {
            // What is skipped is not sent anywhere.
            let _ = balancer.pick(endpoints, &EndpointSet::EMPTY);
        }
        balancer
    }
}

impl LoadBalancer for SmoothWeighted {
    fn pick(&mut self, endpoints: &[Endpoint], tried: &EndpointSet) -> Option<EndpointId> {
        debug_assert_eq!(self.credits.len(), endpoints.len());
        let mut gained = 0;
        let mut best: Option<(usize, i64)> = None;
        for (index, (endpoint, credit)) in endpoints.iter().zip(&mut self.credits).enumerate() {
            if endpoint.weight == 0 || tried.contains(endpoint_id(index)?) {
                continue;
            }
            *credit += i64::from(endpoint.weight);
            gained += i64::from(endpoint.weight);
            if best.is_none_or(|(_, most)| *credit > most) {
                best = Some((index, *credit));
            }
        }
        let (index, _) = best?;
        *self.credits.get_mut(index)? -= gained;
        endpoint_id(index)
    }

    fn install(&mut self, previous: &[Endpoint], next: &[Endpoint]) {
        if previous == next {
            return;
        }
        let kept = next.iter().map(|endpoint| {
            let mut known = previous.iter().zip(&self.credits);
            let kept = known.find(|(before, _)| before.identity == endpoint.identity);
            kept.map(|(_, credit)| *credit)
        });
        let kept: Vec<Option<i64>> = kept.collect();
        let known_count = i64::try_from(kept.iter().flatten().count()).unwrap_or(i64::MAX).max(1);
        let sum: i64 = kept.iter().flatten().sum();
        // Credits add up to nothing between picks. What the endpoints that left took with them is
        // made up for by those that stay, so that a new one, which starts with nothing, is neither
        // starved nor flooded.
        let mut rest = sum % known_count;
        let credits = kept.into_iter().map(|credit| match credit {
            Some(credit) => credit - sum / known_count - std::mem::take(&mut rest),
            None => 0,
        });
        self.credits = credits.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{endpoints, named, picks};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gives_nginx_s_sequence() {
        let endpoints = endpoints(&[5, 1, 1]);
        let mut balancer = SmoothWeighted::new(&endpoints, 0);
        assert_eq!(picks(&mut balancer, &endpoints, 7), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(balancer.credits, [0, 0, 0]);
        assert_eq!(picks(&mut balancer, &endpoints, 7), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_seed_starts_inside_the_same_sequence() {
        let endpoints = endpoints(&[5, 1, 1]);
        let mut balancer = SmoothWeighted::new(&endpoints, 7 + 2);
        assert_eq!(picks(&mut balancer, &endpoints, 7), [1, 0, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn never_picks_weight_zero() {
        let endpoints = endpoints(&[0, 2, 0, 1]);
        let mut balancer = SmoothWeighted::new(&endpoints, 3);
        let picks = picks(&mut balancer, &endpoints, 300);
        assert_eq!(picks.iter().filter(|pick| **pick == 1).count(), 200);
        assert_eq!(picks.iter().filter(|pick| **pick == 3).count(), 100);
    }

    #[test]
    fn passes_over_what_was_tried_until_all_were() {
        let endpoints = endpoints(&[70, 30, 0]);
        let mut balancer = SmoothWeighted::new(&endpoints, 0);
        let mut tried = EndpointSet::EMPTY;
        for want in [0, 1] {
            let id = balancer.pick(&endpoints, &tried).expect("one is left");
            assert_eq!(id, EndpointId(want));
            tried.insert(id);
        }
        assert_eq!(balancer.pick(&endpoints, &tried), None);
        assert_eq!(SmoothWeighted::new(&[], 9).pick(&[], &tried), None);
    }

    #[test]
    fn credits_stay_with_endpoints_that_remain() {
        let before = named(&["a", "b", "c"]);
        let mut balancer = SmoothWeighted::new(&before, 0);
        picks(&mut balancer, &before, 1);
        assert_eq!(balancer.credits, [-2, 1, 1]);
        let after = named(&["c", "x", "a"]);
        balancer.install(&before, &after);
        // b left with 1 of the credits; c makes up for it.
        assert_eq!(balancer.credits, [2, 0, -2]);
    }

    proptest! {
        #[test]
        fn a_whole_cycle_has_each_endpoint_as_often_as_its_weight(
            weights in prop::collection::vec(0u32..20, 1..12),
            seed in any::<u64>(),
        ) {
            let endpoints = endpoints(&weights);
            let cycle: u32 = weights.iter().sum();
            let mut balancer = SmoothWeighted::new(&endpoints, seed);
            let picks = picks(&mut balancer, &endpoints, cycle as usize);
            for (index, weight) in weights.iter().enumerate() {
                let count = picks.iter().filter(|pick| **pick as usize == index).count();
                prop_assert_eq!(count, *weight as usize);
            }
        }
    }
}
