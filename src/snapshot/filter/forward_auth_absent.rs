//! A build without the feature `authentication`: no route with such a filter is compiled.

use super::Place;
use crate::config::{Fault, ForwardAuthConfig};

/// There is none.
#[derive(Debug)]
pub enum ForwardAuth {}

impl ForwardAuth {
    /// Refuses it: a route must not be served without the filter that guards it.
    pub(in crate::snapshot) fn compile(
        _: &ForwardAuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ForwardAuth> {
        let message = "this program was built without the feature `authentication`";
        faults.push(Fault::new(place.path, message));
        None
    }
}
