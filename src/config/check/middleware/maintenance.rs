//! An answer in place of the route's own, while something is being mended.

use super::super::{Faults, action};
use crate::config::{MaintenanceConfig, StaticResponse, path};
use crate::limits;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &MaintenanceConfig, faults: &mut Faults) {
    let MaintenanceConfig { status, retry_after, body, body_file, content_type, allow: _ } = found;
    let answer = StaticResponse {
        status: *status,
        body: body.clone(),
        body_file: body_file.clone(),
        content_type: content_type.clone(),
    };
    action::respond(base, &answer, faults);
    let Some(retry_after) = retry_after else { return };
    let key = path::join(base, "retry_after");
    if retry_after.subsec_nanos() > 0 {
        faults.push(&key, "whole seconds");
    }
    if retry_after.as_secs() > limits::RETRY_AFTER_SECONDS_MAX {
        faults.push(&key, "longer than 30 days");
    }
}
