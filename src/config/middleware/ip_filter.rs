//! Which client addresses may pass.

/// Which client addresses may pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpFilterConfig {}
