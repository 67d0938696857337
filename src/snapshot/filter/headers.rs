//! Changes of fields, to be named by several routes.

use super::Place;
use crate::config::{Fault, HeadersConfig};

/// Changes of fields, to be named by several routes.
#[derive(Debug)]
pub struct Headers {}

impl Headers {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &HeadersConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Headers> {
        let _ = (config, place, faults);
        Some(Headers {})
    }
}
