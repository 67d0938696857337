//! What a limit counts together, as workers look it up.

pub use crate::config::MissingKey as Missing;
use crate::config::{LimitScope, RateLimitKey};
use crate::http::field::FieldId;

/// The key of a limit.
#[derive(Debug, PartialEq, Eq)]
pub struct LimitKey {
    /// What of a request is alike.
    pub parts: Box<[KeyPart]>,
    /// The bits of an IPv6 address that count.
    pub ipv6_mask: u128,
    /// Whether each worker counts by itself.
    pub is_per_worker: bool,
    /// What becomes of a request that lacks a part.
    pub missing: Missing,
    /// The names of the path parameters among the parts.
    pub parameters: Box<[String]>,
}

/// A part of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// The client's address.
    Address,
    /// A field, by its number and its name.
    Header(FieldId, Box<[u8]>),
    /// A cookie.
    Cookie(Box<[u8]>),
    /// A path parameter, by its place in [`LimitKey::parameters`].
    Parameter(usize),
    /// A claim of whoever asks.
    Claim(Box<str>),
    /// The route's name.
    Route,
}

impl LimitKey {
    pub(super) fn new(
        key: &RateLimitKey,
        scope: LimitScope,
        missing: Missing,
        ipv6_prefix: u8,
    ) -> LimitKey {
        let mut parameters = Vec::new();
        let mut parts = Vec::new();
        for part in key.parts() {
            parts.push(match part {
                RateLimitKey::IP => KeyPart::Address,
                RateLimitKey::Header(name) => {
                    KeyPart::Header(FieldId::of(name.as_bytes()), name.as_bytes().into())
                }
                RateLimitKey::Cookie(name) => KeyPart::Cookie(name.as_bytes().into()),
                RateLimitKey::PathParameter(name) => {
                    parameters.push(name.clone());
                    KeyPart::Parameter(parameters.len() - 1)
                }
                RateLimitKey::Claim(name) => KeyPart::Claim(name.as_str().into()),
                RateLimitKey::Route => KeyPart::Route,
                // What all requests share tells none from another; a list in a list is refused by
                // the check.
                RateLimitKey::Global | RateLimitKey::All(_) => continue,
            });
        }
        LimitKey {
            parts: parts.into(),
            ipv6_mask: u128::MAX << (128 - u32::from(ipv6_prefix.clamp(1, 128))),
            is_per_worker: scope == LimitScope::Worker,
            missing,
            parameters: parameters.into(),
        }
    }

    /// Whether a request without a name lacks a part.
    pub(super) fn needs_claims(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, KeyPart::Claim(_)))
    }

    /// Whether a request has the same place in the tables of both.
    pub(super) fn counts_as(&self, other: &LimitKey) -> bool {
        let is_alike = self.parts == other.parts && self.parameters == other.parameters;
        let is_split = self.is_per_worker == other.is_per_worker;
        is_alike && is_split && self.ipv6_mask == other.ipv6_mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_has_as_many_bits_as_the_prefix() {
        let key =
            |prefix| LimitKey::new(&RateLimitKey::IP, LimitScope::Gateway, Missing::Ip, prefix);
        assert_eq!(key(64).ipv6_mask.count_ones(), 64);
        assert_eq!(key(128).ipv6_mask, u128::MAX);
        assert_eq!(key(1).ipv6_mask, 1 << 127);
        assert!(!key(64).counts_as(&key(56)));
    }
}
