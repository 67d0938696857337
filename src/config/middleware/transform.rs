//! Changes of bodies.

/// Changes of bodies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransformConfig {}
