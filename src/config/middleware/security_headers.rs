//! Fields that tell browsers to be careful.

/// Fields that tell browsers to be careful.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecurityHeadersConfig {}
