//! Bounds on a route's requests, tighter than the gateway's.

/// Bounds on a route's requests, tighter than those of [`crate::config::Limits`]. What is `None` is
/// bounded by those alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLimitsConfig {
    /// Fields of a head; 431.
    pub fields: Option<usize>,
    /// Bytes of all field lines of a head; 431.
    pub fields_size: Option<usize>,
    /// Bytes of a request target, path and query together; 414.
    pub url_size: Option<usize>,
    /// Bytes of a query without its question mark; 414.
    pub query_size: Option<usize>,
    /// Bytes of a body; 413. 0 takes none.
    pub body: Option<u64>,
}
