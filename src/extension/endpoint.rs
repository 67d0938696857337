//! The endpoints of a cluster, as balancers see them.

use crate::limits;
use std::net::SocketAddr;

/// An index into the upstreams of one configuration: the same whatever the names resolve to, and
/// another in the next configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(pub u32);

/// The place of an endpoint among the [`Endpoints`] of one cluster at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub u32);

/// One address that requests are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where to connect.
    pub address: SocketAddr,
    /// Whose address it is: the addresses that one name resolved to have the same.
    pub upstream: UpstreamId,
    /// The upstream's weight, shared by its addresses; 0 is never picked.
    pub weight: u32,
    /// A hash of address and upstream name, the same in every generation and configuration: by it
    /// what a balancer knows of an endpoint survives a change.
    pub identity: u64,
}

/// The endpoints of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints<'a> {
    list: &'a [Endpoint],
}

impl<'a> Endpoints<'a> {
    /// These, by their places.
    pub fn new(list: &'a [Endpoint]) -> Endpoints<'a> {
        Endpoints { list }
    }

    /// How many there are; at most 256.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The endpoint in a place.
    pub fn get(&self, id: EndpointId) -> Option<&'a Endpoint> {
        self.list.get(id.0 as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (EndpointId, &'a Endpoint)> {
        (0..).map(EndpointId).zip(self.list)
    }

    /// Those that may be picked: they have a weight, and were not tried.
    pub fn eligible(
        &self,
        tried: &EndpointSet,
    ) -> impl Iterator<Item = (EndpointId, &'a Endpoint)> {
        self.iter().filter(|(id, endpoint)| endpoint.weight != 0 && !tried.contains(*id))
    }

    /// The place of the endpoint with this identity.
    pub fn place_of(&self, identity: u64) -> Option<EndpointId> {
        self.iter().find(|(_, endpoint)| endpoint.identity == identity).map(|(id, _)| id)
    }
}

/// Endpoints that were tried: a bit for each that a cluster can have.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_every_endpoint_of_a_full_cluster() {
        let mut set = EndpointSet::EMPTY;
        for (index, id) in (0..).map(EndpointId).take(limits::ENDPOINTS_COUNT_MAX).enumerate() {
            assert!(!set.contains(id));
            set.insert(id);
            assert!(set.contains(id));
            assert_eq!(set.count(), index + 1);
        }
        assert!(!set.contains(EndpointId(u32::MAX)));
    }

    #[test]
    fn what_was_tried_or_has_no_weight_is_not_eligible() {
        let endpoint = |identity: u64, weight: u32| Endpoint {
            address: ([10, 0, 0, 1], 80).into(),
            upstream: UpstreamId(0),
            weight,
            identity,
        };
        let list = [endpoint(7, 1), endpoint(8, 0), endpoint(9, 2)];
        let endpoints = Endpoints::new(&list);
        let mut tried = EndpointSet::EMPTY;
        tried.insert(EndpointId(0));
        let left: Vec<u64> = endpoints.eligible(&tried).map(|(_, one)| one.identity).collect();
        assert_eq!(left, [9]);
        assert_eq!(endpoints.place_of(9), Some(EndpointId(2)));
        assert_eq!(endpoints.get(EndpointId(3)), None);
    }
}
