//! Fields that tell browsers to be careful.

use super::Place;
use crate::config::{Fault, SecurityHeadersConfig};
use crate::http::field::FieldNames;

/// Fields that tell browsers to be careful.
#[derive(Debug)]
pub struct SecurityHeaders {
    /// Fields that the upstream's answer loses, but for `Strict-Transport-Security`.
    pub names: FieldNames,
    /// The lines in their place, each with its CRLF.
    pub lines: Box<[u8]>,
    /// The value of `Strict-Transport-Security`; empty for none. RFC 6797 section 7.2: never in an
    /// answer that goes out in the clear.
    pub hsts: Box<[u8]>,
}

impl SecurityHeaders {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &SecurityHeadersConfig,
        _: &Place<'_>,
        _: &mut Vec<Fault>,
    ) -> Option<SecurityHeaders> {
        let mut names = FieldNames::default();
        let mut lines = String::new();
        for (key, name, value) in config.fields() {
            let Some(value) = value.filter(|_| key != "hsts") else { continue };
            names.insert(name);
            lines.extend([name, ": ", value.trim(), "\r\n"]);
        }
        let hsts = config.hsts.as_deref().unwrap_or_default().trim();
        Some(SecurityHeaders {
            names,
            lines: lines.into_bytes().into(),
            hsts: hsts.as_bytes().into(),
        })
    }
}
