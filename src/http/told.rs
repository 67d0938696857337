//! `Frys-Explain`: why an answer is what it is, for a trusted peer that asked.
//!
//! A dictionary of structured fields (RFC 9651 section 3.2), so that a program can read it:
//! `Frys-Explain: reason="ok", route="api", cluster="api", upstream="10.0.0.1:8080", id="…",
//! generation=3`. What there was not is left out.

use crate::http::h1::encode::decimal;

/// What the line says.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The reason's label.
    pub reason: &'a str,
    /// The route's name, if one was found.
    pub route: Option<&'a str>,
    /// The cluster of the upstream.
    pub cluster: Option<&'a str>,
    /// The upstream that was tried last.
    pub upstream: Option<&'a str>,
    /// The generation of the configuration that the request began with.
    pub generation: u64,
}

/// Appends the line with its CRLF. `id` writes the request's id, which has neither quotes nor
/// backslashes.
pub fn line(told: &Told<'_>, id: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    out.extend_from_slice(b"Frys-Explain: reason=");
    text(told.reason, out);
    let members = [("route", told.route), ("cluster", told.cluster), ("upstream", told.upstream)];
    for (key, value) in members {
        if let Some(value) = value {
            out.extend_from_slice(b", ");
            out.extend_from_slice(key.as_bytes());
            out.push(b'=');
            text(value, out);
        }
    }
    out.extend_from_slice(b", id=\"");
    id(out);
    out.extend_from_slice(b"\", generation=");
    decimal(told.generation, out);
    out.extend_from_slice(b"\r\n");
}

/// A String (RFC 9651 section 3.3.3), or a Display String (section 3.3.8) of what that cannot hold.
fn text(value: &str, out: &mut Vec<u8>) {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    out.extend_from_slice(if is_plain { b"\"" } else { b"%\"" });
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' if is_plain => out.extend_from_slice(&[b'\\', byte]),
            b'"' | b'%' if !is_plain => percent(byte, out),
            b' '..=b'~' => out.push(byte),
            other => percent(other, out),
        }
    }
    out.push(b'"');
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
}

/// RFC 9651 section 4.1.11: lower case.
fn digit(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(told: &Told<'_>) -> String {
        let mut out = Vec::new();
        line(told, |out| out.extend_from_slice(b"0ab"), &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    const NOTHING: Told<'_> = Told {
        reason: "route_not_found",
        route: None,
        cluster: None,
        upstream: None,
        generation: 3,
    };

    #[test]
    fn leaves_out_what_there_was_not() {
        let want = "Frys-Explain: reason=\"route_not_found\", id=\"0ab\", generation=3\r\n";
        assert_eq!(said(&NOTHING), want);
    }

    #[test]
    fn quotes_names_so_that_they_cannot_end_their_string() {
        let told = Told {
            reason: "ok",
            route: Some("a\"b\\c"),
            cluster: Some("café%\"\n"),
            upstream: Some("10.0.0.1:80"),
            ..NOTHING
        };
        let line = said(&told);
        assert!(line.contains("route=\"a\\\"b\\\\c\", "), "{line}");
        assert!(line.contains("cluster=%\"caf%c3%a9%25%22%0a\", "), "{line}");
        assert!(line.contains("upstream=\"10.0.0.1:80\""), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
    }
}
