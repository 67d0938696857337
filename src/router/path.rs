//! The one form of a path by which requests are matched.
//!
//! Two spellings of one path must not reach two routes, or a rule on one of them is bypassed. So a
//! path is matched in its canonical form (RFC 3986 section 6.2.2, and what upstreams are known to
//! do besides):
//!
//! - percent-encoded unreserved bytes are decoded, once (`%61` is `a`; `%2561` stays `%2561`);
//! - the digits of what stays encoded are upper case; bytes that a URI cannot hold raw
//!   (`"`, `<`, `>`, `\`, `^`, `` ` ``, `{`, `|`, `}`) are encoded;
//! - `.` and `..` segments are removed (RFC 3986 section 5.2.4), empty segments too: `//a` is `/a`
//!   (nginx's `merge_slashes`, on by default there).
//!
//! What upstreams are known to read in more than one way is noted beside the form: an encoded slash
//! and a backslash, which are data within a segment here, and the others of [`Ambiguity`]. What
//! becomes of them says the [`Policy`] of the route that is found.
//!
//! Refused whatever the policy: `%` without two digits, and `..` above the root.

mod policy;

pub use policy::{Ambiguities, Ambiguity, Forward, Judgement, Policy};

use super::wide;

/// Why a path has no canonical form. Each is answered 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// `%` without two hexadecimal digits (RFC 3986 section 2.1).
    PercentMalformed,
    /// More `..` than segments before it.
    AboveRoot,
    /// The path does not begin with `/`: only `*` and malformed targets do not.
    NoLeadingSlash,
}

/// A path by which to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonical<'a> {
    /// The canonical bytes: what [`super::Router::find`] takes, and what its parameters lie in.
    pub path: &'a [u8],
    /// Whether they are the received bytes, untouched.
    pub is_raw: bool,
    /// What in the received bytes some upstreams read in another way.
    pub ambiguities: Ambiguities,
}

/// The canonical form of a path without query.
///
/// Most paths already have it and are returned as they are, after one pass over them; otherwise the
/// form is built in `scratch`, which keeps its capacity and never needs more than three bytes for
/// one of the path.
///
/// # Errors
/// One of [`PathFault`]: the request is malformed.
pub fn canonical<'a>(path: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Canonical<'a>, PathFault> {
    if path.first() != Some(&b'/') {
        return Err(PathFault::NoLeadingSlash);
    }
    if is_canonical(path) {
        return Ok(Canonical { path, is_raw: true, ambiguities: Ambiguities::NONE });
    }
    rewritten(path, Ambiguities::NONE, scratch)
}

/// The canonical form of a path in which encoded slashes, backslashes or both (`slashes`) are
/// slashes.
///
/// # Errors
/// As [`canonical`]; a slash more may lead above the root.
pub fn decoded<'a>(
    path: &'a [u8],
    slashes: Ambiguities,
    scratch: &'a mut Vec<u8>,
) -> Result<Canonical<'a>, PathFault> {
    rewritten(path, slashes, scratch)
}

fn rewritten<'a>(
    path: &'a [u8],
    slashes: Ambiguities,
    scratch: &'a mut Vec<u8>,
) -> Result<Canonical<'a>, PathFault> {
    let mut ambiguities = Ambiguities::NONE;
    decode(path, slashes, scratch, &mut ambiguities)?;
    remove_segments(scratch, &mut ambiguities)?;
    Ok(Canonical { path: scratch, is_raw: path == scratch.as_slice(), ambiguities })
}

/// Whether a path, which begins with `/`, holds nothing that the slow way would change or refuse;
/// it may also say no to one that is canonical (`/.well-known`).
fn is_canonical(path: &[u8]) -> bool {
    !wide::any_pair(path, |this, next| {
        (this == b'/') & ((next == b'/') | (next == b'.')) | is_suspect(next)
    })
}

/// Bytes that only the slow way can judge: `%`, `\`, and all that a URI cannot hold raw.
#[inline]
fn is_suspect(byte: u8) -> bool {
    let is_graphic = (b'!'..=b'~').contains(&byte);
    let is_quote = (byte == b'%') | (byte == b'"') | (byte == b'<') | (byte == b'>');
    let is_bracket = (byte == b'\\') | (byte == b'^') | (byte == b'`');
    let is_brace = (b'{'..=b'}').contains(&byte);
    !is_graphic | is_quote | is_bracket | is_brace
}

