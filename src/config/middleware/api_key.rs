//! Who may pass: clients with a known key.

/// Who may pass: clients with a known key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiKeyConfig {}
