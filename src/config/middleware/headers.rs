//! Changes of fields, to be named by several routes.

use super::super::HeaderEdits;

/// Changes of fields, to be named by several routes. What a route says itself in its
/// `request_headers` and `response_headers` goes before what stands here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadersConfig {
    /// Changes of the request on its way to the upstream.
    pub request: HeaderEdits,
    /// Changes of the answer on its way to the client, whoever made it.
    pub response: HeaderEdits,
}
