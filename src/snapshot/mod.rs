//! To be written.

pub use crate::router::RouteId;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamId(pub u32);
pub struct Snapshot { pub generation: u64 }
