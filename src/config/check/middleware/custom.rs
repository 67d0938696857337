//! A filter of the embedding program.

use super::super::{Faults, extension};
use crate::config::{CustomConfig, path};

/// `path` is where the filter stands. Which filters there are is known to who starts the gateway.
pub(super) fn check(path: &str, found: &CustomConfig, faults: &mut Faults) {
    let CustomConfig { filter, settings } = found;
    extension::name(&path::join(path, "filter"), filter, faults);
    extension::settings(&path::join(path, "settings"), settings, faults);
}
