//! What the upstream is told of a token's claims.

use serde_json::Value;

/// Appends a line with a claim; none where the claim has no text: an object, `null`, or nothing. The
/// members of a list are joined by commas.
///
/// None, too, where a field would change the text, since it would then be another one's.
pub(super) fn line(name: &[u8], value: &Value, lines: &mut Vec<u8>) {
    let mut text = String::new();
    let is_fit = match value {
        Value::Array(list) => list.iter().all(|member| {
            let before_bytes = text.len();
            if before_bytes > 0 {
                text.push(',');
            }
            let word_at = text.len();
            let is_fit = word(member, &mut text);
            if text.len() == word_at {
                text.truncate(before_bytes);
            }
            is_fit
        }),
        other => word(other, &mut text),
    };
    if !is_fit || text.is_empty() {
        return;
    }
    lines.extend_from_slice(name);
    lines.extend_from_slice(b": ");
    lines.extend_from_slice(text.as_bytes());
    lines.extend_from_slice(b"\r\n");
}

/// Appends a claim that is one word, if a field can have it. RFC 9110 section 5.5: control characters
/// cannot stand there, a line end would begin another one, and blanks at its ends are not read.
fn word(value: &Value, text: &mut String) -> bool {
    match value {
        Value::String(word) => {
            text.push_str(word);
            !word.chars().any(char::is_control) && word.trim().len() == word.len()
        }
        Value::Number(number) => {
            text.push_str(&number.to_string());
            true
        }
        Value::Bool(is_true) => {
            text.push_str(if *is_true { "true" } else { "false" });
            true
        }
        Value::Null | Value::Array(_) | Value::Object(_) => true,
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
            (json!("ada\r\nX-Admin: yes"), ""),
            (json!("ad\u{0}min"), ""),
            (json!("ad\u{85}min"), ""),
            (json!("admin\u{7f}"), ""),
            (json!(" admin"), ""),
            (json!("admin\u{a0}"), ""),
            (json!(["", "a", "b", 3, true, null, {}, "", "c d"]), "X-A: a,b,3,true,c d\r\n"),
            (json!(["a", "ad\u{0}min"]), ""),
            (json!(["a", " admin"]), ""),
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
