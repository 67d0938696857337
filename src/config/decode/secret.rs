//! Secrets, and values of fields that may be one.

use super::super::HeaderValue;
use super::super::keys;
use super::super::node::{Entry, Node, Value};
use super::super::secret::{MASKED, Secret, SecretInvalid, SecretSource};
use super::{Decoder, Secrets, values};
use crate::http::field::{self, MASK};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a secret is for, and so what may stand for one that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Any text.
    Text,
    /// A hash that passwords are checked with.
    PasswordHash,
    /// A public key in PEM.
    PublicKey,
}

/// A secret: `{ env = "NAME" }`, `{ file = "/path" }`, `{ credential = "name" }`, or the text
/// itself, which is warned of.
pub(super) fn secret(d: &mut Decoder, node: &Node, used: Use) -> Option<Secret> {
    match &node.value {
        Value::Text(_) => {
            d.warn(node.place, INLINE);
            inline(d, node, used)
        }
        Value::Table(entries) => table(d, node, entries, used),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::List(_) => {
            // What was found is not said: it may be the secret.
            d.fault(node.place, format!("expected a secret: {SHAPE}"));
            None
        }
        Value::Other(_) => {
            d.unexpected(node, &format!("a secret: {SHAPE}"));
            None
        }
    }
}

/// A secret that stands in the file itself, and is kept out of everything that is shown.
pub(super) fn inline(d: &mut Decoder, node: &Node, used: Use) -> Option<Secret> {
    let text = values::text(d, node)?;
    d.hide(node);
    match (text == MASK, d.secrets) {
        (false, _) => Some(Secret::inline(text)),
        (true, Secrets::Needed) => {
            d.fault(node.place, MASKED);
            None
        }
        (true, Secrets::Guessed) => {
            d.note_unknown(node.place, MASKED.to_owned());
            Some(stand_in(SecretSource::Inline, used))
        }
    }
}

