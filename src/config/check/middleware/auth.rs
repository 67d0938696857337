//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::super::{AuthConfig, CredentialSource, Secret, TokenAlgorithm, path};
use super::super::{Faults, action, is_token};
use crate::http::field::FieldId;
use crate::limits;
use hyper::Uri;
use std::time::Duration;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &AuthConfig, faults: &mut Faults) {
    keys(path, found, faults);
    algorithms(path, found, faults);
    asked(path, found, faults);
    places(path, found, faults);
    headers(path, found, faults);
    bounds(path, found, faults);
}

/// What says how tokens are signed; the keys themselves are read where they are compiled.
fn keys(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    if !found.has_own_keys() && found.jwks_url.is_none() && found.discovered().is_none() {
        let message =
            "no key: write `issuer`, `jwks_url`, `jwks_file`, `public_key` or `jwt_secret`";
        faults.push(base, message);
    }
    if let Some(url) = &found.jwks_url {
        web_url(&key("jwks_url"), url, faults);
        if found.oidc_config.is_some() {
            faults.push(&key("jwks_url"), "`oidc_config` finds the keys already");
        }
    }
    if let Some(issuer) = &found.issuer {
        filled(&key("issuer"), issuer, faults);
    }
    if let Some(issuer) = found.discovered() {
        let place = match &found.oidc_config {
            Some(_) => key("oidc_config.issuer"),
            None => key("issuer"),
        };
        web_url(&place, issuer, faults);
    }
    if let Some(provider) = &found.oidc_config {
        filled(&key("oidc_config.client_id"), &provider.client_id, faults);
        if found.issuer.as_ref().is_some_and(|issuer| *issuer != provider.issuer) {
            faults.push(&key("issuer"), "`oidc_config.issuer` says otherwise");
        }
    }
    let is_fetched = found.jwks_url.is_some() || found.discovered().is_some();
    if !is_fetched {
        let unused = [
            ("refresh_interval", found.refresh_interval.is_some()),
            ("ca_file", found.ca.is_some()),
        ];
        for (name, is_there) in unused {
            if is_there {
                faults.push(&key(name), "no keys are fetched");
            }
        }
    }
    for (name, secret) in [("public_key", &found.public_key), ("jwks_file", &found.jwks)] {
        if secret.as_ref().is_some_and(|secret: &Secret| secret.expose().is_empty()) {
            faults.push(&key(name), "it is empty");
        }
    }
}

/// Whether a fetched key can be for one of the algorithms; the others are asked where they are
/// compiled. A provider may be there for its issuer and audience alone, where keys are given.
fn algorithms(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let whose = match (&found.jwks_url, found.discovered()) {
        (Some(_), _) => "`jwks_url`",
        (None, Some(_)) if !found.has_own_keys() => "the issuer",
        (None, Some(_) | None) => return,
    };
    if found.algorithms.is_empty() || !found.algorithms.iter().all(|one| one.is_shared()) {
        return;
    }
    let public = TokenAlgorithm::ALL.iter().filter(|one| !one.is_shared());
    let names: Vec<String> = public.map(|one| format!("`{}`", one.name())).collect();
    let message = format!(
        "none of them is for a key of {whose}: a fetched key is a public one, for {}",
        names.join(", ")
    );
    faults.push(&path::join(base, "algorithms"), message);
}

/// What tokens must say.
fn asked(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    let most = limits::TOKEN_CLAIMS_MAX;
    let counts = [
        ("audience", found.audience.len()),
        ("required_claims", found.required_claims.len()),
        ("required_scopes", found.required_scopes.len()),
        ("claims_to_headers", found.claims_to_headers.len()),
    ];
    for (name, count) in counts {
        if count > most {
            faults.push(&key(name), format!("more than {most}"));
        }
    }
    for (index, audience) in found.audience.iter().enumerate() {
        filled(&path::element(&key("audience"), index), audience, faults);
    }
    for (index, claim) in found.required_claims.iter().enumerate() {
        let place = path::element(&key("required_claims"), index);
        filled(&place, &claim.name, faults);
        if claim.values.len() > most {
            faults.push(&place, format!("more than {most} values"));
        }
    }
    for (index, scope) in found.required_scopes.iter().enumerate() {
        // RFC 6749 section 3.3: %x21 / %x23-5B / %x5D-7E.
        let is_byte = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if scope.is_empty() || !scope.bytes().all(is_byte) {
            let message = format!("`{}` is no scope", scope.escape_debug());
            faults.push(&path::element(&key("required_scopes"), index), message);
        }
    }
}

