//! Bounds on a route's requests, tighter than the gateway's.

/// Bounds on a route's requests, tighter than the gateway's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestLimitsConfig {}
