//! An answer in place of the route's own, while something is being mended.

use super::Place;
use crate::config::{Fault, MaintenanceConfig};

/// An answer in place of the route's own, while something is being mended.
#[derive(Debug)]
pub struct Maintenance {}

impl Maintenance {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &MaintenanceConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Maintenance> {
        let _ = (config, place, faults);
        Some(Maintenance {})
    }
}
