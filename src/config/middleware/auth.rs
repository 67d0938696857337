//! Who may pass: bearers of a JSON Web Token.

use super::super::Secret;
use super::credential::CredentialSource;
use crate::limits;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Who may pass: bearers of a JSON Web Token (RFC 7519) that is signed (RFC 7515) with one of the
/// keys that are known here.
///
/// There may be several keys: `jwt_secret`, `public_key` and those of `jwks` are always known;
/// further ones are fetched from `jwks_url`, or else from the issuer, where `oidc_config` names one
/// or where `issuer` stands alone.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// The shared secret of HMAC-signed tokens (`HS256` without `algorithms`); empty for none.
    /// Never printed. In a file it has at least as many bytes as its hash, 32 for `HS256` (RFC
    /// 7518 section 3.2); what is built in Rust is the program's own to judge.
    pub jwt_secret: String,
    /// Claims that a token must have. None by default.
    pub required_claims: Vec<RequiredClaim>,
    /// Scopes that a token must all have, in `scope` or `scp`. None by default.
    pub required_scopes: Vec<String>,
    /// The identity provider: its issuer, and the gateway's id as the audience.
    pub oidc_config: Option<OIDCConfig>,
    /// Algorithms that a token may be signed with. Without any, each key's own: of a JWK its `alg`,
    /// otherwise `HS256`, `RS256`, `ES256`, `ES384` or `EdDSA` by the kind of the key, so that no
    /// token chooses (RFC 8725 section 3.1).
    pub algorithms: Vec<TokenAlgorithm>,
    /// A public key in PEM (`PUBLIC KEY` or `RSA PUBLIC KEY`).
    pub public_key: Option<Secret>,
    /// A JWK Set (RFC 7517), usually a file's. It is read when the configuration is.
    pub jwks: Option<Secret>,
    /// Where a JWK Set is fetched: `http://` or `https://`.
    pub jwks_url: Option<String>,
    /// What `iss` must be. Where no key is given otherwise, its keys are found by
    /// `/.well-known/openid-configuration` below it (OpenID Connect Discovery 1.0).
    pub issuer: Option<String>,
    /// One of these must be in `aud`; without any, `aud` is not looked at.
    pub audience: Vec<String>,
    /// By how much clocks may differ. 60 s: what most libraries take.
    pub leeway: Duration,
    /// Whether a token without `exp` is refused. It is: a token that never ends cannot be taken
    /// back.
    pub require_exp: bool,
    /// Where the token stands, in this order. `Authorization: Bearer` by default.
    pub token_from: Vec<CredentialSource>,
    /// Fields for the upstream, each with the claim that it is set from. What the client says in
    /// these fields is always removed. None by default.
    pub claims_to_headers: BTreeMap<String, String>,
    /// Whether the upstream gets the token too. It does, since many look into it.
    pub forward_credentials: bool,
    /// Whether requests without a token pass. They do not.
    pub optional: bool,
    /// The `realm` of `WWW-Authenticate`. `frys` by default.
    pub realm: String,
    /// Bytes of the longest token. 8 KiB: a cookie or a field line of most servers is no longer.
    pub max_token_size: usize,
    /// Verified tokens that each worker remembers; 0 for none. 10,000: those of as many clients.
    pub cache_tokens: usize,
    /// Bytes that they may take in each worker. 16 MiB: 10,000 tokens of usual size.
    pub cache_size: usize,
    /// After how long fetched keys are fetched again. Without it, what `Cache-Control: max-age`
    /// says, from a minute to an hour, and 5 minutes where it says nothing.
    pub refresh_interval: Option<Duration>,
    /// Certificates of authorities in PEM by which the server of the keys is known, instead of the
    /// system's.
    pub ca: Option<Secret>,
}

/// A claim that a token must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredClaim {
    /// Its name; with points a way through objects: `realm_access.roles`.
    pub name: String,
    /// It must be one of these, or a list with one of them; with none it must only be there.
    pub values: Vec<String>,
}

/// An OpenID Connect provider whose tokens pass.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OIDCConfig {
    /// Its issuer URL: what `iss` must be, and where its keys are found.
    pub issuer: String,
    /// The gateway's id there: what must be in `aud`, unless `audience` says otherwise.
    pub client_id: String,
    /// The gateway's secret there, with which `HS256` tokens are signed (OpenID Connect Core 1.0
    /// section 10.1); empty for none. Never printed.
    pub client_secret: String,
}

/// How a token is signed (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl AuthConfig {
    /// Nothing but keys from the issuer with this URL, and its tokens for this audience.
    pub fn issued_by(issuer: impl Into<String>, audience: impl Into<String>) -> AuthConfig {
        AuthConfig {
            issuer: Some(issuer.into()),
            audience: vec![audience.into()],
            ..AuthConfig::default()
        }
    }

    /// Whether a key is given that need not be fetched.
    pub(crate) fn has_own_keys(&self) -> bool {
        let has_shared = self.oidc_config.as_ref().is_some_and(|one| !one.client_secret.is_empty());
        let has_public = self.public_key.is_some() || self.jwks.is_some();
        !self.jwt_secret.is_empty() || has_public || has_shared
    }

    /// The issuer that is asked where its keys are.
    pub(crate) fn discovered(&self) -> Option<&str> {
        if self.jwks_url.is_some() {
            return None;
        }
        match &self.oidc_config {
            Some(provider) => Some(&provider.issuer),
            None => self.issuer.as_deref().filter(|_| !self.has_own_keys()),
        }
    }
}

