//! Whether a token is what it says.

use super::algorithm::Algorithm;
use super::key::Key;
use super::rules::{Rules, Span};
use super::set::KeySet;
use super::token::{Header, Parts, claims, decode};
use crate::limits;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{AlgorithmFamily, crypto};
use serde_json::Value;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It is no signed token in the compact form (RFC 7515 section 7.1), or has an extension that
    /// must be understood (section 4.1.11).
    Malformed,
    /// Its `alg` is none that its key is for, or `none` (RFC 8725 sections 3.1 and 3.2).
    Algorithm,
    /// Its `kid` is no key that is known.
    KeyUnknown,
    /// The keys that could be its own have not been fetched yet.
    KeysUnavailable,
    /// Its signature is not the one of its key.
    Signature,
    /// `exp` is past (RFC 7519 section 4.1.4).
    Expired,
    /// `exp` is missing where it must be there.
    ExpiryMissing,
    /// `nbf` or `iat` is still to come (RFC 7519 sections 4.1.5 and 4.1.6).
    Early,
    /// `iss` is another one (RFC 7519 section 4.1.1).
    Issuer,
    /// `aud` is somebody else (RFC 7519 section 4.1.3).
    Audience,
    /// A claim is missing, or has another value.
    ClaimMissing,
    /// A scope is missing.
    ScopeMissing,
}

/// The keys that a token may be signed with.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// Those that the configuration gives.
    pub own: &'a KeySet,
    /// Those that are fetched.
    pub fetched: Fetched<'a>,
}

/// Keys of somebody else.
#[derive(Clone, Copy, Debug)]
pub enum Fetched<'a> {
    /// None are wanted.
    Never,
    /// They did not come yet.
    Awaited,
    /// The newest.
    Known(&'a KeySet),
}

/// A token that passed.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says: an object.
    pub claims: Value,
    /// The Unix second from which on it holds, less the leeway.
    pub begins_s: u64,
    /// The Unix second at which it no longer holds, with the leeway.
    pub ends_s: u64,
    /// The version of the fetched keys that its key is of; 0 for one of the configuration's.
    pub key_version: u64,
}

/// Checks a token's signature, then what it says. `now_s` is Unix time.
///
/// # Errors
/// [`TokenFault`]: the first reason to refuse it.
pub fn verify(
    token: &[u8],
    keys: Keys<'_>,
    rules: &Rules,
    now_s: u64,
) -> Result<Verified, TokenFault> {
    let parts = Parts::of(token)?;
    let header = decode(parts.header)?;
    let header = Header::parse(&header)?;
    let key_version = keys.check(&parts, &header, rules)?;
    let claims = claims(&decode(parts.payload)?)?;
    let Span { begins_s, ends_s } = rules.judge(&claims, now_s)?;
    Ok(Verified { claims, begins_s, ends_s, key_version })
}

impl<'a> Keys<'a> {
    /// Finds the key whose signature it is: the version of its set.
    fn check(
        &self,
        parts: &Parts<'_>,
        header: &Header<'_>,
        rules: &Rules,
    ) -> Result<u64, TokenFault> {
        let algorithm = header.algorithm()?;
        if rules.algorithms.is_some_and(|allowed| !allowed.contains(algorithm)) {
            return Err(TokenFault::Algorithm);
        }
        let id = header.key_id();
        let fits = |key: &Key| key.takes(algorithm, rules.algorithms) && key.may_be(id);
        let mut tries_count = 0;
        for set in [Some(self.own), self.fetched.known()].into_iter().flatten() {
            for key in set.keys().iter().filter(|key| fits(key)) {
                if tries_count == limits::TOKEN_KEYS_TRIED_MAX {
                    return Err(TokenFault::Signature);
                }
                tries_count += 1;
                if is_signed(parts, key, algorithm)? {
                    return Ok(set.version);
                }
            }
        }
        Err(self.fault(algorithm, id, tries_count > 0))
    }

    /// Why no key was the right one.
    fn fault(&self, algorithm: Algorithm, id: Option<&str>, was_tried: bool) -> TokenFault {
        let otherwise = if was_tried { TokenFault::Signature } else { TokenFault::Algorithm };
        // No secret is ever fetched.
        if algorithm.family() == AlgorithmFamily::Hmac {
            return self.unknown_here(id).unwrap_or(otherwise);
        }
        match self.fetched {
            Fetched::Awaited => TokenFault::KeysUnavailable,
            Fetched::Known(set) => match id {
                Some(id) if !has_key(set, id) && !has_key(self.own, id) => TokenFault::KeyUnknown,
                Some(_) | None => otherwise,
            },
            Fetched::Never => self.unknown_here(id).unwrap_or(otherwise),
        }
    }

    /// Of a token whose key can only be the configuration's: whether it is one of several that all
    /// have names, and has none of them.
    fn unknown_here(&self, id: Option<&str>) -> Option<TokenFault> {
        let keys = self.own.keys();
        let has_names = !keys.is_empty() && keys.iter().all(|key| key.id.is_some());
        let is_none = id.is_some_and(|id| has_names && !has_key(self.own, id));
        is_none.then_some(TokenFault::KeyUnknown)
    }
}

impl<'a> Fetched<'a> {
    fn known(self) -> Option<&'a KeySet> {
        match self {
            Fetched::Known(set) => Some(set),
            Fetched::Never | Fetched::Awaited => None,
        }
    }
}

fn has_key(set: &KeySet, id: &str) -> bool {
    set.keys().iter().any(|key| key.id.as_deref() == Some(id))
}

fn is_signed(parts: &Parts<'_>, key: &Key, algorithm: Algorithm) -> Result<bool, TokenFault> {
    let signed = parts.signed.as_bytes();
    match crypto::verify(parts.signature, signed, &key.decoding, algorithm) {
        Ok(is_signed) => Ok(is_signed),
        Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => Err(TokenFault::Malformed),
        // The key is not for the algorithm, which `Key::takes` has looked at.
        Err(_) => Ok(false),
    }
}
