//! Who may pass: clients with a known key.

use super::Place;
use crate::config::{ApiKeyConfig, Fault};

/// Who may pass: clients with a known key.
#[derive(Debug)]
pub struct ApiKey {}

impl ApiKey {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ApiKeyConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ApiKey> {
        let _ = (config, place, faults);
        Some(ApiKey {})
    }
}
