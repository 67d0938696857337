//! Changes of fields, to be named by several routes.

/// Changes of fields, to be named by several routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadersConfig {}
