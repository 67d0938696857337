//! Who may pass: users with a password (RFC 7617).

/// Who may pass: users with a password (RFC 7617).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BasicAuthConfig {}