/// Where tokens stand.
fn places(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let list = path::join(base, "token_from");
    if found.token_from.is_empty() {
        faults.push(&list, "nowhere to look for a token");
    }
    if found.token_from.len() > limits::TOKEN_SOURCES_MAX {
        faults.push(&list, format!("more than {} places", limits::TOKEN_SOURCES_MAX));
    }
    for (index, source) in found.token_from.iter().enumerate() {
        let place = path::element(&list, index);
        match source {
            CredentialSource::Header(name) => {
                action::field_name(&place, name, true, faults);
                if FieldId::of(name.as_bytes()) == FieldId::Cookie {
                    faults.push(&place, "a cookie is written `cookie:NAME`");
                }
            }
            CredentialSource::Cookie(name) if !is_token(name) => {
                faults.push(&place, format!("`{}` is no name of a cookie", name.escape_debug()));
            }
            CredentialSource::Query(name) if name.is_empty() => {
                faults.push(&place, "an empty name")
            }
            CredentialSource::Query(_) if !found.forward_credentials => {
                let message = "a token cannot be taken out of the query in this version";
                faults.push(&path::join(base, "forward_credentials"), message);
            }
            CredentialSource::Bearer | CredentialSource::Cookie(_) | CredentialSource::Query(_) => {
            }
        }
        if found.token_from.iter().take(index).any(|other| is_same(other, source)) {
            faults.push(&place, "it is in the list already");
        }
    }
}

fn is_same(one: &CredentialSource, other: &CredentialSource) -> bool {
    match (field_of(one), field_of(other)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (_, _) => one == other,
    }
}

/// The field that a token has for itself.
fn field_of(source: &CredentialSource) -> Option<&str> {
    match source {
        CredentialSource::Bearer => Some("Authorization"),
        CredentialSource::Header(name) => Some(name),
        CredentialSource::Cookie(_) | CredentialSource::Query(_) => None,
    }
}

/// What the upstream is told.
fn headers(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let table = path::join(base, "claims_to_headers");
    let mut names: Vec<&String> = Vec::new();
    for (name, claim) in &found.claims_to_headers {
        let place = path::join(&table, name);
        action::field_name(&place, name, true, faults);
        filled(&place, claim, faults);
        if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            faults.push(&place, "is there already: names of fields have no case");
        }
        let is_source = |source: &CredentialSource| match source {
            CredentialSource::Cookie(_) => name.eq_ignore_ascii_case("cookie"),
            other => field_of(other).is_some_and(|field| field.eq_ignore_ascii_case(name)),
        };
        if found.token_from.iter().any(is_source) {
            faults.push(&place, "the token itself stands there");
        }
        names.push(name);
    }
    // RFC 9110 section 5.6.4: it is written as a quoted string.
    let is_plain = |byte: u8| (byte == b' ' || byte.is_ascii_graphic()) && !b"\"\\".contains(&byte);
    if found.realm.is_empty() || !found.realm.bytes().all(is_plain) {
        let message = "a realm is printable ASCII without `\"` and `\\`";
        faults.push(&path::join(base, "realm"), message);
    }
}

fn bounds(base: &str, found: &AuthConfig, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    if found.leeway > Duration::from_secs(limits::TOKEN_LEEWAY_SECONDS_MAX) {
        faults.push(&key("leeway"), "longer than an hour");
    }
    if let Some(interval) = found.refresh_interval
        && (!limits::KEYS_REFRESH_SECONDS.contains(&interval.as_secs())
            || interval > Duration::from_secs(*limits::KEYS_REFRESH_SECONDS.end()))
    {
        faults.push(&key("refresh_interval"), "from 10 seconds to a day");
    }
    faults.range(&key("max_token_size"), found.max_token_size, limits::TOKEN_SIZE);
    faults.range(&key("cache_tokens"), found.cache_tokens, limits::TOKEN_CACHE_TOKENS);
    faults.range(&key("cache_size"), found.cache_size, limits::TOKEN_CACHE_SIZE);
}

fn filled(path: &str, text: &str, faults: &mut Faults) {
    if text.is_empty() {
        faults.push(path, "an empty text: leave it out");
    }
}

/// `http://host/…` or `https://host/…`, without a user and without a fragment.
fn web_url(path: &str, text: &str, faults: &mut Faults) {
    let uri = text.parse::<Uri>().ok().filter(|_| !text.contains('#'));
    let is_known = uri.as_ref().is_some_and(|uri| {
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        is_web && !host.is_empty() && !host.contains('@')
    });
    if !is_known {
        let text = text.escape_debug();
        faults.push(path, format!("`{text}` is no URL as in `https://auth.example.com/keys`"));
    }
}
