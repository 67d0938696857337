//! Bounds on a route's requests, tighter than the gateway's.

use super::Place;
use crate::config::{Fault, RequestLimitsConfig};

/// Bounds on a route's requests, tighter than the gateway's.
#[derive(Debug)]
pub struct RequestLimits {}

impl RequestLimits {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RequestLimitsConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<RequestLimits> {
        let _ = (config, place, faults);
        Some(RequestLimits {})
    }
}
