//! Which endpoint is tried: one pick, with nothing tried before.

use super::{Case, Round};

use frys_gateway::proxy::balance::{Balancer, EndpointSet};
use frys_gateway::snapshot::{Balance, Cluster, Endpoint, UpstreamId};

use std::hint::black_box;
use std::net::SocketAddr;

const PICKS_COUNT: u64 = 1024;

/// (the balance, its name, how many endpoints)
const CASES: [(Balance, &str, u32); 6] = [
    (Balance::RoundRobin, "round robin", 2),
    (Balance::RoundRobin, "round robin", 16),
    (Balance::RoundRobin, "round robin", 256),
    (Balance::SmoothWeighted, "smooth weighted", 2),
    (Balance::SmoothWeighted, "smooth weighted", 16),
    (Balance::SmoothWeighted, "smooth weighted", 256),
];

pub fn cases() -> Vec<Case> {
    let case = |(balance, name, count): (Balance, &str, u32)| {
        let name = format!("balance/{name}/{count}");
        Case::new(&name, PICKS_COUNT, move || picks(cluster(balance.clone(), count)))
    };
    CASES.into_iter().map(case).collect()
}

/// A balancer that weighs is given weights 1, 2, 3, 1, 2, 3 and so on.
fn cluster(balance: Balance, count: u32) -> Cluster {
    let endpoint = |place: u32| Endpoint {
        address: SocketAddr::from(([127, 0, 0, 1], 80)),
        upstream: UpstreamId(place),
        weight: if balance == Balance::SmoothWeighted { 1 + place % 3 } else { 1 },
        identity: u64::from(place),
    };
    Cluster {
        name: "bench".into(),
        upstreams: 0..count as usize,
        endpoints: (0..count).map(endpoint).collect(),
        balance,
        idle_connections_max: 1,
        slot: 0,
        connections_max: 1,
        is_unresolved: false,
    }
}

/// What is right is an endpoint of the cluster, and another than the one before.
fn picks(cluster: Cluster) -> Round {
    let mut balancer = Balancer::new(&cluster, 1);
    let is_weighed = cluster.balance == Balance::SmoothWeighted;
    let mut before = None;
    Box::new(move || {
        let mut right_count = 0;
        for _ in 0..PICKS_COUNT {
            let picked = balancer.pick(black_box(&cluster), || 0, &EndpointSet::EMPTY);
            let is_endpoint = picked.is_some_and(|id| (id.0 as usize) < cluster.endpoints.len());
            // Two endpoints of weights 1 and 2 cannot alternate.
            right_count += u64::from(is_endpoint && (is_weighed || picked != before));
            before = picked;
        }
        right_count
    })
}
