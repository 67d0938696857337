//! Filters that a route can name. None is built in this version: a configuration with one is
//! refused. The types are here so that their names are settled.

use std::fmt;

/// A filter of requests and responses, in the order of `Route::middlewares`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Middleware {
    /// Refuses clients that ask too often.
    RateLimit(RateLimitConfig),
    /// Refuses clients that cannot say who they are.
    Auth(AuthConfig),
}

impl Middleware {
    /// The name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Middleware::RateLimit(_) => "rate limiting",
            Middleware::Auth(_) => "authentication",
        }
    }
}

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

/// Who may pass.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthConfig {
    /// The shared secret of HMAC-signed tokens. Never printed.
    pub jwt_secret: String,
    /// Claims that a token must have.
    pub required_claims: Vec<String>,
    /// Scopes that a token must have.
    pub required_scopes: Vec<String>,
    /// The identity provider.
    pub oidc_config: Option<OIDCConfig>,
}

/// An OpenID Connect provider.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OIDCConfig {
    /// Its issuer URL.
    pub issuer: String,
    /// The gateway's id there.
    pub client_id: String,
    /// The gateway's secret there. Never printed.
    pub client_secret: String,
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("jwt_secret", &Hidden)
            .field("required_claims", &self.required_claims)
            .field("required_scopes", &self.required_scopes)
            .field("oidc_config", &self.oidc_config)
            .finish()
    }
}

impl fmt::Debug for OIDCConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OIDCConfig")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &Hidden)
            .finish()
    }
}

struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let oidc = OIDCConfig { client_secret: "s3cret".into(), ..OIDCConfig::default() };
        let auth = AuthConfig {
            jwt_secret: "s3cret".into(),
            oidc_config: Some(oidc),
            ..AuthConfig::default()
        };
        assert!(!format!("{auth:?}").contains("s3cret"));
    }
}
