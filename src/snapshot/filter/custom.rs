//! A filter of the embedding program.

use super::Place;
use crate::config::{CustomConfig, Fault};

/// A filter of the embedding program.
#[derive(Debug)]
pub struct Custom {}

impl Custom {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &CustomConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Custom> {
        let _ = (config, place, faults);
        Some(Custom {})
    }
}
