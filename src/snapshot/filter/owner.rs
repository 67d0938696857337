//! Whose a key or a password is.

use crate::config::Identity;
use crate::extension::Principal;
use serde_json::{Map, Value};

/// One owner. What requests are given of him is made when he first asks.
#[derive(Debug)]
pub struct Owner {
    name: Box<str>,
    identity: Identity,
}

impl Owner {
    pub(super) fn new(name: &str, identity: Identity) -> Owner {
        Owner { name: name.into(), identity }
    }

    /// His name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is said of him: his roles are the claim `roles`.
    pub fn principal(&self, method: &'static str) -> Principal {
        let Identity { roles, claims } = &self.identity;
        let text = |(name, value): (&String, &String)| (name.clone(), Value::from(value.as_str()));
        let mut found: Map<String, Value> = claims.iter().map(text).collect();
        if !roles.is_empty() {
            found.insert("roles".to_owned(), roles.clone().into());
        }
        Principal { subject: self.name.clone(), method, claims: Value::Object(found) }
    }
}

/// A challenge of RFC 9110 section 11.6.1; the realm was checked to need no escapes.
pub(super) fn challenge(scheme: &str, realm: &str, rest: &str) -> Box<[u8]> {
    [scheme, " realm=\"", realm, "\"", rest].concat().into_bytes().into()
}
