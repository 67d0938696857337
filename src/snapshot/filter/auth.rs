//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::Place;
use crate::config::{AuthConfig, CredentialSource, Fault, TokenAlgorithm};
use crate::http::field::FieldId;
use crate::jwt::{
    Algorithm, Algorithms, ClaimRule, Key, KeySet, KeySource, Origin, Rules, Symmetric,
};
use std::sync::Arc;

/// Who may pass: bearers of a JSON Web Token (RFC 7519).
#[derive(Debug)]
pub struct Auth {
    /// Keys that the configuration gives.
    pub own: KeySet,
    /// Where further ones are fetched; [`crate::snapshot::Snapshot::key_sets`] has them.
    pub source: Option<Arc<KeySource>>,
    /// What a token must say.
    pub rules: Rules,
    /// Where it stands.
    pub places: Box<[TokenPlace]>,
    /// Bytes of the longest.
    pub token_bytes_max: usize,
    /// Whether it is taken out of what the upstream gets.
    pub is_consumed: bool,
    /// Whether requests without one pass.
    pub is_optional: bool,
    /// Fields for the upstream, each with the claim that it is set from.
    pub fields: Box<[ClaimField]>,
    /// `Bearer realm="…"`
    pub challenge: Box<[u8]>,
    /// `, scope="…"`; empty where no scope is asked for.
    pub scope: Box<[u8]>,
    /// Tokens that each worker remembers.
    pub cached_count_max: usize,
    /// Bytes that they may take.
    pub cached_bytes_max: usize,
}

/// A field for the upstream, and the claim that it is set from.
#[derive(Debug)]
pub struct ClaimField {
    /// Its name as it is written.
    pub name: Box<[u8]>,
    /// The claim, by its name or its way through objects.
    pub claim: Box<str>,
}

/// Where a token stands in a request.
#[derive(Debug)]
pub enum TokenPlace {
    /// `Authorization: Bearer`
    Authorization,
    /// Another field, by its number or, where that is `Other`, by its name.
    Field(FieldId, Box<[u8]>),
    /// A cookie.
    Cookie(Box<[u8]>),
    /// A parameter of the query.
    Query(Box<[u8]>),
}

impl Auth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &AuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Auth> {
        let own = own_keys(config, place, faults)?;
        let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
        let mut audience: Box<[Box<str>]> = texts(&config.audience);
        if let Some(provider) = config.oidc_config.as_ref().filter(|_| audience.is_empty()) {
            audience = Box::new([provider.client_id.as_str().into()]);
        }
        let claims = config.required_claims.iter().map(|claim| ClaimRule {
            name: claim.name.as_str().into(),
            values: texts(&claim.values),
        });
        let is_limited = !config.algorithms.is_empty();
        let algorithms = || Algorithms::of(config.algorithms.iter().copied().map(algorithm));
        let rules = Rules {
            algorithms: is_limited.then(algorithms),
            issuer: issuer(config).map(Into::into),
            audience,
            leeway_s: config.leeway.as_secs(),
            require_exp: config.require_exp,
            claims: claims.collect(),
            scopes: texts(&config.required_scopes),
        };
        let scope = match config.required_scopes.is_empty() {
            true => String::new(),
            false => format!(", scope=\"{}\"", config.required_scopes.join(" ")),
        };
        let fields = config.claims_to_headers.iter().map(|(name, claim)| ClaimField {
            name: name.as_bytes().into(),
            claim: claim.as_str().into(),
        });
        Some(Auth {
            own,
            source: source(config).map(Arc::new),
            rules,
            places: config.token_from.iter().map(token_place).collect(),
            token_bytes_max: config.max_token_size,
            is_consumed: !config.forward_credentials,
            is_optional: config.optional,
            fields: fields.collect(),
            challenge: format!("Bearer realm=\"{}\"", config.realm).into_bytes().into(),
            scope: scope.into_bytes().into(),
            cached_count_max: config.cache_tokens,
            cached_bytes_max: config.cache_size,
        })
    }

    /// Where its keys are fetched, if they are.
    pub fn key_source(&self) -> Option<&Arc<KeySource>> {
        self.source.as_ref()
    }
}