impl Default for AuthConfig {
    fn default() -> AuthConfig {
        AuthConfig {
            jwt_secret: String::new(),
            required_claims: Vec::new(),
            required_scopes: Vec::new(),
            oidc_config: None,
            algorithms: Vec::new(),
            public_key: None,
            jwks: None,
            jwks_url: None,
            issuer: None,
            audience: Vec::new(),
            leeway: Duration::from_secs(60),
            require_exp: true,
            token_from: vec![CredentialSource::Bearer],
            claims_to_headers: BTreeMap::new(),
            forward_credentials: true,
            optional: false,
            realm: "frys".to_owned(),
            max_token_size: limits::TOKEN_BYTES,
            cache_tokens: limits::TOKEN_CACHE_COUNT,
            cache_size: limits::TOKEN_CACHE_BYTES,
            refresh_interval: None,
            ca: None,
        }
    }
}

impl From<&str> for RequiredClaim {
    fn from(name: &str) -> RequiredClaim {
        RequiredClaim { name: name.to_owned(), values: Vec::new() }
    }
}

impl From<String> for RequiredClaim {
    fn from(name: String) -> RequiredClaim {
        RequiredClaim { name, values: Vec::new() }
    }
}

impl TokenAlgorithm {
    /// Each.
    pub const ALL: [TokenAlgorithm; 12] = [
        TokenAlgorithm::HS256,
        TokenAlgorithm::HS384,
        TokenAlgorithm::HS512,
        TokenAlgorithm::RS256,
        TokenAlgorithm::RS384,
        TokenAlgorithm::RS512,
        TokenAlgorithm::PS256,
        TokenAlgorithm::PS384,
        TokenAlgorithm::PS512,
        TokenAlgorithm::ES256,
        TokenAlgorithm::ES384,
        TokenAlgorithm::EdDSA,
    ];

    /// Bytes that a shared secret has at least to be used with it; none where it is signed with
    /// the private half of a key.
    pub(crate) const fn secret_bytes_min(self) -> Option<usize> {
        match self {
            TokenAlgorithm::HS256 => Some(limits::HS256_SECRET_BYTES_MIN),
            TokenAlgorithm::HS384 => Some(limits::HS384_SECRET_BYTES_MIN),
            TokenAlgorithm::HS512 => Some(limits::HS512_SECRET_BYTES_MIN),
            TokenAlgorithm::RS256
            | TokenAlgorithm::RS384
            | TokenAlgorithm::RS512
            | TokenAlgorithm::PS256
            | TokenAlgorithm::PS384
            | TokenAlgorithm::PS512
            | TokenAlgorithm::ES256
            | TokenAlgorithm::ES384
            | TokenAlgorithm::EdDSA => None,
        }
    }

    /// As in a token's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            TokenAlgorithm::HS256 => "HS256",
            TokenAlgorithm::HS384 => "HS384",
            TokenAlgorithm::HS512 => "HS512",
            TokenAlgorithm::RS256 => "RS256",
            TokenAlgorithm::RS384 => "RS384",
            TokenAlgorithm::RS512 => "RS512",
            TokenAlgorithm::PS256 => "PS256",
            TokenAlgorithm::PS384 => "PS384",
            TokenAlgorithm::PS512 => "PS512",
            TokenAlgorithm::ES256 => "ES256",
            TokenAlgorithm::ES384 => "ES384",
            TokenAlgorithm::EdDSA => "EdDSA",
        }
    }

    /// Whether its key is a shared secret.
    pub(crate) const fn is_shared(self) -> bool {
        self.secret_bytes_min().is_some()
    }
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("jwt_secret", &Hidden)
            .field("required_claims", &self.required_claims)
            .field("required_scopes", &self.required_scopes)
            .field("oidc_config", &self.oidc_config)
            .field("algorithms", &self.algorithms)
            .field("public_key", &self.public_key)
            .field("jwks", &self.jwks)
            .field("jwks_url", &self.jwks_url)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("leeway", &self.leeway)
            .field("require_exp", &self.require_exp)
            .field("token_from", &self.token_from)
            .field("claims_to_headers", &self.claims_to_headers)
            .field("forward_credentials", &self.forward_credentials)
            .field("optional", &self.optional)
            .field("realm", &self.realm)
            .field("max_token_size", &self.max_token_size)
            .field("cache_tokens", &self.cache_tokens)
            .field("cache_size", &self.cache_size)
            .field("refresh_interval", &self.refresh_interval)
            .field("ca", &self.ca)
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

    #[test]
    fn an_issuer_is_asked_only_for_keys_that_nobody_gives() {
        let alone = AuthConfig::issued_by("https://a.test", "api");
        assert_eq!(alone.discovered(), Some("https://a.test"));
        let with_secret = AuthConfig { jwt_secret: "x".into(), ..alone.clone() };
        assert_eq!(with_secret.discovered(), None);
        let url = AuthConfig { jwks_url: Some("https://b.test/keys".into()), ..alone };
        assert_eq!(url.discovered(), None);
        let provider = OIDCConfig { issuer: "https://c.test".into(), ..OIDCConfig::default() };
        let both = AuthConfig { oidc_config: Some(provider), ..with_secret };
        assert_eq!(both.discovered(), Some("https://c.test"));
    }
}
