//! What the kinds of authentication share.

use super::super::Faults;
use crate::config::{Identity, path};
use crate::limits;
use std::collections::HashSet;

/// A realm stands in quotes, which nothing in it may end.
pub(super) fn realm(base: &str, realm: &str, faults: &mut Faults) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if realm.is_empty() || !realm.bytes().all(is_plain) {
        faults.push(&path::join(base, "realm"), "printable ASCII without quotes and backslashes");
    } else if realm.len() > limits::CREDENTIAL_NAME_BYTES_MAX {
        let most = limits::CREDENTIAL_NAME_BYTES_MAX;
        faults.push(&path::join(base, "realm"), format!("longer than {most} bytes"));
    }
}

/// The names of a list of owners: each is there once.
pub(super) fn name<'n>(
    place: &str,
    name: &'n str,
    known: &mut HashSet<&'n str>,
    faults: &mut Faults,
) {
    let place = path::join(place, "name");
    if let Err(what) = name_fault(name) {
        faults.push(&place, what);
    } else if !known.insert(name) {
        faults.push(&place, format!("there is a `{name}` already"));
    }
}

fn name_fault(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
        return Err("a name without colons and control characters".to_owned());
    }
    if name.len() > limits::CREDENTIAL_NAME_BYTES_MAX {
        return Err(format!("longer than {} bytes", limits::CREDENTIAL_NAME_BYTES_MAX));
    }
    Ok(())
}

/// What is said of an owner.
pub(super) fn identity(place: &str, identity: &Identity, faults: &mut Faults) {
    let most = limits::IDENTITY_ENTRIES_MAX;
    if identity.roles.len() > most {
        faults.push(&path::join(place, "roles"), format!("more than {most} roles"));
    }
    if identity.claims.len() > most {
        faults.push(&path::join(place, "claims"), format!("more than {most} claims"));
    }
    if identity.claims.contains_key("roles") && !identity.roles.is_empty() {
        faults.push(&path::join(place, "claims.roles"), "`roles` says it already");
    }
}

/// How many owners a filter may have, in its list.
pub(super) fn count(base: &str, key: &str, count: usize, has_file: bool, faults: &mut Faults) {
    let most = limits::CREDENTIALS_COUNT_MAX;
    if count > most {
        faults.push(&path::join(base, key), format!("more than {most}"));
    } else if count == 0 && !has_file {
        let message = format!("nobody could pass: name some here, or in `{key}_file`");
        faults.push(&path::join(base, key), message);
    }
}
