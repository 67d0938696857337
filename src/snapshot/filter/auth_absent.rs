//! Bearers of a JSON Web Token, in a build without the feature `authentication`.

use super::Place;
use crate::config::{AuthConfig, Fault};
use crate::jwt::KeySource;
use std::sync::Arc;

/// Who may pass: bearers of a JSON Web Token (RFC 7519).
#[derive(Debug)]
pub struct Auth {}

impl Auth {
    /// Refuses what was written.
    pub(in crate::snapshot) fn compile(
        _: &AuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Auth> {
        let message = "this build has no `auth`: it was made without the feature `authentication`";
        faults.push(Fault::new(place.path, message));
        None
    }

    /// Where its keys are fetched, if they are.
    pub fn key_source(&self) -> Option<&Arc<KeySource>> {
        None
    }
}
