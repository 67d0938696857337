//! What those who are known may do.

/// What those who are known may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RbacConfig {}
