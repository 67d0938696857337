//! Clusters for the tests of balancers.

use super::{EndpointSet, LoadBalancer};
use crate::snapshot::{Balance, Cluster, Endpoint, UpstreamId};
use std::net::SocketAddr;

/// Endpoints of the given weights, each with its place as identity.
pub(super) fn endpoints(weights: &[u32]) -> Box<[Endpoint]> {
    let weighted = weights.iter().zip(0..);
    weighted.map(|(weight, place)| endpoint(*weight, place)).collect()
}

/// Endpoints of weight 1 whose identity is their name.
pub(super) fn named(names: &[&str]) -> Box<[Endpoint]> {
    names.iter().map(|name| endpoint(1, name.bytes().map(u64::from).sum())).collect()
}

pub(super) fn cluster(balance: Balance, weights: &[u32]) -> Cluster {
    Cluster {
        name: "test".into(),
        slot: 0,
        upstreams: 0..weights.len(),
        endpoints: endpoints(weights),
        balance,
        connections_max: 1,
        idle_connections_max: 1,
        is_unresolved: false,
    }
}

/// The endpoints of so many picks with nothing tried.
pub(super) fn picks(
    balancer: &mut impl LoadBalancer,
    endpoints: &[Endpoint],
    count: usize,
) -> Vec<u32> {
    let picks = std::iter::repeat_with(|| balancer.pick(endpoints, &EndpointSet::EMPTY));
    picks.take(count).map(|pick| pick.expect("an endpoint with weight").0).collect()
}

fn endpoint(weight: u32, identity: u64) -> Endpoint {
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    Endpoint { address, upstream: UpstreamId(0), weight, identity }
}
