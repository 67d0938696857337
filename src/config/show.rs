//! The tree of a configuration as JSON: to be kept, and to be shown without its secrets.

use super::Document;
use super::node::{Node, Value};

impl Document {
    /// What was read, as a configuration in JSON that says the same.
    pub(crate) fn to_json(&self) -> String {
        let mut text = String::new();
        write(self.root(), &mut text);
        text
    }
}

/// A tree that [`Document::to_json`] wrote, with every secret that is written in it masked.
pub(crate) fn masked(text: &str) -> serde_json::Value {
    let mut tree = serde_json::from_str(text).unwrap_or_default();
    mask(&mut tree, "");
    tree
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null | Value::Other(_) => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&serde_json::Value::from(*value).to_string()),
        Value::Text(text) => write_text(text, out),
        Value::List(nodes) => {
            out.push('[');
            for (index, node) in nodes.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(node, out);
            }
            out.push(']');
        }
        Value::Table(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_text(&entry.key, out);
                out.push(':');
                write(&entry.node, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn mask(value: &mut serde_json::Value, key: &str) {
    match value {
        serde_json::Value::Object(table) => {
            // What says where a secret is found is none.
            let is_reference =
                table.len() == 1 && (table.contains_key("env") || table.contains_key("file"));
            for (name, value) in table.iter_mut().filter(|_| !is_reference) {
                mask(value, if is_secret(key) { key } else { name });
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| mask(value, key)),
        serde_json::Value::String(_) | serde_json::Value::Number(_) if is_secret(key) => {
            *value = MASK.into();
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    SECRETS.iter().any(|part| key.contains(part))
}

const MASK: &str = "***";

/// Parts of the names of keys, and of fields that are set, whose values nobody should see.
const SECRETS: [&str; 8] =
    ["secret", "password", "passwd", "token", "authorization", "api_key", "private_key", "cookie"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Format, GatewayConfig, Loaded};

    const TOML: &str = "listen_addr = \"127.0.0.1:8080\"\ndrain_timeout = \"7s\"\n[clusters.a-b]\n\
        upstreams = [{ url = \"http://h\\u00e4:1\", weight = 3 }]\n[[routes]]\nid = \"q\\\"é\"\n\
        path = \"/*\"\ncluster = \"a-b\"\n";

    #[test]
    fn says_the_same_in_json() {
        let loaded = Loaded::from_text(TOML.replace("\\u00e4", "a"), Format::Toml, "a.toml");
        let loaded = loaded.expect("it is right");
        let again = Loaded::from_text(loaded.document.to_json(), Format::Json, "a.json");
        let again: GatewayConfig = again.expect("it is right").config;
        assert_eq!(again, loaded.config);
    }

    #[test]
    fn masks_what_is_written_and_not_where_it_is_found() {
        let text = r#"{"auth":{"client_secret":"x","id":"y","jwt-secret":{"env":"S"}},
            "tokens":["a",1],"set":{"Authorization":"Bearer z"},"path":"/token"}"#;
        let want = r#"{"auth":{"client_secret":"***","id":"y","jwt-secret":{"env":"S"}},
            "tokens":["***","***"],"set":{"Authorization":"***"},"path":"/token"}"#;
        let want: serde_json::Value = serde_json::from_str(want).expect("JSON");
        assert_eq!(masked(text), want);
    }
}
