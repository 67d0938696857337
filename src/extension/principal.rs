//! Who asks, as authentication found out.

use serde_json::Value;

/// A client that is known: by a token, a key or a password.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// Its name in logs: the token's `sub`, the key's name, the user's.
    pub subject: Box<str>,
    /// How it is known: `jwt`, `api_key`, `basic` or `forward`.
    pub method: &'static str,
    /// What is said of it: an object. Of a key and a user those that the configuration gives it.
    pub claims: Value,
}

impl Principal {
    /// A claim by its name: the whole name first, then, where it has points, as a way through
    /// objects (`realm_access.roles`).
    pub fn claim(&self, name: &str) -> Option<&Value> {
        if let Some(found) = self.claims.get(name) {
            return Some(found);
        }
        name.split('.').try_fold(&self.claims, |found, step| found.get(step))
    }

    /// Whether a claim is this text, a list with it, or a text in which it is one of the words, as
    /// in `scope` (RFC 8693 section 4.2).
    pub fn has(&self, claim: &str, word: &str) -> bool {
        match self.claim(claim) {
            Some(Value::String(text)) => {
                text == word || text.split_ascii_whitespace().any(|part| part == word)
            }
            Some(Value::Array(list)) => list.iter().any(|entry| entry.as_str() == Some(word)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_claims_by_name_and_by_way() {
        let claims = json!({
            "https://a.b/roles": ["x"], "realm": { "roles": ["admin"] }, "scope": "read write"
        });
        let principal = Principal { subject: "a".into(), method: "jwt", claims };
        assert!(principal.has("https://a.b/roles", "x"));
        assert!(principal.has("realm.roles", "admin"));
        assert!(principal.has("scope", "write"));
        assert!(!principal.has("scope", "rea"));
        assert!(!principal.has("realm", "roles"));
        assert_eq!(principal.claim("realm.none"), None);
    }
}
