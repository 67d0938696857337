//! Changes of fields, to be named by several routes.

use super::Place;
use crate::config::{Fault, HeadersConfig};
use crate::snapshot::Edits;
use crate::snapshot::compile::edits::edits;
use crate::snapshot::template::Scope;
use std::cell::RefCell;

/// Changes of fields, to be named by several routes.
#[derive(Debug)]
pub struct Headers {
    /// Of the request on its way to the upstream.
    pub request: Edits,
    /// Of the answer on its way to the client.
    pub response: Edits,
    /// The parameters of paths that the templates name, in the order of their numbers there.
    pub(super) parameters: Vec<String>,
}

impl Headers {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &HeadersConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Headers> {
        let named = RefCell::default();
        let scope = Scope { named: Some(&named), ..Scope::default() };
        let before = faults.len();
        let of = |key: &str| format!("{}.{key}", place.path);
        let request = edits(&of("request"), &config.request, &scope, None, faults);
        let response = edits(&of("response"), &config.response, &scope, None, faults);
        if faults.len() > before {
            return None;
        }
        Some(Headers { request, response, parameters: named.into_inner() })
    }
}
