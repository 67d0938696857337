//! From upstreams and their addresses to the endpoints of a cluster.

use super::{Endpoint, UpstreamId};
use crate::limits;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};

/// An upstream of a cluster with what it resolved to.
pub(super) struct Source<'a> {
    pub(super) upstream: UpstreamId,
    /// `host:port`, what the endpoints' identity is made of besides their address.
    pub(super) name: &'a str,
    pub(super) addresses: &'a [IpAddr],
    pub(super) port: u16,
    pub(super) weight: u32,
}

/// What a weight is multiplied by before the addresses of its upstream share it: 7!, so that up to
/// ten addresses, and twelve, share it without a rest.
const SHARES: u64 = 5040;

/// The endpoints of a cluster: upstreams in their order, the addresses of each sorted, so that a
/// name server that rotates its answers changes nothing.
///
/// The addresses of an upstream share its weight: 70 and 30 stay 70 and 30 however many addresses
/// one of the names has. When all would be more than [`limits::ENDPOINTS_COUNT_MAX`], every
/// upstream has the same bound, and addresses beyond it are not used.
pub(super) fn endpoints(sources: &[Source<'_>]) -> Box<[Endpoint]> {
    let bound = (limits::ENDPOINTS_COUNT_MAX / sources.len().max(1)).max(1);
    let mut found = Vec::new();
    for source in sources {
        let mut addresses = source.addresses.to_vec();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(bound);
        let share = u64::from(source.weight) * SHARES / addresses.len().max(1) as u64;
        for ip in addresses {
            found.push((source, SocketAddr::new(ip, source.port), share));
        }
    }
    found.truncate(limits::ENDPOINTS_COUNT_MAX);
    let divisor = found.iter().fold(0, |divisor, (.., share)| gcd(divisor, *share)).max(1);
    let largest = found.iter().map(|(.., share)| share / divisor).max().unwrap_or(0);
    // Only weights near 2^32 with shares that have no common divisor need it.
    let divisor = divisor * (largest / u64::from(u32::MAX) + 1);
    let endpoints = found.into_iter().map(|(source, address, share)| Endpoint {
        address,
        upstream: source.upstream,
        weight: weight(share, divisor),
        identity: identity(source.name, address),
    });
    endpoints.collect()
}

/// A share in whole numbers; what is not nothing stays at least 1.
fn weight(share: u64, divisor: u64) -> u32 {
    let least = u64::from(share > 0);
    u32::try_from((share / divisor).max(least)).unwrap_or(u32::MAX)
}

fn identity(name: &str, address: SocketAddr) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one((name, address))
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source<'a>(name: &'a str, addresses: &'a [IpAddr], weight: u32) -> Source<'a> {
        Source { upstream: UpstreamId(0), name, addresses, port: 80, weight }
    }

    fn addresses(count: u8) -> Vec<IpAddr> {
        (0..count).map(|last| IpAddr::from([10, 0, 0, last])).collect()
    }

    fn weights(sources: &[Source<'_>]) -> Vec<u32> {
        endpoints(sources).iter().map(|endpoint| endpoint.weight).collect()
    }

    #[test]
    fn addresses_share_the_weight_of_their_upstream() {
        let (one, two, three) = (addresses(1), addresses(2), addresses(3));
        let pair = |a, b| weights(&[source("a", a, 70), source("b", b, 30)]);
        assert_eq!(pair(&one, &one), [7, 3]);
        assert_eq!(pair(&two, &one), [7, 7, 6]);
        assert_eq!(pair(&two, &three), [7, 7, 2, 2, 2]);
        assert_eq!(pair(&[], &one), [1]);
        assert_eq!(weights(&[source("a", &one, 0), source("b", &two, 5)]), [0, 1, 1]);
        assert_eq!(weights(&[source("a", &two, 0)]), [0, 0]);
    }

    #[test]
    fn weights_that_share_nothing_still_fit() {
        let (one, eleven) = (addresses(1), addresses(11));
        let sources = [source("a", &one, u32::MAX), source("b", &eleven, 1)];
        let weights = weights(&sources);
        assert!(weights[0] > u32::MAX / 4);
        assert!(weights[1..].iter().all(|weight| *weight >= 1));
    }

    #[test]
    fn the_order_of_an_answer_changes_nothing() {
        let sorted = addresses(5);
        let mut turned = sorted.clone();
        turned.rotate_left(2);
        turned.push(sorted[0]);
        let a = endpoints(&[source("a", &sorted, 1)]);
        assert_eq!(a, endpoints(&[source("a", &turned, 1)]));
        assert_ne!(a[0].identity, endpoints(&[source("b", &sorted, 1)])[0].identity);
    }

    #[test]
    fn a_cluster_has_at_most_as_many_endpoints_as_a_set_holds() {
        let many: Vec<IpAddr> = (0..1000u32).map(|bits| IpAddr::from(bits.to_be_bytes())).collect();
        assert_eq!(endpoints(&[source("a", &many, 1)]).len(), limits::ENDPOINTS_COUNT_MAX);
        let one = addresses(1);
        let both = endpoints(&[source("a", &many, 1), source("b", &one, 1)]);
        assert_eq!(both.len(), limits::ENDPOINTS_COUNT_MAX / 2 + 1);
    }
}
