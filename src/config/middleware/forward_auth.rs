//! Who may pass: asked of another server for each request.

/// Who may pass: asked of another server for each request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForwardAuthConfig {}
