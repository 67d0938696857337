//! Who may pass: clients with a known key.

use super::super::{Secret, TextFile};
use super::credential::{CredentialSource, Identity};

/// Who may pass: clients with a known key.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKeyConfig {
    /// The keys; with those of `keys_file` at most 100,000.
    pub keys: Vec<ApiKey>,
    /// More of them: a line each, `name:sha256hex`, with `:role,role` behind it where it has roles.
    pub keys_file: Option<TextFile>,
    /// Where clients put their key. Default: `header:X-Api-Key`, the name that is used most.
    pub from: Vec<CredentialSource>,
    /// Whether a request without a key passes, as nobody's. Default: false.
    pub optional: bool,
    /// Whether the upstream is given the key too. Default: true, as without this filter.
    pub forward_credentials: bool,
    /// What the challenge of an answer 401 names. Default: `restricted`.
    pub realm: String,
}

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Whose: in the log, for `rbac`, in a template.
    pub name: String,
    /// The key.
    pub key: ApiKeyValue,
    /// What is said of who has it.
    pub identity: Identity,
}

/// A key, or what it is known by.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiKeyValue {
    /// The key itself, of at least 16 bytes: only its hash is kept in memory.
    Secret(Secret),
    /// Its SHA-256.
    Sha256([u8; 32]),
}

impl Default for ApiKeyConfig {
    fn default() -> Self {
        ApiKeyConfig {
            keys: Vec::new(),
            keys_file: None,
            from: vec![CredentialSource::Header("X-Api-Key".to_owned())],
            optional: false,
            forward_credentials: true,
            realm: "restricted".to_owned(),
        }
    }
}

impl ApiKeyValue {
    /// The bytes of the 64 hexadecimal digits of a SHA-256.
    pub fn sha256(digits: &str) -> Option<[u8; 32]> {
        let digits = digits.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = u8::try_from((digit(0)? << 4) | digit(1)?).ok()?;
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hexadecimal_digits() {
        assert_eq!(ApiKeyValue::sha256(&"0f".repeat(32)), Some([15; 32]));
        assert_eq!(ApiKeyValue::sha256(&"F0".repeat(32)), Some([240; 32]));
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert_eq!(ApiKeyValue::sha256(wrong), None, "{wrong}");
        }
    }
}
