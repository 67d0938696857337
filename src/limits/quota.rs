//! Of rate limits and concurrency limits.

use super::{CONNECTIONS_COUNT_MAX, DURATION_SECONDS_MAX};
use std::ops::RangeInclusive;

/// Places of one bucket of a table: eight hashes are a cache line. With half as many keys as places
/// one bucket in 50 has one too many.
pub const QUOTA_PLACES: usize = 8;

/// Bytes of a table that are taken at once, as keys come: a page.
pub const QUOTA_CHUNK_BYTES: usize = 4096;

/// Times that a worker tries to change a place which other workers change meanwhile; then the
/// request is refused. Each time that one fails another has succeeded.
pub const QUOTA_ATTEMPTS_MAX: usize = 256;

/// A lease is what the rate gives in this time, so that a worker asks for each key a thousand times
/// a second at most.
pub const QUOTA_LEASE_NS: u64 = 1_000_000;

/// How long a lease may be spent: ten times as long as the rate takes to make it good.
pub const QUOTA_LEASE_LIFE_NS: u64 = 10 * QUOTA_LEASE_NS;

/// The leases of all workers together are at most this part of a burst.
pub const QUOTA_LEASE_BURST_SHARE: u64 = 8;

/// Keys of one limit for which a worker can have a lease at a time: 256 of 40 bytes are 10 KiB, and
/// a key that is worth one has a thousand requests a second.
pub const QUOTA_LEASES_COUNT: usize = 256;

/// Requests in a period: with whole nanoseconds between two the rate is held within half a percent
/// up to ten million a second.
pub const LIMIT_REQUESTS: RangeInclusive<u64> = 1..=10_000_000;

/// Requests that may come at once.
pub const LIMIT_BURST: RangeInclusive<u64> = 0..=1_000_000_000;

/// Tokens that one request costs.
pub const LIMIT_COST: RangeInclusive<u32> = 1..=1_000_000;

/// Shortest time in which a token may come back: below it whole nanoseconds are too coarse.
pub const LIMIT_INTERVAL_NS_MIN: u64 = 100;

/// Seconds after which a spent burst must have come back: as long as any duration may be.
pub const LIMIT_TOLERANCE_SECONDS_MAX: u64 = DURATION_SECONDS_MAX;

/// Bits of an IPv6 address that tell clients apart.
pub const LIMIT_IPV6_PREFIX: RangeInclusive<u8> = 1..=128;

/// Bytes of a limit's table.
pub const LIMIT_MEMORY: RangeInclusive<u64> = 4096..=4 * 1024 * 1024 * 1024;

/// Default bytes of a limit's table: a million places of 16 bytes.
pub const LIMIT_MEMORY_BYTES: u64 = 16 * 1024 * 1024;

/// Parts of one key: each is looked up once a request.
pub const LIMIT_KEY_PARTS_MAX: usize = 8;

/// Requests of one key under way at once: as many as a process has connections for.
pub const CONCURRENT_REQUESTS_MAX: u64 = CONNECTIONS_COUNT_MAX as u64 - 1;

const _: () = assert!(QUOTA_LEASE_NS < QUOTA_LEASE_LIFE_NS);
const _: () = assert!(LIMIT_TOLERANCE_SECONDS_MAX < u64::MAX / 2 / 1_000_000_000);
