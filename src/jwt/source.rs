//! Where keys are fetched.

use std::fmt;
use std::sync::Arc;

/// A place of keys, and how it is reached. Two that are equal are one: they are fetched once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySource {
    /// Where the set is found.
    pub origin: Origin,
    /// Milliseconds until it is fetched again; without it the answer says.
    pub refresh_ms: Option<u64>,
    /// Certificates of authorities in PEM by which its server is known, instead of the system's.
    pub ca: Option<Arc<str>>,
}

/// How a set is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// It stands there.
    Url(Box<str>),
    /// This issuer's discovery document says where (OpenID Connect Discovery 1.0 section 4).
    Issuer(Box<str>),
}

impl KeySource {
    /// What operators know it by.
    pub fn name(&self) -> &str {
        match &self.origin {
            Origin::Url(url) => url,
            Origin::Issuer(issuer) => issuer,
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("origin", &self.origin).finish_non_exhaustive()
    }
}
