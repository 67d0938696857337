//! Fields that tell browsers to be careful.

use super::Place;
use crate::config::{Fault, SecurityHeadersConfig};

/// Fields that tell browsers to be careful.
#[derive(Debug)]
pub struct SecurityHeaders {}

impl SecurityHeaders {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &SecurityHeadersConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<SecurityHeaders> {
        let _ = (config, place, faults);
        Some(SecurityHeaders {})
    }
}
