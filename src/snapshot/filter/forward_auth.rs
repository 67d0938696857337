//! Who may pass: asked of another server for each request.

use super::{ForwardTarget, Place};
use crate::config::{Fault, ForwardAuthConfig, ForwardAuthError};
use crate::http::field::FieldNames;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Who may pass: asked of another server for each request.
#[derive(Debug)]
pub struct ForwardAuth {
    /// Whom to ask.
    pub target: Arc<ForwardTarget>,
    /// Fields that it is shown; all where none are named.
    pub shown: Option<FieldNames>,
    /// Fields of its answer for the upstream.
    pub to_upstream: Box<[Box<str>]>,
    /// Fields of its answer for the client.
    pub to_client: FieldNames,
    /// The field that says who asks, in lower case.
    pub user: Option<Box<str>>,
    /// The field with that one's roles, in lower case.
    pub roles: Option<Box<str>>,
    /// Whether a request passes that it does not decide on.
    pub passes_errors: bool,
}

impl ForwardAuth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ForwardAuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ForwardAuth> {
        let authorities = config.ca.as_ref().map(|file| Arc::clone(file.text()));
        if let Some(Err(what)) = authorities.as_deref().map(authorities_are_right) {
            faults.push(Fault::new(format!("{}.ca", place.path), what));
            return None;
        }
        let lower = |name: &String| name.to_ascii_lowercase().into_boxed_str();
        Some(ForwardAuth {
            target: Arc::new(ForwardTarget {
                url: config.url.as_str().into(),
                timeout_ms: u64::try_from(config.timeout.as_millis()).unwrap_or(u64::MAX),
                authorities,
                requests_max: config.max_requests as usize,
                under_way: AtomicUsize::new(0),
            }),
            shown: config.request_headers.as_deref().map(names),
            to_upstream: config.response_headers.iter().map(lower).collect(),
            to_client: names(&config.client_headers),
            user: config.user_header.as_ref().map(lower),
            roles: config.roles_header.as_ref().map(lower),
            passes_errors: match config.on_error {
                ForwardAuthError::Deny => false,
                ForwardAuthError::Pass => true,
            },
        })
    }
}

fn names(list: &[String]) -> FieldNames {
    let mut names = FieldNames::default();
    list.iter().for_each(|name| names.insert(name));
    names
}

fn authorities_are_right(pem: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("no PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("no certificate: {error}"))?;
    }
    if roots.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(()) }
}
