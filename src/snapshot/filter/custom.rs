//! A filter of the embedding program.

use super::Place;
use crate::config::{CustomConfig, Fault};
use crate::extension::{FilterFactory, Settings};
use crate::snapshot::extend;
use std::fmt;
use std::sync::Arc;

/// A filter of the embedding program.
pub struct Custom {
    /// Who makes it.
    pub factory: Arc<dyn FilterFactory>,
    /// What it is told.
    pub settings: Settings,
}

impl Custom {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &CustomConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Custom> {
        let (factory, settings) = extend::filter(config, place.path, place.extensions, faults)?;
        Some(Custom { factory, settings })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Custom").finish_non_exhaustive()
    }
}
