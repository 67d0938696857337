//! Who may pass: users with a password (RFC 7617).

use super::super::{Secret, TextFile};
use super::credential::Identity;
use std::time::Duration;

/// Who may pass: users with a password (RFC 7617).
#[derive(Clone, Debug, PartialEq)]
pub struct BasicAuthConfig {
    /// The users; with those of `users_file` at most 100,000.
    pub users: Vec<BasicUser>,
    /// More of them, as `htpasswd -B` writes them: a line each, `name:hash`; what stands behind
    /// another colon is read over.
    pub users_file: Option<TextFile>,
    /// What the browser shows. Default: `restricted`.
    pub realm: String,
    /// Whether a request without a password passes, as nobody's. Default: false.
    pub optional: bool,
    /// Whether the upstream is given the password too. Default: true, as without this filter.
    pub forward_credentials: bool,
    /// How long a worker remembers that a password is right. Default: 1 min, so that a client
    /// which asks often costs one check a minute; zero checks every request.
    pub remember: Duration,
}

/// A user and the hash of the password.
#[derive(Clone, Debug, PartialEq)]
pub struct BasicUser {
    /// As the client sends it, without a colon.
    pub name: String,
    /// `$2y$…` (bcrypt; also `$2a$` and `$2b$`) or `$argon2id$…`: what `frys hash password` prints.
    pub password_hash: Secret,
    /// What is said of the user.
    pub identity: Identity,
}

impl Default for BasicAuthConfig {
    fn default() -> Self {
        BasicAuthConfig {
            users: Vec::new(),
            users_file: None,
            realm: "restricted".to_owned(),
            optional: false,
            forward_credentials: true,
            remember: Duration::from_mins(1),
        }
    }
}
