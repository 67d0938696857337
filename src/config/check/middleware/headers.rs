//! Changes of fields, to be named by several routes.

use super::super::{Faults, action};
use crate::config::{HeadersConfig, path};

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &HeadersConfig, faults: &mut Faults) {
    let HeadersConfig { request, response } = found;
    if request.is_empty() && response.is_empty() {
        faults.push(base, "nothing changes: write `request` or `response`");
    }
    action::header_edits(&path::join(base, "request"), request, true, faults);
    action::header_edits(&path::join(base, "response"), response, false, faults);
}