/// What fields are set to, by their names.
pub(super) fn header_values(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, HeaderValue>> {
    let Some(entries) = node.entries() else {
        d.unexpected(node, "a table of fields and their values");
        return None;
    };
    let mut values = BTreeMap::new();
    for Entry { key, node, .. } in entries {
        let value = d.within_key(key, |d| header_value(d, key, node));
        values.extend(value.map(|value| (key.clone(), value)));
    }
    Some(values)
}

/// What a field of this name is set to: a template, or a secret.
fn header_value(d: &mut Decoder, name: &str, node: &Node) -> Option<HeaderValue> {
    let Value::Text(text) = &node.value else {
        if !matches!(node.value, Value::Table(_)) {
            d.unexpected(node, "a string, or a secret such as `{ env = \"NAME\" }`");
            return None;
        }
        return secret(d, node, Use::Text).map(HeaderValue::Secret);
    };
    // What is made of variables is another's secret, if it is one: `$$` is no variable.
    if field::is_secret(name.as_bytes()) && !text.replace("$$", "").contains('$') {
        let secret = secret(d, node, Use::Text)?;
        if text == MASK {
            return Some(HeaderValue::Secret(secret));
        }
    }
    Some(HeaderValue::Template(text.clone()))
}

fn table(d: &mut Decoder, node: &Node, entries: &[Entry], used: Use) -> Option<Secret> {
    for entry in entries.iter().filter(|entry| !SOURCES.contains(&entry.key.as_str())) {
        let nearest = keys::nearest(&entry.key, SOURCES);
        d.within_key(&entry.key, |d| d.fault_near(entry.place, "unknown key".into(), nearest));
    }
    let mut known = entries.iter().filter(|entry| SOURCES.contains(&entry.key.as_str()));
    let Some(entry) = known.next() else {
        d.fault(node.place, format!("a secret comes from one place: {SHAPE}"));
        return None;
    };
    if let Some(second) = known.next() {
        let message = format!("a secret comes from one place: {SHAPE}");
        d.within_key(&second.key, |d| d.fault(second.place, message));
        return None;
    }
    let from: fn(String) -> Result<Secret, SecretInvalid> = match entry.key.as_str() {
        "env" => Secret::env,
        "file" => Secret::file,
        _ => Secret::credential,
    };
    d.within_key(&entry.key, |d| {
        let text = values::text(d, &entry.node)?;
        if entry.key == "file" {
            d.secret_files.push(PathBuf::from(&text));
        }
        match (from(text), d.secrets) {
            (Ok(secret), _) => Some(secret),
            (Err(error), Secrets::Needed) => {
                d.fault(entry.node.place, error.to_string());
                None
            }
            (Err(error), Secrets::Guessed) => {
                d.note_unknown(entry.node.place, format!("{error}; it is taken for unknown"));
                Some(stand_in(error.source().clone(), used))
            }
        }
    })
}

/// Something that the checks take in the place of a secret: one from another source is another.
fn stand_in(source: SecretSource, used: Use) -> Secret {
    let text = match used {
        // As long as the longest that one must be, the key of HS512.
        Use::Text => format!("{:.<64}", format!("unknown: {source} ").escape_debug().to_string()),
        Use::PasswordHash => HASH.to_owned(),
        Use::PublicKey => KEY.to_owned(),
    };
    Secret::standing_in(source, text)
}

/// A hash of no password that anybody knows.
const HASH: &str = "$2y$10$aaaaaaaaaaaaaaaaaaaaaO0000000000000000000000000000000";
/// The example of RFC 8410 section 10.1, a key of Ed25519.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
                   MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";

const SOURCES: [&str; 3] = ["env", "file", "credential"];
const SHAPE: &str = "`{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`";
const INLINE: &str = "a secret that stands in the file is read by whoever reads the file: write \
                      `{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`";

#[cfg(test)]
mod tests {
    use super::super::super::{Document, Format, SecretSource, read};
    use super::*;

    /// A document in which `x` has this value.
    fn written(text: &str) -> Document {
        let text = format!("x = {text}");
        read::document(text, Format::Toml, "frys.toml").expect("TOML")
    }

    /// The value of `x`, read by a function.
    fn decoded<T>(
        text: &str,
        read_value: impl Fn(&mut Decoder, &Node) -> Option<T>,
    ) -> (Option<T>, Decoder) {
        let document = written(text);
        let mut decoder = Decoder::new(Secrets::Needed);
        let value = read_value(&mut decoder, document.root().get("x").expect("a value"));
        (value, decoder)
    }

    fn any(d: &mut Decoder, node: &Node) -> Option<Secret> {
        secret(d, node, Use::Text)
    }

    #[test]
    fn a_secret_has_a_source() {
        let (value, decoder) = decoded("{ env = \"CARGO_PKG_NAME\" }", any);
        let value = value.expect("a secret");
        assert_eq!(value.source(), &SecretSource::Env("CARGO_PKG_NAME".into()));
        assert_eq!(value.expose(), "frys-gateway");
        assert!(decoder.faults.is_empty() && decoder.warnings.is_empty());
    }

    #[test]
    fn a_secret_in_the_file_works_and_is_warned_of() {
        let (value, decoder) = decoded("\"hush\"", any);
        assert_eq!(value, Some(Secret::inline("hush")));
        assert_eq!((decoder.faults.len(), decoder.warnings.len()), (0, 1));
        assert_eq!(decoder.hidden.len(), 1);
    }

    #[test]
    fn refuses_what_is_no_secret() {
        for text in [
            "3",
            "[]",
            "{}",
            "{ env = \"A\", file = \"/b\" }",
            "{ envv = \"A\" }",
            "{ env = 3 }",
            "{ file = \"/nowhere/x\" }",
            "\"***\"",
        ] {
            let (value, decoder) = decoded(text, any);
            assert_eq!(value, None, "{text}");
            assert!(!decoder.faults.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_field_is_a_template_or_a_secret() {
        let field =
            |name: &'static str| move |d: &mut Decoder, node: &Node| header_value(d, name, node);
        let (value, decoder) = decoded("\"$client_ip\"", field("X-Real-IP"));
        assert_eq!(value, Some("$client_ip".into()));
        assert!(decoder.warnings.is_empty() && decoder.hidden.is_empty());
        let (value, _) = decoded("{ env = \"CARGO_PKG_NAME\" }", field("Authorization"));
        assert_eq!(value, Some(Secret::env("CARGO_PKG_NAME").expect("set").into()));
        let (value, decoder) = decoded("3", field("X-A"));
        assert_eq!((value, decoder.faults.len()), (None, 1));
    }

    #[test]
    fn a_secret_field_in_the_file_is_warned_of_and_hidden() {
        let field = |d: &mut Decoder, node: &Node| header_value(d, "authorization", node);
        let (value, decoder) = decoded("\"Bearer x\"", field);
        assert_eq!(value, Some("Bearer x".into()));
        assert_eq!((decoder.warnings.len(), decoder.hidden.len()), (1, 1));
        let (_, decoder) = decoded("\"${header.authorization}\"", field);
        assert_eq!((decoder.warnings.len(), decoder.hidden.len()), (0, 0));
        let field = |d: &mut Decoder, node: &Node| header_value(d, "X-Foo-Token", node);
        // A dollar sign that is one begins no variable.
        for text in ["\"hush\"", "\"hu$$h\""] {
            let (_, decoder) = decoded(text, field);
            assert_eq!((decoder.warnings.len(), decoder.hidden.len()), (1, 1), "{text}");
        }
        let (value, decoder) = decoded("\"***\"", field);
        assert_eq!((value, decoder.faults.len()), (None, 1));
        let other = |d: &mut Decoder, node: &Node| header_value(d, "X-Stars", node);
        assert_eq!(decoded("\"***\"", other).0, Some("***".into()));
    }

    #[test]
    fn something_stands_for_a_secret_that_is_only_looked_at() {
        for used in [Use::Text, Use::PasswordHash, Use::PublicKey] {
            for text in ["{ env = \"FRYS_NO_SUCH_VARIABLE\" }", "\"***\""] {
                let (document, mut decoder) = (written(text), Decoder::new(Secrets::Guessed));
                let found = secret(&mut decoder, document.root().get("x").expect("it"), used);
                assert!(found.is_some_and(|found| found.expose() != MASK), "{text}");
                assert_eq!((decoder.faults.len(), decoder.unknown.len()), (0, 1), "{text}");
            }
        }
    }
}
