//! Changes of bodies.

use super::Place;
use crate::config::{Fault, TransformConfig};

/// Changes of bodies.
#[derive(Debug)]
pub struct Transform {}

impl Transform {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &TransformConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Transform> {
        let _ = (config, place, faults);
        Some(Transform {})
    }
}
