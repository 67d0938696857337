//! Who may pass: asked of another server for each request.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ForwardAuthConfig, ForwardAuthError, Middleware};
use super::super::{Decoder, Fields, values};
use super::credential;
use crate::limits;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::FORWARD_AUTH)?;
    let mut config = ForwardAuthConfig::default();
    let url = fields.require(d, "url", values::text);
    fields.set(d, "timeout", &mut config.timeout, values::duration);
    let names = || values::list(values::text);
    fields.set_some(d, "request_headers", &mut config.request_headers, names());
    fields.set(d, "response_headers", &mut config.response_headers, names());
    fields.set(d, "client_headers", &mut config.client_headers, names());
    fields.set_some(d, "user_header", &mut config.user_header, values::text);
    fields.set_some(d, "roles_header", &mut config.roles_header, values::text);
    fields.set(d, "on_error", &mut config.on_error, values::word(ON_ERROR));
    let range = values::number(limits::FORWARD_REQUESTS);
    fields.set(d, "max_requests", &mut config.max_requests, range);
    fields.set_some(d, "ca", &mut config.ca, credential::text_file);
    // One without is told; the rest of it was read for its faults.
    Some(Middleware::ForwardAuth(ForwardAuthConfig { url: url?, ..config }))
}

const ON_ERROR: &[(&str, ForwardAuthError)] =
    &[("deny", ForwardAuthError::Deny), ("pass", ForwardAuthError::Pass)];
