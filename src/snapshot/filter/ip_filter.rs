//! Which client addresses may pass.

use super::Place;
use crate::config::{Fault, IpFilterConfig};

/// Which client addresses may pass.
#[derive(Debug)]
pub struct IpFilter {}

impl IpFilter {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &IpFilterConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<IpFilter> {
        let _ = (config, place, faults);
        Some(IpFilter {})
    }
}
