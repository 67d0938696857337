//! The keys of one place.

use super::key::{Key, KeyInvalid};
use crate::limits;
use serde_json::Value;
use std::fmt;

/// Keys that were given or fetched together.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    /// Another number for each set that is fetched and is not as the one before; 0 for keys that
    /// the configuration gives.
    pub version: u64,
    keys: Vec<Key>,
}

/// Whether shared secrets may stand in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetric {
    /// In a file of the operator's own.
    Allowed,
    /// Not in a set that others can fetch.
    Ignored,
}

/// A text is no JWK Set that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetInvalid {
    /// It is no JSON object with a list `keys` (RFC 7517 section 5).
    Malformed,
    /// It has more keys than `limits::KEY_SET_KEYS_MAX`.
    TooMany,
    /// None of its keys can be used; why not, of the first.
    Unusable(KeyInvalid),
    /// It has none.
    Empty,
}

impl KeySet {
    /// These keys.
    pub fn of(keys: Vec<Key>) -> KeySet {
        KeySet { version: 0, keys }
    }

    /// Reads a JWK Set; keys that are not understood or not for signatures are left out, as RFC
    /// 7517 section 5 asks.
    ///
    /// # Errors
    /// [`SetInvalid`]: it is none, or there is nothing left.
    pub fn parse(text: &[u8], symmetric: Symmetric) -> Result<KeySet, SetInvalid> {
        let tree: Value = serde_json::from_slice(text).map_err(|_| SetInvalid::Malformed)?;
        let members = tree.get("keys").and_then(Value::as_array).ok_or(SetInvalid::Malformed)?;
        if members.len() > limits::KEY_SET_KEYS_MAX {
            return Err(SetInvalid::TooMany);
        }
        let shared = symmetric == Symmetric::Allowed;
        let mut first = None;
        let mut keys = Vec::with_capacity(members.len());
        for member in members {
            match Key::jwk(member, shared) {
                Ok(key) => keys.push(key),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        match (keys.is_empty(), first) {
            (true, Some(fault)) => Err(SetInvalid::Unusable(fault)),
            (true, None) => Err(SetInvalid::Empty),
            (false, _) => Ok(KeySet { version: 0, keys }),
        }
    }

    /// The keys, in their order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// These keys too.
    pub fn extend(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Whether both have the same keys.
    pub fn has_same_keys(&self, other: &KeySet) -> bool {
        self.keys == other.keys
    }
}

impl IntoIterator for KeySet {
    type Item = Key;
    type IntoIter = std::vec::IntoIter<Key>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter()
    }
}

impl fmt::Display for SetInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetInvalid::Malformed => f.write_str("no JWK Set: an object with a list `keys`"),
            SetInvalid::TooMany => write!(f, "more than {} keys", limits::KEY_SET_KEYS_MAX),
            SetInvalid::Unusable(fault) => {
                write!(f, "no key that can be used; the first is {fault}")
            }
            SetInvalid::Empty => f.write_str("no key at all"),
        }
    }
}

impl std::error::Error for SetInvalid {}
