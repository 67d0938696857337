//! How many requests of one key may be under way at once.

use super::{LimitScope, MissingKey, RateLimitKey};
use crate::limits;

/// How many requests of one key may be under way at once: from the filter to the end of the
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimitConfig {
    /// Requests under way; needed.
    pub max_requests: u64,
    /// What is counted together; the client's address by default.
    pub key_strategy: RateLimitKey,
    /// Whose requests the limit holds for; all workers' together by default.
    pub scope: LimitScope,
    /// Whether it only counts what it would refuse; `false` by default.
    pub shadow: bool,
    /// Bits of an IPv6 address that tell clients apart. 64, since that is what one subscriber has.
    pub ipv6_prefix: u8,
    /// What becomes of a request without what it is counted by; [`MissingKey::Ip`] by default.
    pub missing: MissingKey,
    /// Bytes of its table, whatever clients send. 16 MiB, for two million keys under way, more than
    /// a process has connections.
    pub memory: u64,
}

impl Default for ConcurrencyLimitConfig {
    fn default() -> ConcurrencyLimitConfig {
        ConcurrencyLimitConfig {
            max_requests: 0,
            key_strategy: RateLimitKey::IP,
            scope: LimitScope::Gateway,
            shadow: false,
            ipv6_prefix: 64,
            missing: MissingKey::Ip,
            memory: limits::LIMIT_MEMORY_BYTES,
        }
    }
}
