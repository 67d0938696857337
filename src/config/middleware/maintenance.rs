//! An answer in place of the route's own, while something is being mended.

/// An answer in place of the route's own, while something is being mended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaintenanceConfig {}
