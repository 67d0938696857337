//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::super::node::{Entry, Node, Value};
use super::super::super::sections;
use super::super::super::{
    AuthConfig, Middleware, OIDCConfig, RequiredClaim, Secret, TokenAlgorithm,
};
use super::super::secret::{self, Use};
use super::super::{Decoder, Fields, values};
use crate::limits;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::AUTH)?;
    let mut auth = AuthConfig::default();
    keys(d, &fields, &mut auth);
    fields.set_some(d, "issuer", &mut auth.issuer, values::text);
    fields.set(d, "audience", &mut auth.audience, one_or_more);
    fields.set(d, "required_claims", &mut auth.required_claims, values::list(claim));
    fields.set(d, "required_scopes", &mut auth.required_scopes, values::list(values::text));
    fields.set(d, "require_exp", &mut auth.require_exp, values::boolean);
    fields.set(d, "leeway", &mut auth.leeway, values::duration);
    fields.set(d, "token_from", &mut auth.token_from, values::list(values::parsed));
    fields.set(d, "claims_to_headers", &mut auth.claims_to_headers, claims_to_headers);
    fields.set(d, "forward_credentials", &mut auth.forward_credentials, values::boolean);
    fields.set(d, "optional", &mut auth.optional, values::boolean);
    fields.set(d, "realm", &mut auth.realm, values::text);
    fields.set(d, "max_token_size", &mut auth.max_token_size, values::size(limits::TOKEN_SIZE));
    let tokens = values::number(limits::TOKEN_CACHE_TOKENS);
    fields.set(d, "cache_tokens", &mut auth.cache_tokens, tokens);
    fields.set(d, "cache_size", &mut auth.cache_size, values::size(limits::TOKEN_CACHE_SIZE));
    Some(Middleware::Auth(auth))
}

/// What says how tokens are signed.
fn keys(d: &mut Decoder, fields: &Fields<'_>, auth: &mut AuthConfig) {
    let algorithm = values::word(&ALGORITHMS);
    fields.set(d, "algorithms", &mut auth.algorithms, values::list(algorithm));
    let shared = shared_secret(&auth.algorithms);
    fields.set(d, "jwt_secret", &mut auth.jwt_secret, shared);
    fields.set_some(d, "public_key", &mut auth.public_key, public_key);
    fields.set_some(d, "jwks_file", &mut auth.jwks, file);
    fields.set_some(d, "jwks_url", &mut auth.jwks_url, values::text);
    let provider = provider(&auth.algorithms);
    fields.set_some(d, "oidc_config", &mut auth.oidc_config, provider);
    fields.set_some(d, "refresh_interval", &mut auth.refresh_interval, values::duration);
    fields.set_some(d, "ca_file", &mut auth.ca, file);
}

fn provider(
    algorithms: &[TokenAlgorithm],
) -> impl FnOnce(&mut Decoder, &Node) -> Option<OIDCConfig> + use<> {
    let shared = shared_secret(algorithms);
    move |d, node| {
        let fields = Fields::of(d, node, &sections::AUTH_PROVIDER)?;
        let issuer = fields.require(d, "issuer", values::text);
        let client_id = fields.require(d, "client_id", values::text);
        let mut client_secret = String::new();
        fields.set(d, "client_secret", &mut client_secret, shared);
        Some(OIDCConfig { issuer: issuer?, client_id: client_id?, client_secret })
    }
}

/// A secret that tokens are signed with by one of these algorithms, or by HS256 where none is
/// named: at least as long as the longest of their hashes (RFC 7518 section 3.2).
fn shared_secret(
    algorithms: &[TokenAlgorithm],
) -> impl FnOnce(&mut Decoder, &Node) -> Option<String> + use<> {
    let needs = |one: &TokenAlgorithm| Some((one.secret_bytes_min()?, one.name()));
    let usual = (limits::HS256_SECRET_BYTES_MIN, TokenAlgorithm::HS256.name());
    let (least, name) = algorithms.iter().filter_map(needs).max().unwrap_or(usual);
    move |d, node| {
        let secret = secret::secret(d, node, Use::Text)?;
        let text = secret.expose();
        if text.len() < least {
            let message = format!(
                "{} bytes, and the secret of {name} has at least {least} (RFC 7518 section 3.2): \
                 shorter ones are found by trying; `openssl rand -base64 {least}` makes one",
                text.len()
            );
            d.fault(node.place, message);
        }
        // Also where it is too short: it is there, and nothing is said of a key that is missing.
        Some(text.to_owned())
    }
}

/// A key that everybody may see, so one that stands in the file is nothing to warn of.
fn public_key(d: &mut Decoder, node: &Node) -> Option<Secret> {
    if let Value::Text(text) = &node.value {
        return Some(Secret::inline(text));
    }
    secret::secret(d, node, Use::PublicKey)
}

fn file(d: &mut Decoder, node: &Node) -> Option<Secret> {
    let path = values::text(d, node)?;
    d.secret_files.push(PathBuf::from(&path));
    Secret::file(path).map_err(|error| d.fault(node.place, error.to_string())).ok()
}

fn one_or_more(d: &mut Decoder, node: &Node) -> Option<Vec<String>> {
    if let Value::Text(text) = &node.value {
        return Some(vec![text.clone()]);
    }
    values::list(values::text)(d, node)
}

fn claim(d: &mut Decoder, node: &Node) -> Option<RequiredClaim> {
    if let Value::Text(name) = &node.value {
        return Some(name.as_str().into());
    }
    let fields = Fields::of(d, node, &sections::REQUIRED_CLAIM)?;
    let name = fields.require(d, "name", values::text);
    let mut allowed = Vec::new();
    fields.set(d, "values", &mut allowed, values::list(values::text));
    Some(RequiredClaim { name: name?, values: allowed })
}

fn claims_to_headers(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, String>> {
    let Some(entries) = node.entries() else {
        d.unexpected(node, "a table of fields and the claims that they are set from");
        return None;
    };
    let mut found = BTreeMap::new();
    for Entry { key, node, .. } in entries {
        let claim = d.within_key(key, |d| values::text(d, node));
        found.extend(claim.map(|claim| (key.clone(), claim)));
    }
    Some(found)
}

const ALGORITHMS: [(&str, TokenAlgorithm); 12] = {
    let mut words = [("", TokenAlgorithm::HS256); 12];
    let mut at = 0;
    while at < words.len() {
        words[at] = (TokenAlgorithm::ALL[at].name(), TokenAlgorithm::ALL[at]);
        at += 1;
    }
    words
};