/// The keys that need not be fetched; none where one of them is wrong.
fn own_keys(config: &AuthConfig, place: &Place<'_>, faults: &mut Vec<Fault>) -> Option<KeySet> {
    let before = faults.len();
    let mut given = Vec::new();
    if !config.jwt_secret.is_empty() {
        given.push(KeySet::of(vec![Key::secret(config.jwt_secret.as_bytes())]));
    }
    if let Some(provider) = config.oidc_config.as_ref().filter(|one| !one.client_secret.is_empty())
    {
        given.push(KeySet::of(vec![Key::secret(provider.client_secret.as_bytes())]));
    }
    let mut fault = |key: &str, message: String| {
        faults.push(Fault::new(format!("{}.{key}", place.path), message));
    };
    if let Some(text) = &config.public_key {
        match Key::pem(text.expose()) {
            Ok(key) => given.push(KeySet::of(vec![key])),
            Err(error) => fault("public_key", error.to_string()),
        }
    }
    if let Some(text) = &config.jwks {
        match KeySet::parse(text.expose().as_bytes(), Symmetric::Allowed) {
            Ok(set) => given.push(set),
            Err(error) => fault("jwks_file", error.to_string()),
        }
    }
    if let Some(message) = given.iter().find_map(|keys| idle(config, keys)) {
        fault("algorithms", message);
    }
    let mut keys = KeySet::default();
    keys.extend(given.into_iter().flatten());
    (faults.len() == before).then_some(keys)
}

/// What is wrong with the algorithms, where none of them is for any of these keys, which came
/// together. A set may have others too: it is often an issuer's, whose keys are of several kinds.
fn idle(config: &AuthConfig, keys: &KeySet) -> Option<String> {
    let takes = |one: &TokenAlgorithm| {
        let one = Algorithms::of([algorithm(*one)]);
        keys.keys().iter().any(|key| key.takes_any(one))
    };
    if config.algorithms.is_empty() || config.algorithms.iter().any(takes) {
        return None;
    }
    let whose = match keys.keys() {
        [key] => format!("the key {}", key.name()),
        _ => "a key of `jwks_file`".to_owned(),
    };
    let taken = TokenAlgorithm::ALL.into_iter().filter(takes);
    let names: Vec<String> = taken.map(|one| format!("`{}`", one.name())).collect();
    Some(format!("none of them is for {whose}, but {} would be", names.join(", ")))
}

/// What `iss` must be.
fn issuer(config: &AuthConfig) -> Option<&str> {
    let of_provider = config.oidc_config.as_ref().map(|provider| provider.issuer.as_str());
    config.issuer.as_deref().or(of_provider)
}

fn source(config: &AuthConfig) -> Option<KeySource> {
    let origin = match &config.jwks_url {
        Some(url) => Origin::Url(url.as_str().into()),
        None => Origin::Issuer(config.discovered()?.into()),
    };
    let refresh_ms = config.refresh_interval.map(|interval| {
        // At most a day.
        u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)
    });
    Some(KeySource { origin, refresh_ms, ca: config.ca.as_ref().map(|ca| ca.expose().into()) })
}

fn token_place(source: &CredentialSource) -> TokenPlace {
    match source {
        CredentialSource::Bearer => TokenPlace::Authorization,
        CredentialSource::Header(name) => match FieldId::of(name.as_bytes()) {
            FieldId::Authorization => TokenPlace::Authorization,
            id => TokenPlace::Field(id, name.as_bytes().into()),
        },
        CredentialSource::Cookie(name) => TokenPlace::Cookie(name.as_bytes().into()),
        CredentialSource::Query(name) => TokenPlace::Query(name.as_bytes().into()),
    }
}

fn algorithm(written: TokenAlgorithm) -> Algorithm {
    match written {
        TokenAlgorithm::HS256 => Algorithm::HS256,
        TokenAlgorithm::HS384 => Algorithm::HS384,
        TokenAlgorithm::HS512 => Algorithm::HS512,
        TokenAlgorithm::RS256 => Algorithm::RS256,
        TokenAlgorithm::RS384 => Algorithm::RS384,
        TokenAlgorithm::RS512 => Algorithm::RS512,
        TokenAlgorithm::PS256 => Algorithm::PS256,
        TokenAlgorithm::PS384 => Algorithm::PS384,
        TokenAlgorithm::PS512 => Algorithm::PS512,
        TokenAlgorithm::ES256 => Algorithm::ES256,
        TokenAlgorithm::ES384 => Algorithm::ES384,
        TokenAlgorithm::EdDSA => Algorithm::EdDSA,
    }
}
