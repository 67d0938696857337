//! Who may pass: bearers of a JSON Web Token.

use std::fmt;

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
