//! What the gateway writes for people: one line an exchange, and its own few words on stderr.

pub mod format;
pub mod writer;
pub mod diagnostics;
