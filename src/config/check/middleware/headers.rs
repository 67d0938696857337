//! Changes of fields, to be named by several routes.

use super::super::Faults;
use crate::config::HeadersConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &HeadersConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
