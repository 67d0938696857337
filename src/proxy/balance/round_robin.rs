//! One after the other.

use super::{EndpointSet, LoadBalancer, endpoint_id};
use crate::snapshot::{Endpoint, EndpointId};

/// Endpoints in turn, whatever their weight, except that weight 0 is never picked.
#[derive(Clone, Debug)]
pub struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    /// Starts at the endpoint that a spread seed says.
    pub fn new(endpoints: &[Endpoint], seed: u64) -> RoundRobin {
        let count = u64::try_from(endpoints.len()).unwrap_or(u64::MAX).max(1);
        RoundRobin { next: usize::try_from(seed % count).unwrap_or(0) }
    }
}

impl LoadBalancer for RoundRobin {
    fn pick(&mut self, endpoints: &[Endpoint], tried: &EndpointSet) -> Option<EndpointId> {
        let (before, after) = endpoints.split_at_checked(self.next).unwrap_or((&[], endpoints));
        let from = endpoints.len() - after.len();
        let in_turn = after.iter().zip(from..).chain(before.iter().zip(0..));
        for (endpoint, index) in in_turn {
            let id = endpoint_id(index)?;
            if endpoint.weight != 0 && !tried.contains(id) {
                self.next = index + 1;
                return Some(id);
            }
        }
        None
    }

    fn install(&mut self, previous: &[Endpoint], next: &[Endpoint]) {
        // The turn is that of the first endpoint, from the one whose turn it is on, that remains.
        let (before, after) = previous.split_at_checked(self.next).unwrap_or((&[], previous));
        let mut in_turn = after.iter().chain(before);
        let place = in_turn
            .find_map(|endpoint| next.iter().position(|other| other.identity == endpoint.identity));
        self.next = place.unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{endpoints, named, picks};
    use super::*;

    #[test]
    fn takes_endpoints_in_turn() {
        let endpoints = endpoints(&[1, 1, 1]);
        let mut balancer = RoundRobin::new(&endpoints, 0);
        assert_eq!(picks(&mut balancer, &endpoints, 7), [0, 1, 2, 0, 1, 2, 0]);
        let mut balancer = RoundRobin::new(&endpoints, 5);
        assert_eq!(picks(&mut balancer, &endpoints, 3), [2, 0, 1]);
    }

    #[test]
    fn ignores_weights_but_zero() {
        let endpoints = endpoints(&[9, 0, 1]);
        let mut balancer = RoundRobin::new(&endpoints, 1);
        assert_eq!(picks(&mut balancer, &endpoints, 4), [2, 0, 2, 0]);
    }

    #[test]
    fn picks_nothing_of_nothing() {
        let mut balancer = RoundRobin::new(&[], 7);
        assert_eq!(balancer.pick(&[], &EndpointSet::EMPTY), None);
        let endpoints = endpoints(&[0, 0]);
        assert_eq!(balancer.pick(&endpoints, &EndpointSet::EMPTY), None);
    }

    #[test]
    fn passes_over_what_was_tried_until_all_were() {
        let endpoints = endpoints(&[1, 1, 1]);
        let mut balancer = RoundRobin::new(&endpoints, 1);
        let mut tried = EndpointSet::EMPTY;
        for want in [1, 2, 0] {
            let id = balancer.pick(&endpoints, &tried).expect("one is left");
            assert_eq!(id, EndpointId(want));
            tried.insert(id);
        }
        assert_eq!(balancer.pick(&endpoints, &tried), None);
    }

    #[test]
    fn keeps_its_turn_when_endpoints_come_and_go() {
        let before = named(&["a", "b", "c", "d"]);
        let after = named(&["x", "d", "b", "a"]);
        let mut balancer = RoundRobin::new(&before, 2);
        balancer.install(&before, &after);
        // It was the turn of c, which is gone, so it is that of d.
        assert_eq!(picks(&mut balancer, &after, 4), [1, 2, 3, 0]);
        balancer.install(&after, &[]);
        assert_eq!(balancer.pick(&[], &EndpointSet::EMPTY), None);
        balancer.install(&[], &before);
        assert_eq!(picks(&mut balancer, &before, 2), [0, 1]);
    }
}
