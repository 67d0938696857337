//! A build without the feature `authentication`: no route with such a filter is compiled.

use super::Place;
use crate::config::{ApiKeyConfig, Fault};

/// There is none.
#[derive(Debug)]
pub enum ApiKey {}

impl ApiKey {
    /// Refuses it: a route must not be served without the filter that guards it.
    pub(in crate::snapshot) fn compile(
        _: &ApiKeyConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ApiKey> {
        let message = "this program was built without the feature `authentication`";
        faults.push(Fault::new(place.path, message));
        None
    }
}
