//! Who may pass: clients with a known key.

use super::super::{Faults, is_token};
use super::credential;
use crate::config::{ApiKeyConfig, ApiKeyValue, CredentialSource, path};
use crate::limits;
use std::collections::HashSet;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &ApiKeyConfig, faults: &mut Faults) {
    let ApiKeyConfig { keys, keys_file, from, optional: _, forward_credentials, realm } = found;
    credential::realm(base, realm, faults);
    credential::count(base, "keys", keys.len(), keys_file.is_some(), faults);
    let mut known = HashSet::new();
    for (index, key) in keys.iter().enumerate() {
        let place = path::element(&path::join(base, "keys"), index);
        credential::name(&place, &key.name, &mut known, faults);
        credential::identity(&place, &key.identity, faults);
        if let ApiKeyValue::Secret(secret) = &key.key
            && secret.expose().len() < limits::API_KEY_BYTES_MIN
        {
            let least = limits::API_KEY_BYTES_MIN;
            let message = format!("shorter than {least} bytes: too easily guessed");
            faults.push(&path::join(&place, "key"), message);
        }
    }
    let place = path::join(base, "from");
    if from.is_empty() || from.len() > limits::CREDENTIAL_SOURCES_MAX {
        let most = limits::CREDENTIAL_SOURCES_MAX;
        faults.push(&place, format!("from 1 to {most} places where clients put their key"));
    }
    for (index, source) in from.iter().enumerate() {
        let fault = match source {
            CredentialSource::Header(name) | CredentialSource::Cookie(name) => {
                (!is_token(name)).then(|| format!("`{}` is no name", name.escape_debug()))
            }
            CredentialSource::Query(_) if !forward_credentials => Some(
                "the query is passed on as it is, with the key: take `forward_credentials = \
                 false` away, or have clients send a field"
                    .to_owned(),
            ),
            CredentialSource::Query(name) => {
                let is_wrong = name.chars().any(char::is_control);
                is_wrong.then(|| "a name without control characters".to_owned())
            }
            CredentialSource::Bearer => None,
        };
        if from[..index].contains(source) {
            faults.push(&place, format!("`{source}` stands here twice"));
        } else if let Some(fault) = fault {
            faults.push(&place, fault);
        }
    }
}
