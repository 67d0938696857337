//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::Place;
use crate::config::{CorsConfig, Fault};

/// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
#[derive(Debug)]
pub struct Cors {}

impl Cors {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &CorsConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Cors> {
        let _ = (config, place, faults);
        Some(Cors {})
    }
}
