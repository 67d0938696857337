//! Filters at the edge of a route: whether an address is on a list, and whether a page may read.

use super::{Case, Round};

use frys_gateway::http::networks::Networks;
use ipnet::IpNet;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one round: so many that a large list does not lie ready in the first cache.
const ADDRESSES_COUNT: usize = 1_024;

pub fn cases() -> Vec<Case> {
    let largest = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
    let operations_count = ADDRESSES_COUNT as u64;
    let mut cases = Vec::new();
    for (name, count) in [("one", 1), ("many", largest)] {
        for (family, make) in [("v4", v4 as fn(u64) -> IpAddr), ("v6", v6)] {
            let case = format!("edge/networks/{family}/{name}");
            cases.push(Case::new(&case, operations_count, move || lookups(count, make)));
        }
    }
    cases
}

fn v4(number: u64) -> IpAddr {
    Ipv4Addr::from_bits(number as u32).into()
}

/// Below 2000::/3, where all networks are.
fn v6(number: u64) -> IpAddr {
    Ipv6Addr::from_bits(1 << 125 | u128::from(number >> 3) << 64).into()
}

/// xorshift64*: the same numbers in every run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

fn lookups(count: usize, make: fn(u64) -> IpAddr) -> Round {
    let listed: Vec<IpAddr> = numbers(1).map(make).take(count).collect();
    let networks: Vec<IpNet> = listed.iter().map(|address| IpNet::from(*address)).collect();
    let set = Networks::new(&networks);
    // Every other one is listed.
    let strangers = numbers(2).map(make);
    let pairs = numbers(3).map(|number| listed[number as usize % count]).zip(strangers);
    let asked: Vec<(IpAddr, bool)> = pairs
        .flat_map(|(known, stranger)| [(known, true), (stranger, listed.contains(&stranger))])
        .take(ADDRESSES_COUNT)
        .collect();
    Box::new(move || {
        let right =
            asked.iter().filter(|(address, is_in)| set.contains(black_box(*address)) == *is_in);
        right.count() as u64
    })
}
