//! Secrets, and values of fields that may be one.

use super::super::HeaderValue;
use super::super::keys;
use super::super::node::{Entry, Node, Value};
use super::super::secret::{Secret, SecretInvalid};
use super::{Decoder, values};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A secret: `{ env = "NAME" }`, `{ file = "/path" }`, `{ credential = "name" }`, or the text
/// itself, which is warned of.
pub(super) fn secret(d: &mut Decoder, node: &Node) -> Option<Secret> {
    match &node.value {
        Value::Text(text) => {
            d.hide(node);
            d.warn(node.place, INLINE);
            Some(Secret::inline(text))
        }
        Value::Table(entries) => table(d, node, entries),
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
        return secret(d, node).map(HeaderValue::Secret);
    };
    if SECRET_FIELDS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) && !text.contains('$') {
        d.hide(node);
        d.warn(node.place, INLINE);
    }
    Some(HeaderValue::Template(text.clone()))
}

fn table(d: &mut Decoder, node: &Node, entries: &[Entry]) -> Option<Secret> {
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
        from(text).map_err(|error| d.fault(entry.node.place, error.to_string())).ok()
    })
}

/// Fields that are secret by their nature, in the lower case.
const SECRET_FIELDS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];

const SOURCES: [&str; 3] = ["env", "file", "credential"];
const SHAPE: &str = "`{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`";
const INLINE: &str = "a secret that stands in the file is read by whoever reads the file: write \
                      `{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`";

#[cfg(test)]
mod tests {
    use super::super::super::{Format, SecretSource, read};
    use super::*;

    /// The value of `x`, read by a function.
    fn decoded<T>(
        text: &str,
        read_value: impl Fn(&mut Decoder, &Node) -> Option<T>,
    ) -> (Option<T>, Decoder) {
        let text = format!("x = {text}");
        let document = read::document(text, Format::Toml, "frys.toml").expect("TOML");
        let mut decoder = Decoder::new();
        let value = read_value(&mut decoder, document.root().get("x").expect("a value"));
        (value, decoder)
    }

    #[test]
    fn a_secret_has_a_source() {
        let (value, decoder) = decoded("{ env = \"CARGO_PKG_NAME\" }", secret);
        let value = value.expect("a secret");
        assert_eq!(value.source(), &SecretSource::Env("CARGO_PKG_NAME".into()));
        assert_eq!(value.expose(), "frys-gateway");
        assert!(decoder.faults.is_empty() && decoder.warnings.is_empty());
    }

    #[test]
    fn a_secret_in_the_file_works_and_is_warned_of() {
        let (value, decoder) = decoded("\"hush\"", secret);
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
        ] {
            let (value, decoder) = decoded(text, secret);
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
    }
}
