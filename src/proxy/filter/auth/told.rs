//! What the upstream is told of a token's claims.

use serde_json::Value;

/// Appends a line with a claim; none where the claim has no text: an object, `null`, or nothing but
/// spaces. The members of a list are joined by commas.
pub(super) fn line(name: &[u8], value: &Value, lines: &mut Vec<u8>) {
    let mut text = String::new();
    match value {
        Value::Array(list) => {
            let mut written = String::new();
            for member in list {
                written.clear();
                word(member, &mut written);
                if !written.trim().is_empty() {
                    if !text.is_empty() {
                        text.push(',');
                    }
                    text.push_str(written.trim());
                }
            }
        }
        other => word(other, &mut text),
    }
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    lines.extend_from_slice(name);
    lines.extend_from_slice(b": ");
    lines.extend_from_slice(text.as_bytes());
    lines.extend_from_slice(b"\r\n");
}

/// A claim that is one word. RFC 9110 section 5.5: control characters cannot stand in a field; a
/// line end would begin another one.
fn word(value: &Value, text: &mut String) {
    match value {
        Value::String(word) => {
            text.extend(word.chars().map(|one| if one.is_control() { ' ' } else { one }));
        }
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::Bool(is_true) => text.push_str(if *is_true { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}

/// Bytes of memory that a tree takes, nearly: a node of a map has its name, its value and its share
/// of the map's own.
pub(super) fn weight(value: &Value) -> usize {
    let own = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| 64 + name.len() + weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + own
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_become_one_line_each() {
        for (value, want) in [
            (json!("ada"), "X-A: ada\r\n"),
            (json!("ada\r\nX-Admin: yes"), "X-A: ada  X-Admin: yes\r\n"),
            (json!("a\u{0}b\u{85}c\u{7f}"), "X-A: a b c\r\n"),
            (json!(["a", "b", 3, true, null, {}, "", "\r\n"]), "X-A: a,b,3,true\r\n"),
            (json!(12.5), "X-A: 12.5\r\n"),
            (json!("Zoë"), "X-A: Zoë\r\n"),
            (json!("  "), ""),
            (json!({ "a": 1 }), ""),
            (json!(null), ""),
            (json!([]), ""),
        ] {
            let mut lines = Vec::new();
            line(b"X-A", &value, &mut lines);
            assert_eq!(String::from_utf8_lossy(&lines), want, "{value}");
        }
    }

    #[test]
    fn a_tree_weighs_what_stands_in_it() {
        let small = weight(&json!({ "sub": "a" }));
        assert!(small > 64);
        assert!(weight(&json!({ "sub": "a".repeat(1_000) })) >= small + 999);
    }
}
