//! Signers of tokens, for tests and benches: keys are made anew in each process.

use super::algorithm::Algorithm;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Somebody with a key.
pub enum Signer {
    /// With a shared secret.
    Secret(Vec<u8>),
    /// With an RSA key.
    Rsa(Box<RsaKeyPair>),
    /// With a key on P-256 or P-384.
    Ec(Box<EcdsaKeyPair>),
    /// With an Ed25519 key.
    Ed(Box<Ed25519KeyPair>),
}

impl Signer {
    /// Somebody with this secret.
    pub fn secret(secret: &[u8]) -> Signer {
        Signer::Secret(secret.to_vec())
    }

    /// Somebody with a new RSA key.
    pub fn rsa(bits: KeySize) -> Signer {
        Signer::Rsa(Box::new(RsaKeyPair::generate(bits).expect("a key")))
    }

    /// Somebody with a new RSA key of 2048 bits.
    pub fn rsa_2048() -> Signer {
        Signer::rsa(KeySize::Rsa2048)
    }

    /// Somebody with a new key on P-256.
    pub fn p256() -> Signer {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Signer::Ec(Box::new(key.expect("a key")))
    }

    /// Somebody with a new key on P-384.
    pub fn p384() -> Signer {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING);
        Signer::Ec(Box::new(key.expect("a key")))
    }

    /// Somebody with a new Ed25519 key.
    pub fn ed25519() -> Signer {
        Signer::Ed(Box::new(Ed25519KeyPair::generate().expect("a key")))
    }

    /// A token with this header, signed by an algorithm that the key is for.
    pub fn token_of(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token of a key with this name, or none.
    pub fn token(&self, algorithm: Algorithm, id: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "typ": "JWT", "alg": format!("{algorithm:?}") });
        if let Some(id) = id {
            header["kid"] = id.into();
        }
        self.token_of(algorithm, &header, claims)
    }

    /// The signature of these bytes.
    pub fn sign(&self, algorithm: Algorithm, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::Secret(secret) => {
                let hash = match algorithm {
                    Algorithm::HS384 => hmac::HMAC_SHA384,
                    Algorithm::HS512 => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), signed).as_ref().to_vec()
            }
            Signer::Rsa(key) => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    Algorithm::RS384 => &RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    Algorithm::PS384 => &RSA_PSS_SHA384,
                    Algorithm::PS512 => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, signed, &mut signature).expect("a signature");
                signature
            }
            Signer::Ec(key) => key.sign(&random, signed).expect("a signature").as_ref().to_vec(),
            Signer::Ed(key) => key.sign(signed).as_ref().to_vec(),
        }
    }

    /// Its key as a JWK, of a secret too.
    pub fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Signer::Secret(secret) => json!({ "kty": "oct", "kid": id, "k": text(secret) }),
            Signer::Rsa(key) => {
                let key = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({ "kty": "RSA", "kid": id, "n": text(&key.n), "e": text(&key.e) })
            }
            Signer::Ec(key) => {
                let point = key.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "kid": id, "crv": curve, "x": text(x), "y": text(y) })
            }
            Signer::Ed(key) => {
                let x = text(key.public_key().as_ref());
                json!({ "kty": "OKP", "kid": id, "crv": "Ed25519", "x": x })
            }
        }
    }

    /// Its public key in PEM; nothing of a secret.
    pub fn pem(&self) -> String {
        let der = match self {
            Signer::Secret(_) => return String::new(),
            Signer::Rsa(key) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
            Signer::Ec(key) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
            Signer::Ed(key) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
        };
        pem("PUBLIC KEY", der.expect("a key").as_ref())
    }
}

/// Bytes in PEM (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        lines.push_str(&String::from_utf8_lossy(line));
        lines.push('\n');
    }
    lines.push_str(&format!("-----END {label}-----\n"));
    lines
}

/// A part of a token: JSON in Base64url.
pub fn part(tree: &Value) -> String {
    URL_SAFE_NO_PAD.encode(tree.to_string())
}

/// A JWK Set.
pub fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
