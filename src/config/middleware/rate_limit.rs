//! How many requests of one key pass in a time.

use crate::limits;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many requests of one key pass: a bucket of [`RateLimitConfig::burst_size`] tokens for each,
/// into which [`RateLimitConfig::requests_per_second`] come back in each
/// [`RateLimitConfig::period`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Requests that come back in one [`RateLimitConfig::period`], evenly over it; needed.
    pub requests_per_second: u64,
    /// Requests that may come at once. 0, the default, is as many as come back in one period.
    pub burst_size: u64,
    /// In what time they come back; a second by default, as the name of the other key has it.
    pub period: Duration,
    /// What is counted together; the client's address by default.
    pub key_strategy: RateLimitKey,
    /// Whether counts are shared between gateways; not built, so `false`.
    pub distributed: bool,
    /// Where they are shared; not built, so none.
    pub redis_url: Option<String>,
    /// Whose requests the limit holds for; all workers' together by default, since a limit that
    /// depends on which worker a connection came to is none.
    pub scope: LimitScope,
    /// Tokens that a request costs; 1 by default.
    pub cost: u32,
    /// Tokens that a request of some routes costs, by their names, where routes share the limit;
    /// none by default.
    pub costs: BTreeMap<String, u32>,
    /// Whether it only counts what it would refuse; `false` by default.
    pub shadow: bool,
    /// Whether answers tell what is left, in `RateLimit-Limit`, `-Remaining` and `-Reset`. On, so
    /// that clients can slow down before they are refused.
    pub headers: bool,
    /// Bits of an IPv6 address that tell clients apart. 64, since that is what one subscriber has.
    pub ipv6_prefix: u8,
    /// What becomes of a request without what it is counted by; [`MissingKey::Ip`] by default.
    pub missing: MissingKey,
    /// Bytes of its table, whatever clients send. 16 MiB, for half a million keys at a time.
    pub memory: u64,
}

/// What a limit counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitKey {
    /// The client's address; behind `trusted_proxies` the one that they tell.
    #[default]
    IP,
    /// The value of a field.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
    /// The value of a parameter of the route's path.
    PathParameter(String),
    /// The value of a claim of whoever asks, as authentication found out.
    Claim(String),
    /// The route.
    Route,
    /// Nothing: all requests together.
    Global,
    /// All of these: requests count together that have each of them alike.
    All(Vec<RateLimitKey>),
}

/// Whose requests a limit holds for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitScope {
    /// Those of all workers together.
    #[default]
    Gateway,
    /// Those of each worker by itself, each with its share of the limit.
    Worker,
}

/// What becomes of a request that has no field, cookie or claim to be counted by, an empty one, or
/// several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingKey {
    /// It is counted by the client's address instead: nobody escapes a limit by leaving a field
    /// out.
    #[default]
    Ip,
    /// It is not counted.
    Pass,
    /// It is refused.
    Refuse,
}

impl Default for RateLimitConfig {
    fn default() -> RateLimitConfig {
        RateLimitConfig {
            requests_per_second: 0,
            burst_size: 0,
            period: Duration::from_secs(1),
            key_strategy: RateLimitKey::IP,
            distributed: false,
            redis_url: None,
            scope: LimitScope::Gateway,
            cost: 1,
            costs: BTreeMap::new(),
            shadow: false,
            headers: true,
            ipv6_prefix: 64,
            missing: MissingKey::Ip,
            memory: limits::LIMIT_MEMORY_BYTES,
        }
    }
}

impl RateLimitConfig {
    /// Requests that may come at once.
    pub fn burst(&self) -> u64 {
        if self.burst_size == 0 { self.requests_per_second.max(1) } else { self.burst_size }
    }

    /// Nanoseconds until a token has come back, to the nearest; 0 where the period is 0.
    pub fn interval_ns(&self) -> u64 {
        let period_ns = self.period.as_nanos();
        let requests = u128::from(self.requests_per_second.max(1));
        u64::try_from((period_ns + requests / 2) / requests).unwrap_or(u64::MAX)
    }
}

impl RateLimitKey {
    /// Whether it reads what authentication found out.
    pub fn needs_claims(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, RateLimitKey::Claim(_)))
    }

    /// What it is made of: itself, or what it combines.
    pub fn parts(&self) -> &[RateLimitKey] {
        if let RateLimitKey::All(parts) = self { parts } else { std::slice::from_ref(self) }
    }
}
