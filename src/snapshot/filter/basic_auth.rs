//! Who may pass: users with a password (RFC 7617).

use super::Place;
use crate::config::{BasicAuthConfig, Fault};

/// Who may pass: users with a password (RFC 7617).
#[derive(Debug)]
pub struct BasicAuth {}

impl BasicAuth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &BasicAuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<BasicAuth> {
        let _ = (config, place, faults);
        Some(BasicAuth {})
    }
}
