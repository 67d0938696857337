//! One key that signatures are checked with, and what it is for.

use super::algorithm::{Algorithm, Algorithms, named};
use crate::limits;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519};
use aws_lc_rs::signature::{ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use std::fmt;

/// A key and what it is for.
#[derive(Clone)]
pub struct Key {
    /// Its `kid`, if it has one.
    pub(super) id: Option<Box<str>>,
    /// What it can be used with.
    able: Algorithms,
    /// What it is used with where nobody says otherwise.
    usual: Algorithms,
    /// Whether it says itself what it is used with (`alg` of a JWK).
    is_pinned: bool,
    pub(super) decoding: DecodingKey,
    /// SHA-256 of the key itself, to tell it from another.
    print: [u8; 32],
}

/// A text or a member of a set is no key that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyInvalid {
    /// It is no PEM, or has neither of the two labels that a public key has.
    NotPem,
    /// It is a private key.
    Private,
    /// It is a certificate.
    Certificate,
    /// It is no key that is understood.
    Malformed,
    /// Its modulus has fewer or more bits than `limits::RSA_BITS`, or its exponent is none.
    Rsa,
    /// Its curve is not P-256, P-384 or Ed25519, or its point is not on it.
    Curve,
    /// `use` or `key_ops` say that it is not for signatures.
    NotForSignatures,
    /// `alg` is no algorithm of its kind.
    Algorithm,
    /// It is a shared secret, where only public keys are taken.
    Shared,
    /// It is a shared secret with fewer bytes than the hash that it is for (RFC 7518 section 3.2).
    Short,
}

/// A JSON Web Key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

impl Key {
    /// A shared secret, for the algorithms whose hash is no longer (RFC 7518 section 3.2) and for
    /// HS256, which is the usual one.
    pub fn secret(secret: &[u8]) -> Key {
        let mut key = Key::new(DecodingKey::from_secret(secret), Algorithm::HS256, &[secret]);
        let fits = [
            (Algorithm::HS256, 0),
            (Algorithm::HS384, limits::HS384_SECRET_BYTES_MIN),
            (Algorithm::HS512, limits::HS512_SECRET_BYTES_MIN),
        ];
        let fits = fits.into_iter().filter(|(_, least)| secret.len() >= *least);
        key.able = Algorithms::of(fits.map(|(algorithm, _)| algorithm));
        key
    }

    /// A public key in PEM: `PUBLIC KEY` (RFC 5280) or `RSA PUBLIC KEY` (RFC 8017).
    ///
    /// # Errors
    /// [`KeyInvalid`]: what is wrong with it.
    pub fn pem(text: &str) -> Result<Key, KeyInvalid> {
        let label = text.lines().find_map(|line| {
            line.trim().strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"))
        });
        match label {
            Some("PUBLIC KEY" | "RSA PUBLIC KEY") => {}
            Some("CERTIFICATE") => return Err(KeyInvalid::Certificate),
            Some(label) if label.ends_with("PRIVATE KEY") => return Err(KeyInvalid::Private),
            Some(_) | None => return Err(KeyInvalid::NotPem),
        }
        let bytes = text.as_bytes();
        if let Ok(key) = DecodingKey::from_rsa_pem(bytes) {
            let der = key.try_get_as_bytes().map_err(|_| KeyInvalid::Malformed)?;
            let components = DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key;
            let (n, e) = components(der).map_err(|_| KeyInvalid::Rsa)?;
            return Key::rsa(&n, &e);
        }
        if let Ok(key) = DecodingKey::from_ec_pem(bytes) {
            let point = key.try_get_as_bytes().map_err(|_| KeyInvalid::Malformed)?;
            return Key::point(point);
        }
        let key = DecodingKey::from_ed_pem(bytes).map_err(|_| KeyInvalid::Malformed)?;
        Key::edwards(key.try_get_as_bytes().map_err(|_| KeyInvalid::Malformed)?)
    }

