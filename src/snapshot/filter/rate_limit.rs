//! How many requests of one key pass in a time.

use super::Place;
use crate::config::{Fault, RateLimitConfig};

/// How many requests of one key pass in a time.
#[derive(Debug)]
pub struct RateLimit {}

impl RateLimit {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RateLimitConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<RateLimit> {
        let _ = (config, place, faults);
        Some(RateLimit {})
    }
}
