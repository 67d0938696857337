//! A token's parts and its header (RFC 7515 section 7.1).

use super::algorithm::{Algorithm, named};
use super::verify::TokenFault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

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

/// What a token says: an object whose members have each a name of their own. Of two of one name RFC
/// 7519 section 4 lets a reader take the last or refuse; who reads it next may take the first.
pub(super) fn claims(bytes: &[u8]) -> Result<Value, TokenFault> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let claims = reader.deserialize_map(Members).map_err(|_| TokenFault::Malformed)?;
    reader.end().map_err(|_| TokenFault::Malformed)?;
    Ok(Value::Object(claims))
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut claims = Map::new();
        while let Some((name, value)) = members.next_entry()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(claims)
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_there_once() {
        for right in [r#"{}"#, r#" {"sub":"a","of":{"sub":"b"},"Sub":"c"} "#] {
            let plain: Value = serde_json::from_str(right).expect("JSON");
            assert_eq!(claims(right.as_bytes()), Ok(plain));
        }
        for wrong in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","sub":"a"}"#,
            r#"{"sub":"a","s\u0075b":"b"}"#,
            r#"{"exp":1} {}"#,
            r#"{"exp":1e400}"#,
            r#"{"exp":1"#,
            "[]",
            "null",
            "",
        ] {
            assert_eq!(claims(wrong.as_bytes()), Err(TokenFault::Malformed), "{wrong}");
        }
    }
}
