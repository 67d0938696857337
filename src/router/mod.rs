//! To be written.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteId(pub u32);
