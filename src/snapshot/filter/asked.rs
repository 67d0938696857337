//! What filters hand to control with their questions, the same in all builds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// The hash of a password, as it is kept in files: `$2y$…` or `$argon2id$…`.
#[derive(PartialEq, Eq)]
pub struct PasswordHash {
    /// In the form of its kind.
    pub text: Box<str>,
}

/// Where a `forward_auth` asks.
#[derive(Debug)]
pub struct ForwardTarget {
    /// The whole URL.
    pub url: Box<str>,
    /// Milliseconds from the question to the end of the answer.
    pub timeout_ms: u64,
    /// Certificates of the authorities that are trusted, in PEM; the system's where there are none.
    pub authorities: Option<Arc<str>>,
    /// Questions that may be under way at once.
    pub requests_max: usize,
    /// Those that are: only control counts here.
    pub under_way: AtomicUsize,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash")
    }
}
