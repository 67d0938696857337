//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::Faults;
use crate::config::CorsConfig;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &CorsConfig, faults: &mut Faults) {
    let _ = (path, found, faults);
}