    /// A member of a JWK Set; shared secrets only where `shared` allows them.
    ///
    /// # Errors
    /// [`KeyInvalid`]: what is wrong with it.
    pub(super) fn jwk(member: &serde_json::Value, shared: bool) -> Result<Key, KeyInvalid> {
        if !member.is_object() {
            return Err(KeyInvalid::Malformed);
        }
        let jwk = Jwk::deserialize(member).map_err(|_| KeyInvalid::Malformed)?;
        // RFC 7517 sections 4.2 and 4.3.
        let is_used = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = |operations: &Vec<String>| operations.iter().any(|one| one == "verify");
        if !is_used || !jwk.key_ops.as_ref().is_none_or(verifies) {
            return Err(KeyInvalid::NotForSignatures);
        }
        let mut key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Key::rsa(&decoded(&jwk.n)?, &decoded(&jwk.e)?)?,
            ("EC", Some("P-256")) => Key::coordinates(&jwk, 32)?,
            ("EC", Some("P-384")) => Key::coordinates(&jwk, 48)?,
            ("OKP", Some("Ed25519")) => Key::edwards(&decoded(&jwk.x)?)?,
            ("EC" | "OKP", _) => return Err(KeyInvalid::Curve),
            ("oct", _) if !shared => return Err(KeyInvalid::Shared),
            ("oct", _) => {
                let secret = decoded(&jwk.k)?;
                if secret.len() < limits::HS256_SECRET_BYTES_MIN {
                    return Err(KeyInvalid::Short);
                }
                Key::secret(&secret)
            }
            (_, _) => return Err(KeyInvalid::Malformed),
        };
        if let Some(name) = &jwk.alg {
            let wanted = named(name).ok_or(KeyInvalid::Algorithm)?;
            if !key.able.contains(wanted) {
                let is_kind = key.decoding.family() == wanted.family();
                let is_short = is_kind && key.decoding.family() == AlgorithmFamily::Hmac;
                return Err(if is_short { KeyInvalid::Short } else { KeyInvalid::Algorithm });
            }
            key.usual = Algorithms::of([wanted]);
            key.is_pinned = true;
        }
        key.id = jwk.kid.map(String::into_boxed_str);
        Ok(key)
    }

    /// Whether it checks signatures of this algorithm, where these are allowed.
    pub(super) fn takes(&self, algorithm: Algorithm, allowed: Option<Algorithms>) -> bool {
        let taken = match allowed {
            Some(allowed) if self.is_pinned => self.usual.and(allowed),
            Some(allowed) => self.able.and(allowed),
            None => self.usual,
        };
        taken.contains(algorithm)
    }

    /// Whether it is good for anything where these are allowed.
    pub fn takes_any(&self, allowed: Algorithms) -> bool {
        let able = if self.is_pinned { self.usual } else { self.able };
        able.and(allowed) != Algorithms::NONE
    }

    /// What operators know it by: its `kid`, or what it is.
    pub fn name(&self) -> String {
        match (&self.id, self.decoding.family()) {
            (Some(id), _) => format!("`{}`", id.escape_debug()),
            (None, AlgorithmFamily::Hmac) => "that is a shared secret".to_owned(),
            (None, AlgorithmFamily::Rsa) => "of RSA".to_owned(),
            (None, AlgorithmFamily::Ec) => "of an elliptic curve".to_owned(),
            (None, AlgorithmFamily::Ed) => "of Ed25519".to_owned(),
        }
    }

    /// Whether a token that names this key, or none, may mean it.
    pub(super) fn may_be(&self, id: Option<&str>) -> bool {
        match (&self.id, id) {
            (Some(own), Some(id)) => **own == *id,
            (None, _) | (_, None) => true,
        }
    }

    fn new(decoding: DecodingKey, usual: Algorithm, material: &[&[u8]]) -> Key {
        let able = match decoding.family() {
            // The curve belongs to the algorithm (RFC 7518 section 3.4).
            AlgorithmFamily::Ec => Algorithms::of([usual]),
            family @ (AlgorithmFamily::Hmac | AlgorithmFamily::Rsa | AlgorithmFamily::Ed) => {
                Algorithms::of_family(family)
            }
        };
        let mut text = vec![usual as u8];
        for part in material {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, &text).as_ref());
        let usual = Algorithms::of([usual]);
        Key { id: None, able, usual, is_pinned: false, decoding, print }
    }

    fn rsa(n: &[u8], e: &[u8]) -> Result<Key, KeyInvalid> {
        let zeros = n.iter().take_while(|byte| **byte == 0).count();
        let n = n.get(zeros..).unwrap_or_default();
        let first = n.first().ok_or(KeyInvalid::Rsa)?;
        let bits = n.len() * 8 - first.leading_zeros() as usize;
        // An even number, or 1, is no exponent (RFC 8017 section 3.1).
        let is_odd = e.last().is_some_and(|byte| byte % 2 == 1);
        let is_one = e.iter().rev().skip(1).all(|byte| *byte == 0) && e.last() == Some(&1);
        if !limits::RSA_BITS.contains(&bits) || !is_odd || is_one {
            return Err(KeyInvalid::Rsa);
        }
        let decoding = DecodingKey::from_rsa_raw_components(n, e);
        Ok(Key::new(decoding, Algorithm::RS256, &[n, e]))
    }

    fn coordinates(jwk: &Jwk, bytes: usize) -> Result<Key, KeyInvalid> {
        let (x, y) = (decoded(&jwk.x)?, decoded(&jwk.y)?);
        // RFC 7518 section 6.2.1.2: as long as the curve's, with leading zeros.
        if x.len() != bytes || y.len() != bytes {
            return Err(KeyInvalid::Curve);
        }
        Key::point(&[&[4], &x[..], &y[..]].concat())
    }

    /// An uncompressed point of P-256 or P-384 (SEC 1 section 2.3.3).
    fn point(point: &[u8]) -> Result<Key, KeyInvalid> {
        let (usual, curve): (_, &'static dyn VerificationAlgorithm) = match point.len() {
            65 => (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED),
            97 => (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED),
            _ => return Err(KeyInvalid::Curve),
        };
        ParsedPublicKey::new(curve, point).map_err(|_| KeyInvalid::Curve)?;
        Ok(Key::new(DecodingKey::from_ec_der(point), usual, &[point]))
    }

    fn edwards(bytes: &[u8]) -> Result<Key, KeyInvalid> {
        if bytes.len() != 32 || ParsedPublicKey::new(&ED25519, bytes).is_err() {
            return Err(KeyInvalid::Curve);
        }
        Ok(Key::new(DecodingKey::from_ed_der(bytes), Algorithm::EdDSA, &[bytes]))
    }
}

