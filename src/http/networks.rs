//! Sets of IP networks.

use crate::limits;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of networks as sorted ranges that do not touch: a lookup is a binary search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// Sorted ranges that do not touch. Of a large set the first halvings would each be a cache line of
/// their own; the fences have them side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranges<T> {
    ranges: Box<[(T, T)]>,
    /// Where every [`limits::NETWORKS_PER_FENCE`]th range begins.
    fences: Box<[T]>,
}

impl Networks {
    /// The union of networks, in any order, overlapping or not.
    pub fn new(networks: &[IpNet]) -> Networks {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for network in networks {
            match network {
                IpNet::V4(network) => {
                    v4.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
                IpNet::V6(network) => {
                    v6.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
            }
        }
        Networks {
            v4: Ranges::new(union(v4, |end| end.checked_add(1))),
            v6: Ranges::new(union(v6, |end| end.checked_add(1))),
        }
    }

    /// Whether an address is in one of the networks. An IPv4 address in IPv6 form
    /// (`::ffff:a.b.c.d`, what a dual-stack listener reports) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.contains(address.to_bits()),
        }
    }

    /// Whether no address is in both sets.
    pub fn is_disjoint(&self, other: &Networks) -> bool {
        self.v4.are_apart(&other.v4) && self.v6.are_apart(&other.v6)
    }

    /// Whether it holds no address.
    pub fn is_empty(&self) -> bool {
        self.v4.ranges.is_empty() && self.v6.ranges.is_empty()
    }
}

/// Ranges of addresses, one by one.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v4 = self.v4.ranges.iter().map(|(start, end)| -> (IpAddr, IpAddr) {
            (Ipv4Addr::from_bits(*start).into(), Ipv4Addr::from_bits(*end).into())
        });
        let v6 = self.v6.ranges.iter().map(|(start, end)| -> (IpAddr, IpAddr) {
            (Ipv6Addr::from_bits(*start).into(), Ipv6Addr::from_bits(*end).into())
        });
        let mut separator = "";
        for (start, end) in v4.chain(v6) {
            match start == end {
                true => write!(f, "{separator}{start}")?,
                false => write!(f, "{separator}{start}-{end}")?,
            }
            separator = ", ";
        }
        Ok(())
    }
}

impl<T: Copy + Ord> Ranges<T> {
    fn new(ranges: Box<[(T, T)]>) -> Ranges<T> {
        let chunks = ranges.chunks(limits::NETWORKS_PER_FENCE);
        let fences = chunks.filter_map(|chunk| chunk.first()).map(|(start, _)| *start).collect();
        Ranges { ranges, fences }
    }

    #[inline]
    fn contains(&self, address: T) -> bool {
        let behind = self.fences.partition_point(|start| *start <= address);
        let Some(fence) = behind.checked_sub(1) else { return false };
        let from = fence * limits::NETWORKS_PER_FENCE;
        let to = self.ranges.len().min(from + limits::NETWORKS_PER_FENCE);
        let chunk = self.ranges.get(from..to).unwrap_or_default();
        let after = chunk.partition_point(|(start, _)| *start <= address);
        let last = after.checked_sub(1).and_then(|index| chunk.get(index));
        last.is_some_and(|(_, end)| address <= *end)
    }

    fn are_apart(&self, others: &Ranges<T>) -> bool {
        let touch = |(start, end): &(T, T)| {
            // Ranges are sorted, so the first one that ends late enough is the only one to ask.
            let at = others.ranges.partition_point(|(_, other_end)| other_end < start);
            others.ranges.get(at).is_some_and(|(other_start, _)| other_start <= end)
        };
        !self.ranges.iter().any(touch)
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn union<T: Copy + Ord>(mut ranges: Vec<(T, T)>, next: fn(T) -> Option<T>) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match joined.last_mut() {
            // Without a next address the last range reaches the end of all addresses.
            Some((_, last)) if next(*last).is_none_or(|next| start <= next) => {
                *last = end.max(*last);
            }
            Some(_) | None => joined.push((start, end)),
        }
    }
    joined.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(networks: &[&str]) -> Networks {
        let networks: Vec<IpNet> =
            networks.iter().map(|text| text.parse().expect("a network")).collect();
        Networks::new(&networks)
    }

