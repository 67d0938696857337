//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::Faults;
use crate::config::AuthConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &AuthConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
