//! How many requests of one key may be under way at once.

/// How many requests of one key may be under way at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConcurrencyLimitConfig {}
