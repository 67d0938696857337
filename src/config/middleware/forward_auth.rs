//! Who may pass: asked of another server for each request.

use super::super::TextFile;
use std::time::Duration;

/// Who may pass: asked of another server for each request.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardAuthConfig {
    /// Where to ask: `http://` or `https://`, a host and a path.
    pub url: String,
    /// How long the answer may take, from the question to its last byte. Default: 1 s, since every
    /// request waits for it.
    pub timeout: Duration,
    /// Fields of the request that the server is shown. Default: all but those of one connection and
    /// of the body.
    pub request_headers: Option<Vec<String>>,
    /// Fields of the server's answer that the upstream is given; a client's own fields of these
    /// names never reach it. Default: none.
    pub response_headers: Vec<String>,
    /// Fields of the server's answer that the client is given, also where it refuses the request.
    /// Default: none.
    pub client_headers: Vec<String>,
    /// The field of the server's answer that says who asks. Default: none.
    pub user_header: Option<String>,
    /// The field of the server's answer with that one's roles, between commas. Default: none.
    pub roles_header: Option<String>,
    /// What becomes of a request where the server does not come to a decision. Default: `Deny`.
    pub on_error: ForwardAuthError,
    /// Questions that may be under way at once, of all workers. Default: 256, as many connections
    /// as a small server has.
    pub max_requests: u32,
    /// Certificates of the authorities that are trusted for `https://`, in PEM, in place of the
    /// system's. Default: none.
    pub ca: Option<TextFile>,
}

/// What becomes of a request where the server of a `forward_auth` does not come to a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardAuthError {
    /// It is refused with 503.
    #[default]
    Deny,
    /// It passes, as nobody's.
    Pass,
}

impl Default for ForwardAuthConfig {
    fn default() -> Self {
        ForwardAuthConfig {
            url: String::new(),
            timeout: Duration::from_secs(1),
            request_headers: None,
            response_headers: Vec::new(),
            client_headers: Vec::new(),
            user_header: None,
            roles_header: None,
            on_error: ForwardAuthError::Deny,
            max_requests: 256,
            ca: None,
        }
    }
}
