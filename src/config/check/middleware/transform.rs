//! Changes of bodies.

use super::super::Faults;
use crate::config::TransformConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &TransformConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
