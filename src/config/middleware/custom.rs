//! A filter of the embedding program.

/// A filter of the embedding program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomConfig {}
