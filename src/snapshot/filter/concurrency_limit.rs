//! How many requests of one key may be under way at once.

use super::Place;
use crate::config::{ConcurrencyLimitConfig, Fault};

/// How many requests of one key may be under way at once.
#[derive(Debug)]
pub struct ConcurrencyLimit {}

impl ConcurrencyLimit {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ConcurrencyLimitConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ConcurrencyLimit> {
        let _ = (config, place, faults);
        Some(ConcurrencyLimit {})
    }
}
