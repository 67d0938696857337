//! Fields that tell browsers to be careful.

use super::super::Faults;
use crate::config::SecurityHeadersConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &SecurityHeadersConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
