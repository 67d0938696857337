//! What those who are known may do.

use super::Place;
use crate::config::{Fault, RbacConfig};

/// What those who are known may do.
#[derive(Debug)]
pub struct Rbac {}

impl Rbac {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RbacConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Rbac> {
        let _ = (config, place, faults);
        Some(Rbac {})
    }
}
