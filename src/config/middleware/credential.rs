//! What the kinds of authentication share.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Where a client puts a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// In a field of the head: `header:X-Api-Key`.
    Header(String),
    /// In `Authorization`, behind the word `Bearer` (RFC 6750 section 2.1): `bearer`.
    Bearer,
    /// In a parameter of the query: `query:api_key`.
    Query(String),
    /// In a cookie: `cookie:key`.
    Cookie(String),
}

/// No source of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSourceInvalid(String);

/// What is said of who has a key or a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Words for `rbac`: they are the claim `roles`.
    pub roles: Vec<String>,
    /// Further claims, by their names.
    pub claims: BTreeMap<String, String>,
}

impl FromStr for CredentialSource {
    type Err = CredentialSourceInvalid;

    fn from_str(text: &str) -> Result<CredentialSource, CredentialSourceInvalid> {
        let invalid = || CredentialSourceInvalid(text.to_owned());
        if text == "bearer" {
            return Ok(CredentialSource::Bearer);
        }
        let (kind, name) = text.split_once(':').ok_or_else(invalid)?;
        if name.is_empty() {
            return Err(invalid());
        }
        match kind {
            "header" => Ok(CredentialSource::Header(name.to_owned())),
            "query" => Ok(CredentialSource::Query(name.to_owned())),
            "cookie" => Ok(CredentialSource::Cookie(name.to_owned())),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialSource::Header(name) => write!(f, "header:{name}"),
            CredentialSource::Bearer => f.write_str("bearer"),
            CredentialSource::Query(name) => write!(f, "query:{name}"),
            CredentialSource::Cookie(name) => write!(f, "cookie:{name}"),
        }
    }
}

impl fmt::Display for CredentialSourceInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = "`header:NAME`, `bearer`, `query:NAME` or `cookie:NAME`";
        write!(f, "expected {shape}, found `{}`", self.0.escape_debug())
    }
}

impl std::error::Error for CredentialSourceInvalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["header:X-Api-Key", "bearer", "query:api_key", "cookie:key"] {
            let source: CredentialSource = text.parse().expect(text);
            assert_eq!(source.to_string(), text);
        }
        for text in ["", "header", "header:", "Bearer", "bearer:x", "path:x"] {
            assert!(text.parse::<CredentialSource>().is_err(), "{text}");
        }
    }
}
