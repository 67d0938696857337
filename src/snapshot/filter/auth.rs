//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::Place;
use crate::config::{AuthConfig, Fault};

/// Who may pass: bearers of a JSON Web Token (RFC 7519).
#[derive(Debug)]
pub struct Auth {}

impl Auth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &AuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Auth> {
        let _ = (config, place, faults);
        Some(Auth {})
    }
}
