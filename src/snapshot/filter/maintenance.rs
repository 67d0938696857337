//! An answer in place of the route's own, while something is being mended.

use super::Place;
use crate::config::{Fault, MaintenanceConfig};
use crate::http::networks::Networks;
use crate::http::status::Status;
use crate::snapshot::compile::body;
use std::net::IpAddr;

/// An answer in place of the route's own, while something is being mended.
#[derive(Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// What is answered; none: the gateway's own words.
    pub answer: Option<Text>,
    /// `Retry-After`, in seconds as they are written; empty for none.
    pub retry_after: Box<[u8]>,
    allow: Networks,
}

/// An answer of the operator's.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Its status.
    pub status: Status,
    /// Its body, at most [`crate::limits::RESPOND_BODY_BYTES_MAX`].
    pub body: Box<[u8]>,
    /// `Content-Type`, where there is a body.
    pub content_type: Box<[u8]>,
}

impl Maintenance {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &MaintenanceConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Maintenance> {
        let (text, file) = (config.body.as_deref(), config.body_file.as_deref());
        let found = body::fixed(place.path, (text, file), faults)?;
        let status = Status::new(config.status).unwrap_or(Status::SERVICE_UNAVAILABLE);
        // The gateway's own words are those of its own status.
        let is_own = found.is_none() && status == Status::SERVICE_UNAVAILABLE;
        let answer = (!is_own).then(|| Text {
            status,
            body: found.unwrap_or_default().into(),
            content_type: config.content_type.as_bytes().into(),
        });
        let seconds = config.retry_after.map(|after| after.as_secs().to_string());
        Some(Maintenance {
            answer,
            retry_after: seconds.unwrap_or_default().into_bytes().into(),
            allow: Networks::new(&config.allow),
        })
    }

    /// `Content-Type` and body of the operator's answer; nothing where there is none.
    pub fn text(&self) -> (&[u8], &[u8]) {
        self.answer.as_ref().map_or((b"", b""), |text| (&text.content_type, &text.body))
    }

    /// Whether a client passes.
    pub fn passes(&self, client: Option<IpAddr>) -> bool {
        client.is_some_and(|client| self.allow.contains(client))
    }
}