    fn contains(set: &Networks, address: &str) -> bool {
        set.contains(address.parse().expect("an address"))
    }

    #[test]
    fn holds_the_edges_of_a_network_and_nothing_beside() {
        let set = set(&["10.1.0.0/16", "fd00::/8", "127.0.0.1/32"]);
        for address in ["10.1.0.0", "10.1.255.255", "127.0.0.1", "fd00::", "fdff::1"] {
            assert!(contains(&set, address), "{address}");
        }
        for address in ["10.0.255.255", "10.2.0.0", "127.0.0.2", "fe00::", "::1"] {
            assert!(!contains(&set, address), "{address}");
        }
    }

    #[test]
    fn reads_a_mapped_address_as_ipv4() {
        let set = set(&["10.0.0.0/8"]);
        assert!(contains(&set, "::ffff:10.9.8.7"));
        assert!(!contains(&set, "::ffff:11.0.0.1"));
    }

    #[test]
    fn joins_networks_that_nest_or_touch() {
        let set = set(&["0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.0.0.0/8"]);
        assert_eq!(set.v4.ranges.as_ref(), [(0, u32::MAX)]);
        assert!(Networks::new(&[]).is_empty());
    }

    #[test]
    fn sets_are_disjoint_when_no_address_is_in_both() {
        let inner = set(&["10.0.0.0/8", "fd00::/8"]);
        assert!(inner.is_disjoint(&set(&["11.0.0.0/8", "9.255.255.255/32", "fe00::/8"])));
        assert!(inner.is_disjoint(&set(&[])));
        for other in ["10.255.255.255/32", "0.0.0.0/0", "fd00::1/128", "10.0.0.0/9"] {
            assert!(!inner.is_disjoint(&set(&[other])), "{other}");
            assert!(!set(&[other]).is_disjoint(&inner), "{other}");
        }
    }

    #[test]
    fn a_large_set_holds_its_own_and_nothing_between() {
        let count = 10 * limits::NETWORKS_PER_FENCE as u32 + 3;
        let v4 = (0..count).map(|n| IpNet::from(IpAddr::from(Ipv4Addr::from_bits(4 * n + 2))));
        let v6 = (0..count).map(|n| {
            let bits = u128::from(n) << 96 | 1;
            IpNet::from(IpAddr::from(Ipv6Addr::from_bits(bits)))
        });
        let set = Networks::new(&v4.chain(v6).collect::<Vec<_>>());
        for n in 0..4 * count {
            assert_eq!(set.contains(Ipv4Addr::from_bits(n).into()), n % 4 == 2, "{n}");
        }
        for n in 0..count {
            let bits = u128::from(n) << 96 | 1;
            assert!(set.contains(Ipv6Addr::from_bits(bits).into()), "{n}");
            assert!(!set.contains(Ipv6Addr::from_bits(bits + 1).into()), "{n}");
        }
        assert!(!set.contains(Ipv4Addr::from_bits(u32::MAX).into()));
        assert!(!set.contains(Ipv6Addr::from_bits(u128::MAX).into()));
    }

    proptest! {
        #[test]
        fn agrees_with_asking_every_network(
            networks in prop::collection::vec((0u32..64, 24u8..=32), 0..20),
            address in 0u32..64,
        ) {
            let networks: Vec<IpNet> = networks
                .into_iter()
                .map(|(bits, prefix)| {
                    let address = std::net::Ipv4Addr::from_bits(bits << 4);
                    IpNet::new(address.into(), prefix).expect("a prefix")
                })
                .collect();
            let set = Networks::new(&networks);
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(address << 4 | 7));
            let want = networks.iter().any(|network| network.contains(&address));
            prop_assert_eq!(set.contains(address), want);
        }
    }
}
