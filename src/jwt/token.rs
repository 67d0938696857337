//! A token's parts and its header (RFC 7515 section 7.1).

use super::algorithm::{Algorithm, named};
use super::verify::TokenFault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// The compact form, taken apart: `header.payload.signature`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// What is signed: header and payload with the point between.
    pub(super) signed: &'a str,
}

/// What of a header is looked at. `jku`, `jwk`, `x5u`, `x5c` and all others are as if they were not
/// there: a token does not say which keys are believed (RFC 8725 section 3.10).
#[derive(Deserialize)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default)]
    b64: Option<bool>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(token: &'a [u8]) -> Result<Parts<'a>, TokenFault> {
        let token = std::str::from_utf8(token).map_err(|_| TokenFault::Malformed)?;
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        // A fourth part would be an encrypted token's (RFC 7516 section 7.1).
        if payload.contains('.') {
            return Err(TokenFault::Malformed);
        }
        Ok(Parts { header, payload, signature, signed })
    }
}

impl Header<'_> {
    pub(super) fn parse(bytes: &[u8]) -> Result<Header<'_>, TokenFault> {
        // A list of values would be taken for the members in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(TokenFault::Malformed);
        }
        let header: Header<'_> =
            serde_json::from_slice(bytes).map_err(|_| TokenFault::Malformed)?;
        // RFC 7515 section 4.1.11: no extension is understood here, so none may be critical. RFC
        // 7797 is one of them.
        if header.crit || header.b64 == Some(false) {
            return Err(TokenFault::Malformed);
        }
        Ok(header)
    }

    pub(super) fn algorithm(&self) -> Result<Algorithm, TokenFault> {
        named(&self.alg).ok_or(TokenFault::Algorithm)
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// Base64url without padding; what is no canonical one is refused, so that no two tokens are the
/// same.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
