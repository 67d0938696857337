//! JSON Web Tokens (RFC 7519): keys, and whether a token is signed with one of them and says what
//! it must.
//!
//! Bytes in, facts out: no I/O, and the time is told. `jsonwebtoken` checks the signatures; what
//! stands around them is here, since a gateway has several keys, wants to say why it refuses a
//! token, and believes nothing of a token's header but which of its own keys is meant (RFC 8725).

mod algorithm;
mod key;
mod set;
mod source;
mod token;
mod rules;
mod verify;
mod cache;
#[cfg(any(test, feature = "__simulation"))]
pub mod fixture;

pub use algorithm::{Algorithm, Algorithms};
pub use cache::Cache;
pub use key::{Key, KeyInvalid};
pub use rules::{ClaimRule, Rules};
pub use set::{KeySet, SetInvalid, Symmetric};
pub use source::{KeySource, Origin};
pub use verify::{Fetched, Keys, TokenFault, Verified, verify};

#[cfg(test)]
mod tests;
