//! Fields that tell browsers to be careful.

use super::super::{Faults, action};
use crate::config::{SecurityHeadersConfig, path};
use crate::limits;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &SecurityHeadersConfig, faults: &mut Faults) {
    let fields = found.fields();
    if fields.iter().all(|(_, _, value)| value.is_none()) {
        faults.push(base, "all are off: leave the filter out");
    }
    for (key, _, value) in fields {
        let Some(value) = value else { continue };
        let key = path::join(base, key);
        action::value(&key, value, faults);
        if value.trim().is_empty() {
            faults.push(&key, "an empty value: `\"off\"` leaves the upstream's as it is");
        }
        if value.len() > limits::SECURITY_VALUE_BYTES_MAX {
            let most = limits::SECURITY_VALUE_BYTES_MAX;
            faults.push(&key, format!("longer than {most} bytes"));
        }
    }
}
