//! Bounds of tokens and of the keys that they are verified with.

use std::ops::RangeInclusive;

/// Bytes of a token, if the configuration says nothing: a field line or a cookie of most servers is
/// no longer.
pub const TOKEN_BYTES: usize = 8 * 1024;

/// Bytes that the configuration may allow a token: a small one has 200; more than a head may have
/// in all never comes.
pub const TOKEN_SIZE: RangeInclusive<usize> = 256..=64 * 1024;

/// Verified tokens that a worker remembers for one filter, if the configuration says nothing.
pub const TOKEN_CACHE_COUNT: usize = 10_000;

/// Verified tokens that the configuration may have remembered.
pub const TOKEN_CACHE_TOKENS: RangeInclusive<usize> = 0..=1_000_000;

/// Bytes that they may take, if the configuration says nothing: 10,000 of 1.6 KiB, which is a token
/// of 700 bytes and its claims.
pub const TOKEN_CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes that the configuration may allow them.
pub const TOKEN_CACHE_SIZE: RangeInclusive<usize> = 64 * 1024..=1024 * 1024 * 1024;

/// Remembered tokens that are looked at for one that was not used lately, to take its place.
pub const TOKEN_CACHE_STEPS_MAX: usize = 64;

/// Seconds that clocks may be configured to differ by: an hour is a wrong time zone.
pub const TOKEN_LEEWAY_SECONDS_MAX: u64 = 3_600;

/// Unix seconds of the latest date that a token may say: the end of the year 9999, behind which RFC
/// 3339 has no dates. What lies beyond is most often milliseconds that were meant to be seconds.
pub const TOKEN_DATE_SECONDS_MAX: u64 = 253_402_300_800;

/// Places of one request in which a token is looked for.
pub const TOKEN_SOURCES_MAX: usize = 8;

/// Claims, scopes, audiences and fields from claims of one filter, each.
pub const TOKEN_CLAIMS_MAX: usize = 64;

/// Keys that one token is tried with, where its `kid` leaves more than one: each costs the check of
/// a signature, and a set that is being rotated has two or three of a kind.
pub const TOKEN_KEYS_TRIED_MAX: usize = 4;

/// Keys of one set: large providers have five, and one key for each of many clients is no use here.
pub const KEY_SET_KEYS_MAX: usize = 128;

/// Bytes of a key set or a discovery document that is fetched: 128 keys of 4096 bits with their
/// certificates.
pub const KEY_SET_BYTES_MAX: usize = 512 * 1024;

/// Bits of an RSA modulus: less is broken (RFC 7518 section 3.3), more costs milliseconds a token.
pub const RSA_BITS: RangeInclusive<usize> = 2_048..=8_192;

/// Sets of keys that one configuration fetches, each with a task and a connection of control.
pub const KEY_SOURCES_MAX: usize = 64;

/// Milliseconds that one fetch may take, over discovery and the set itself.
pub const KEYS_FETCH_MS_MAX: u64 = 5_000;

/// Milliseconds that the start waits for keys; routes that need others then answer 503 until they
/// come.
pub const KEYS_START_MS_MAX: u64 = 5_000;

/// Milliseconds that a reload waits for the keys of new issuers.
pub const KEYS_RELOAD_MS_MAX: u64 = 2_000;

/// Milliseconds until keys are fetched again where nobody says when.
pub const KEYS_TTL_MS: u64 = 300_000;

/// Milliseconds that keys are used at least, whatever `max-age` says: one fetch a minute bothers
/// nobody.
pub const KEYS_TTL_MS_MIN: u64 = 60_000;

/// Milliseconds that keys are used at most: a key that was taken back is gone within the hour.
pub const KEYS_TTL_MS_MAX: u64 = 3_600_000;

/// Seconds of `refresh_interval`.
pub const KEYS_REFRESH_SECONDS: RangeInclusive<u64> = 10..=86_400;

/// Milliseconds until a fetch that failed is tried again; doubled each time.
pub const KEYS_RETRY_MS_FIRST: u64 = 1_000;

/// Milliseconds between two tries, in the end.
pub const KEYS_RETRY_MS_MAX: u64 = 60_000;

/// Milliseconds between two fetches that tokens with unknown keys cause: whoever sends such tokens
/// makes the gateway ask the issuer six times a minute and no more, and a new key is known at most
/// this late.
pub const KEYS_UNKNOWN_MS: u64 = 10_000;

/// Workers that wait for the same fetch.
pub const KEYS_WAITING_MAX: usize = 1_024;

const _: () = assert!(TOKEN_BYTES >= *TOKEN_SIZE.start() && TOKEN_BYTES <= *TOKEN_SIZE.end());
const _: () = assert!(KEYS_TTL_MS_MIN < KEYS_TTL_MS && KEYS_TTL_MS < KEYS_TTL_MS_MAX);
const _: () = assert!(KEYS_RETRY_MS_FIRST < KEYS_RETRY_MS_MAX);
const _: () = assert!(KEYS_FETCH_MS_MAX <= KEYS_START_MS_MAX);
const _: () = assert!(*TOKEN_CACHE_SIZE.start() >= *TOKEN_SIZE.end());