/// Bytes that stand in a path pattern as themselves: RFC 3986 section 3.3, pchar without `%`.
pub(super) fn is_literal(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

/// The byte that two hexadecimal digits at the start of `digits` mean.
pub(super) fn percent(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else { return None };
    let high = char::from(*high).to_digit(16)?;
    let low = char::from(*low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// Writes a byte that was, or must be, percent-encoded.
pub(super) fn push_percent(byte: u8, out: &mut Vec<u8>) {
    if is_unreserved(byte) {
        out.push(byte);
        return;
    }
    let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Decodes unreserved bytes, and what of `slashes` there is, and encodes what cannot stand raw.
fn decode(
    path: &[u8],
    slashes: Ambiguities,
    out: &mut Vec<u8>,
    ambiguities: &mut Ambiguities,
) -> Result<(), PathFault> {
    out.clear();
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = after;
        let is_encoded = *byte == b'%';
        let value = if is_encoded {
            let value = percent(rest).ok_or(PathFault::PercentMalformed)?;
            rest = rest.get(2..).unwrap_or_default();
            value
        } else {
            *byte
        };
        let ambiguity = match value {
            b'/' if is_encoded => Some(Ambiguity::EncodedSlash),
            b'\\' => Some(Ambiguity::Backslash),
            0 => Some(Ambiguity::Nul),
            b'%' if percent(rest).is_some() => Some(Ambiguity::DoubleEncoding),
            _ => None,
        };
        match (ambiguity, value) {
            (Some(slash), _) if slashes.contains(slash) => out.push(b'/'),
            (Some(ambiguity), value) => {
                ambiguities.insert(ambiguity);
                push_percent(value, out);
            }
            (None, value) if is_encoded || is_suspect(value) => push_percent(value, out),
            (None, value) => out.push(value),
        }
    }
    Ok(())
}

/// Removes dot segments and empty segments in place: what is kept never moves to the right.
fn remove_segments(path: &mut Vec<u8>, ambiguities: &mut Ambiguities) -> Result<(), PathFault> {
    let has_hidden =
        ambiguities.contains(Ambiguity::EncodedSlash) || ambiguities.contains(Ambiguity::Backslash);
    let mut kept = 0;
    let mut at = 0;
    let mut ends_with_slash = true;
    while at < path.len() {
        // Each turn takes one `/` and the segment behind it.
        let start = at + 1;
        let rest = path.get(start..).unwrap_or_default();
        let bytes = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let segment = rest.get(..bytes).unwrap_or_default();
        at = start + bytes;
        ends_with_slash = matches!(segment, b"" | b"." | b"..");
        if has_parameter(segment) {
            ambiguities.insert(Ambiguity::DotParameter);
        }
        if has_hidden && hides_dots(segment) {
            ambiguities.insert(Ambiguity::HiddenDots);
        }
        if segment.is_empty() && at < path.len() {
            ambiguities.insert(Ambiguity::RepeatedSlashes);
        } else if ends_with_slash && !segment.is_empty() {
            ambiguities.insert(Ambiguity::DotSegments);
        }
        if segment == b".." {
            let before = path.get(..kept).unwrap_or_default();
            kept = memchr::memrchr(b'/', before).ok_or(PathFault::AboveRoot)?;
        } else if !ends_with_slash {
            path.copy_within(start - 1..at, kept);
            kept += bytes + 1;
        }
    }
    path.truncate(kept);
    if ends_with_slash {
        path.push(b'/');
    }
    Ok(())
}

/// Whether a segment is dots with a parameter, which servlet containers read as dots alone.
fn has_parameter(segment: &[u8]) -> bool {
    let Some(behind) = segment.strip_prefix(b".") else { return false };
    let behind = behind.strip_prefix(b".").unwrap_or(behind);
    // Encoded it is data, but not to whoever decodes first.
    behind.starts_with(b";") || behind.starts_with(b"%3B")
}

/// Whether one of the parts between the encoded slashes and backslashes of a segment is dots.
fn hides_dots(segment: &[u8]) -> bool {
    let mut from = 0;
    let ends = memchr::memchr_iter(b'%', segment).filter(|at| {
        let encoded = segment.get(*at..*at + 3);
        encoded == Some(b"%2F") || encoded == Some(b"%5C")
    });
    let mut ends = ends.map(|at| (at, at + 3)).chain([(segment.len(), segment.len())]);
    ends.any(|(end, next)| {
        let part = segment.get(from..end).unwrap_or_default();
        let is_whole = from == 0 && end == segment.len();
        from = next;
        !is_whole && (matches!(part, b"." | b"..") || has_parameter(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(path: &str) -> Result<String, PathFault> {
        Ok(form_and_ambiguities(path, Ambiguities::NONE)?.0)
    }

    fn form_and_ambiguities(
        path: &str,
        slashes: Ambiguities,
    ) -> Result<(String, Vec<Ambiguity>), PathFault> {
        let mut scratch = Vec::new();
        let canonical = if slashes == Ambiguities::NONE {
            canonical(path.as_bytes(), &mut scratch)?
        } else {
            decoded(path.as_bytes(), slashes, &mut scratch)?
        };
        let form = String::from_utf8(canonical.path.to_vec()).expect("ASCII");
        Ok((form, canonical.ambiguities.iter().collect()))
    }

    #[test]
    fn returns_a_plain_path_as_it_is() {
        let mut scratch = Vec::new();
        for path in ["/", "/a", "/a/", "/api/v1/users/1.json", "/a;b=1/c:d@e", "/a.b/..c../d"] {
            let canonical = canonical(path.as_bytes(), &mut scratch).expect("canonical");
            assert_eq!(canonical.path, path.as_bytes());
            assert!(canonical.is_raw);
        }
    }

    #[test]
    fn removes_dot_segments_and_empty_segments() {
        for (path, want) in [
            ("/a/../b", "/b"),
            ("/a/./b", "/a/b"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/./", "/"),
            ("//a", "/a"),
            ("/a//b///", "/a/b/"),
            ("/a//../b", "/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/.../b", "/a/.../b"),
            ("/a/..b", "/a/..b"),
            ("/%2e%2E/%2e./a", ""),
            ("/x/%2e%2E/a", "/a"),
            ("/x/.%2e", "/"),
            ("/x/%2e", "/x/"),
        ] {
            match form(path) {
                Ok(form) => assert_eq!(form, want, "{path}"),
                Err(fault) => assert_eq!((fault, want), (PathFault::AboveRoot, ""), "{path}"),
            }
        }
    }

    #[test]
    fn decodes_unreserved_bytes_once() {
        assert_eq!(form("/%61dmin/%7e").as_deref(), Ok("/admin/~"));
        assert_eq!(form("/%2561").as_deref(), Ok("/%2561"));
        assert_eq!(form("/%252e%252e/a").as_deref(), Ok("/%252e%252e/a"));
        assert_eq!(form("/caf%c3%a9%3b").as_deref(), Ok("/caf%C3%A9%3B"));
        assert_eq!(form("/a|b{").as_deref(), Ok("/a%7Cb%7B"));
    }

    #[test]
    fn refuses_what_has_no_meaning() {
        for (path, fault) in [
            ("/a%", PathFault::PercentMalformed),
            ("/a%4", PathFault::PercentMalformed),
            ("/a%zz", PathFault::PercentMalformed),
            ("/..", PathFault::AboveRoot),
            ("/a/../../b", PathFault::AboveRoot),
            ("*", PathFault::NoLeadingSlash),
            ("", PathFault::NoLeadingSlash),
        ] {
            assert_eq!(form(path), Err(fault), "{path}");
        }
    }

    #[test]
    fn notes_what_upstreams_read_differently() {
        use Ambiguity::*;
        for (path, want, ambiguities) in [
            ("/a/b", "/a/b", vec![]),
            ("/a/.b/..c/d;e", "/a/.b/..c/d;e", vec![]),
            ("/a%2Fb", "/a%2Fb", vec![EncodedSlash]),
            ("/a%2fb", "/a%2Fb", vec![EncodedSlash]),
            ("/a%5cb", "/a%5Cb", vec![Backslash]),
            ("/a\\b", "/a%5Cb", vec![Backslash]),
            ("/a%00", "/a%00", vec![Nul]),
            ("/a%2561", "/a%2561", vec![DoubleEncoding]),
            ("/a%252fb", "/a%252fb", vec![DoubleEncoding]),
            ("/a%25x", "/a%25x", vec![]),
            ("/a/..;/b", "/a/..;/b", vec![DotParameter]),
            ("/a/%2e.;x=1/b", "/a/..;x=1/b", vec![DotParameter]),
            ("/a/.;/b", "/a/.;/b", vec![DotParameter]),
            ("/a/..%3b/b", "/a/..%3B/b", vec![DotParameter]),
            ("/a/...;/b%3b", "/a/...;/b%3B", vec![]),
            ("/a/./b/../c", "/a/c", vec![DotSegments]),
            ("/a/%2e%2E/b", "/b", vec![DotSegments]),
            ("//a///", "/a/", vec![RepeatedSlashes]),
            ("/a//../b", "/b", vec![DotSegments, RepeatedSlashes]),
            ("/a/..%2fb", "/a/..%2Fb", vec![EncodedSlash, HiddenDots]),
            ("/a/b%5c%2e%2e", "/a/b%5C..", vec![Backslash, HiddenDots]),
            ("/a/..%2f..%5c", "/a/..%2F..%5C", vec![Backslash, EncodedSlash, HiddenDots]),
            ("/a/b%2F..;x", "/a/b%2F..;x", vec![EncodedSlash, HiddenDots]),
            ("/a/b%2F.../x%2F", "/a/b%2F.../x%2F", vec![EncodedSlash]),
        ] {
            let got = form_and_ambiguities(path, Ambiguities::NONE);
            assert_eq!(got, Ok((want.to_owned(), ambiguities)), "{path}");
        }
    }

    #[test]
    fn decodes_the_slashes_that_it_is_told_to() {
        use Ambiguity::*;
        let slash = Ambiguities::of(&[EncodedSlash]);
        let both = Ambiguities::of(&[EncodedSlash, Backslash]);
        for (path, slashes, want, ambiguities) in [
            ("/a%2Fb", slash, "/a/b", vec![]),
            ("/a%2F%2fb", slash, "/a/b", vec![RepeatedSlashes]),
            ("/a/..%2fb", slash, "/b", vec![DotSegments]),
            ("/a\\b%2fc", slash, "/a%5Cb/c", vec![Backslash]),
            ("/a\\b%2fc", both, "/a/b/c", vec![]),
            ("/a%5c..%5cb", both, "/b", vec![DotSegments]),
        ] {
            let got = form_and_ambiguities(path, slashes);
            assert_eq!(got, Ok((want.to_owned(), ambiguities)), "{path}");
        }
        let above = form_and_ambiguities("/..%2fb", slash);
        assert_eq!(above, Err(PathFault::AboveRoot));
    }

    /// The same rules, one segment at a time and without care for cost.
    fn model(path: &[u8]) -> Result<Vec<u8>, PathFault> {
        let mut decoded = Vec::new();
        decode(path, Ambiguities::NONE, &mut decoded, &mut Ambiguities::NONE.clone())?;
        let mut segments: Vec<&[u8]> = Vec::new();
        let mut last: &[u8] = b"";
        for segment in decoded.split(|byte| *byte == b'/').skip(1) {
            last = segment;
            match segment {
                b"" | b"." => {}
                b".." => drop(segments.pop().ok_or(PathFault::AboveRoot)?),
                segment => segments.push(segment),
            }
        }
        let mut out = Vec::new();
        for segment in segments {
            out.push(b'/');
            out.extend_from_slice(segment);
        }
        if matches!(last, b"" | b"." | b"..") {
            out.push(b'/');
        }
        Ok(out)
    }

    proptest! {
        #[test]
        fn agrees_with_the_model_and_is_its_own_form(
            tail in "([a-c./;|%]|/\\.\\.|%2[eEfF5]|%61){0,24}",
        ) {
            let path = format!("/{tail}");
            let mut scratch = Vec::new();
            let got = canonical(path.as_bytes(), &mut scratch).map(|found| found.path.to_vec());
            prop_assert_eq!(&got, &model(path.as_bytes()));
            if let Ok(form) = got {
                let mut scratch = Vec::new();
                let again = canonical(&form, &mut scratch).expect("a canonical path stays one");
                prop_assert_eq!(again.path, form.as_slice());
            }
        }
    }
}