fn decoded(member: &Option<String>) -> Result<Vec<u8>, KeyInvalid> {
    let text = member.as_ref().ok_or(KeyInvalid::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyInvalid::Malformed)
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let is_same = self.id == other.id && self.print == other.print;
        is_same && self.usual == other.usual && self.is_pinned == other.is_pinned
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("usual", &self.usual).finish()
    }
}

impl fmt::Display for KeyInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyInvalid::NotPem => {
                "no public key in PEM: it begins with `-----BEGIN PUBLIC KEY-----`"
            }
            KeyInvalid::Private => {
                "a private key, which the gateway must not have: \
                 `openssl pkey -in KEY -pubout` gives the public one"
            }
            KeyInvalid::Certificate => {
                "a certificate: `openssl x509 -in CERTIFICATE -pubkey -noout` gives its key"
            }
            KeyInvalid::Malformed => "not a key that is understood",
            KeyInvalid::Rsa => "an RSA key has from 2048 to 8192 bits",
            KeyInvalid::Curve => "not a point of P-256, P-384 or Ed25519",
            KeyInvalid::NotForSignatures => "not for signatures, by its `use` or `key_ops`",
            KeyInvalid::Algorithm => "its `alg` is not for keys of its kind",
            KeyInvalid::Short => {
                "a shared secret with fewer bytes than its hash has (RFC 7518 section 3.2)"
            }
            KeyInvalid::Shared => "a shared secret, which has no place among public keys",
        })
    }
}

impl std::error::Error for KeyInvalid {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 7518 section 3.2.
    #[test]
    fn a_secret_is_for_hashes_that_are_no_longer() {
        let all = [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)];
        for (algorithm, least) in all {
            for (bytes, is_enough) in [(least, true), (least - 1, false)] {
                let secret = vec![b'x'; bytes];
                let (k, alg) = (URL_SAFE_NO_PAD.encode(&secret), format!("{algorithm:?}"));
                let member = json!({ "kty": "oct", "k": k, "alg": alg });
                let fault = Key::jwk(&member, true).err();
                assert_eq!(fault, (!is_enough).then_some(KeyInvalid::Short), "{alg} {bytes}");
                // What is built in Rust may be shorter for the usual one.
                let is_taken = is_enough || algorithm == Algorithm::HS256;
                let taken = Key::secret(&secret).takes_any(Algorithms::of([algorithm]));
                assert_eq!(taken, is_taken, "{alg} {bytes}");
            }
        }
    }
}
