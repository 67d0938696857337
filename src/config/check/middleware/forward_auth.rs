//! Who may pass: asked of another server for each request.

use super::super::Faults;
use crate::config::ForwardAuthConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &ForwardAuthConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
