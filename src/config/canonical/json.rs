//! JSON with each value on its line. Numbers and strings stay as they are spelled.

/// Indents a text that is right as it is.
pub(super) fn written(text: &str) -> String {
    let mut whole = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_bytes(rest, first));
        rest = after;
        match first {
            '{' | '[' => {
                whole.push(first);
                let next = rest.trim_start();
                if let Some(after) = next.strip_prefix(['}', ']']) {
                    whole.push(if first == '{' { '}' } else { ']' });
                    rest = after;
                } else {
                    depth += 1;
                    new_line(&mut whole, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut whole, depth);
                whole.push(first);
            }
            ',' => {
                whole.push(',');
                new_line(&mut whole, depth);
            }
            ':' => whole.push_str(": "),
            ' ' | '\t' | '\r' | '\n' => {}
            _ => whole.push_str(token),
        }
    }
    whole.push('\n');
    whole
}

/// The bytes of the token that a text begins with.
fn token_bytes(text: &str, first: char) -> usize {
    if first != '"' {
        return first.len_utf8();
    }
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn new_line(whole: &mut String, depth: usize) {
    whole.push('\n');
    whole.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_its_line() {
        let text = "{\"a\":[1,2.50 , \"x, y: {\\\"\"],\"b\" : { } ,\"c\":[ ]}";
        let want = "{\n  \"a\": [\n    1,\n    2.50,\n    \"x, y: {\\\"\"\n  ],\n  \"b\": {},\n  \
                    \"c\": []\n}\n";
        assert_eq!(written(text), want);
        assert_eq!(written(want), want);
        assert_eq!(written(" 3 "), "3\n");
    }
}
