//! Who may pass: asked of another server for each request.

use super::Place;
use crate::config::{Fault, ForwardAuthConfig};

/// Who may pass: asked of another server for each request.
#[derive(Debug)]
pub struct ForwardAuth {}

impl ForwardAuth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ForwardAuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ForwardAuth> {
        let _ = (config, place, faults);
        Some(ForwardAuth {})
    }
}
