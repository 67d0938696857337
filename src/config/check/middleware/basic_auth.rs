//! Who may pass: users with a password (RFC 7617). Hashes are checked as they are compiled.

use super::super::Faults;
use super::credential;
use crate::config::{BasicAuthConfig, path};
use crate::limits;
use std::collections::HashSet;
use std::time::Duration;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &BasicAuthConfig, faults: &mut Faults) {
    let BasicAuthConfig { users, users_file, realm, remember, .. } = found;
    credential::realm(base, realm, faults);
    credential::count(base, "users", users.len(), users_file.is_some(), faults);
    let mut known = HashSet::new();
    for (index, user) in users.iter().enumerate() {
        let place = path::element(&path::join(base, "users"), index);
        credential::name(&place, &user.name, &mut known, faults);
        credential::identity(&place, &user.identity, faults);
    }
    if *remember > Duration::from_millis(limits::PASSWORDS_REMEMBERED_MS_MAX) {
        faults.push(&path::join(base, "remember"), "longer than an hour");
    }
}
