//! How many requests of one key pass in a time.

/// How many requests of one key pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Refill rate.
    pub requests_per_second: u64,
    /// Requests that may come at once.
    pub burst_size: u64,
    /// What is counted together.
    pub key_strategy: RateLimitKey,
    /// Whether counts are shared between gateways.
    pub distributed: bool,
    /// Where they are shared.
    pub redis_url: Option<String>,
}

/// What a rate limit counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitKey {
    /// The client's address.
    #[default]
    IP,
    /// The value of a field.
    Header(String),
    /// The value of a token's claim.
    Claim(String),
    /// All requests of the route.
    Route,
}

impl RateLimitKey {
    /// Whether it reads what authentication found out.
    pub fn needs_claims(&self) -> bool {
        match self {
            RateLimitKey::Claim(_) => true,
            RateLimitKey::IP | RateLimitKey::Header(_) | RateLimitKey::Route => false,
        }
    }
}
