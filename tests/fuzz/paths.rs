//! The canonical form of a path and its rules, written once more.

use super::choices::Choices;
use frys_gateway::router::path::{Ambiguities, Ambiguity, PathFault, canonical};

/// What paths are put together of.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "/",
    "a",
    "b",
    ".",
    "..",
    ".;",
    ";",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%25",
    "%61",
    "%7e",
    "%c3",
    "%zz",
    "%",
    "%4",
    "|",
    "{",
    "\"",
    "~",
    "A",
    "%3B",
    "c-d_e",
    "/.well-known",
    "/../",
    "/./",
    "//",
    "resource",
];

/// A path that `bytes` choose, or that they are.
pub fn agree(bytes: &[u8]) -> u64 {
    let mut choices = Choices(bytes);
    let mut path = Vec::new();
    if choices.below(8) == 0 {
        path.push(b'/');
        path.extend_from_slice(choices.0);
    } else {
        path.extend_from_slice(if choices.below(16) == 0 { b"" } else { b"/" });
        while choices.is_left() {
            path.extend_from_slice(choices.one(PIECES).as_bytes());
        }
    }
    let mut scratch = Vec::new();
    let got = canonical(&path, &mut scratch);
    let got = got.map(|found| (found.path.to_vec(), found.is_raw, found.ambiguities));
    let wanted = model(&path).map(|(form, ambiguities)| {
        let is_raw = form == path;
        (form, is_raw, ambiguities)
    });
    assert_eq!(got, wanted, "{}", path.escape_ascii());
    if let Ok((form, ..)) = got {
        let mut scratch = Vec::new();
        let again = canonical(&form, &mut scratch).expect("a canonical path stays one");
        assert_eq!(again.path, form, "{}", path.escape_ascii());
        assert!(again.is_raw, "{}", path.escape_ascii());
    }
    1
}

fn model(path: &[u8]) -> Result<(Vec<u8>, Ambiguities), PathFault> {
    if !path.starts_with(b"/") {
        return Err(PathFault::NoLeadingSlash);
    }
    let mut found = Ambiguities::NONE;
    let decoded = decoded(path, &mut found)?;
    let parts: Vec<&[u8]> = decoded.split(|byte| *byte == b'/').skip(1).collect();
    let mut segments: Vec<&[u8]> = Vec::new();
    for (at, segment) in parts.iter().enumerate() {
        let dots = [&b".;"[..], b"..;", b".%3B", b"..%3B"];
        if dots.iter().any(|dots| segment.starts_with(dots)) {
            found.insert(Ambiguity::DotParameter);
        }
        if hides_dots(segment) {
            found.insert(Ambiguity::HiddenDots);
        }
        match *segment {
            b"" if at + 1 < parts.len() => found.insert(Ambiguity::RepeatedSlashes),
            b"" => {}
            b"." => found.insert(Ambiguity::DotSegments),
            b".." => {
                found.insert(Ambiguity::DotSegments);
                segments.pop().ok_or(PathFault::AboveRoot)?;
            }
            segment => segments.push(segment),
        }
    }
    let mut form = Vec::new();
    for segment in segments {
        form.push(b'/');
        form.extend_from_slice(segment);
    }
    if matches!(parts.last(), Some(&(b"" | b"." | b".."))) {
        form.push(b'/');
    }
    Ok((form, found))
}

/// Whether a part between encoded slashes or backslashes is dots, with or without a parameter.
fn hides_dots(segment: &[u8]) -> bool {
    let text = String::from_utf8_lossy(segment).replace("%5C", "%2F");
    let is_dots = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
    text.contains("%2F") && text.split("%2F").any(is_dots)
}

/// Unreserved bytes plain, all others that a URI cannot hold, or that came so, encoded.
fn decoded(path: &[u8], found: &mut Ambiguities) -> Result<Vec<u8>, PathFault> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let is_encoded = *byte == b'%';
        let value = if is_encoded {
            let digits = path.get(at + 1..at + 3).ok_or(PathFault::PercentMalformed)?;
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
            let value = digits.and_then(|text| u8::from_str_radix(text, 16).ok());
            at += 2;
            value.ok_or(PathFault::PercentMalformed)?
        } else {
            *byte
        };
        at += 1;
        let digits = path.get(at..at + 2).unwrap_or_default();
        let is_doubled = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
        match value {
            b'/' if is_encoded => found.insert(Ambiguity::EncodedSlash),
            b'\\' => found.insert(Ambiguity::Backslash),
            0 => found.insert(Ambiguity::Nul),
            b'%' if is_doubled => found.insert(Ambiguity::DoubleEncoding),
            _ => {}
        }
        match value {
            value if value.is_ascii_alphanumeric() || b"-._~".contains(&value) => out.push(value),
            value if is_encoded || !b"/!$&'()*+,;=:@?#[]".contains(&value) => {
                out.extend_from_slice(format!("%{value:02X}").as_bytes());
            }
            value => out.push(value),
        }
    }
    Ok(out)
}
