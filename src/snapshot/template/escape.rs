//! How a value is written where a part of a URI, or a field's value, goes on around it.

use crate::http::head::trim;

/// What becomes of the bytes that could end the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// A field's value: written as it is. What [`fits_field`] refuses is held back as a whole.
    Field,
    /// A path: `?`, `#` and what no URI holds are percent-encoded; what is so already stays.
    Path,
    /// The same of a text in which `%` means itself.
    PathOfText,
    /// A path and a query: only `#` and what no URI holds are percent-encoded.
    Uri,
    /// One value within a query; what is percent-encoded already stays.
    Component,
    /// The same of a text in which `%` means itself, or of a URI that is a value as a whole.
    ComponentOfText,
    /// A part of a host's name.
    Name,
    /// An authority that was understood as one.
    Authority,
}

impl Escape {
    /// Appends a value.
    pub(super) fn write(self, value: &[u8], out: &mut Vec<u8>) {
        let (class, keeps_percent) = match self {
            Escape::Field => return out.extend_from_slice(value),
            Escape::Authority => (AUTHORITY, false),
            Escape::Path => (PATH, true),
            Escape::PathOfText => (PATH, false),
            Escape::Uri => (URI, true),
            Escape::Component => (COMPONENT, true),
            Escape::ComponentOfText => (COMPONENT, false),
            Escape::Name => (NAME, false),
        };
        let mut rest = value;
        while let [byte, after @ ..] = rest {
            let is_kept = CLASSES[usize::from(*byte)] & class != 0
                || (keeps_percent && *byte == b'%' && is_pair(after));
            if is_kept {
                out.push(*byte);
            } else {
                percent(*byte, out);
            }
            rest = after;
        }
    }
}

/// Whether two hexadecimal digits come next.
fn is_pair(after: &[u8]) -> bool {
    matches!(after, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
}

/// Whether a value can be told by a field. RFC 9110 section 5.5: CR, LF and NUL are never part of
/// one, other controls had better not be, though a tab may; blanks at its ends are not read.
pub(super) fn fits_field(value: &[u8]) -> bool {
    let is_fit = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    value.iter().all(is_fit) && trim(value).len() == value.len()
}

const NAME: u8 = 1;
const COMPONENT: u8 = 2;
const PATH: u8 = 4;
const URI: u8 = 8;
const AUTHORITY: u8 = 16;

static CLASSES: [u8; 256] = classes();

/// RFC 3986: unreserved in section 2.3, what a path segment holds in 3.3, a query in 3.4.
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                NAME | COMPONENT | PATH | URI | AUTHORITY
            }
            b':' => COMPONENT | PATH | URI | AUTHORITY,
            b'/' | b'@' => COMPONENT | PATH | URI,
            b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b',' | b';' => PATH | URI,
            // Between the values of a query these have a meaning, and `+` is a space.
            b'&' | b'=' | b'+' => PATH | URI,
            b'?' => URI,
            b'[' | b']' => AUTHORITY,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(escape: Escape, value: &[u8]) -> String {
        let mut out = Vec::new();
        escape.write(value, &mut out);
        String::from_utf8(out).expect("the values of these tests are text")
    }

    /// All that change what they write.
    const ALL: [Escape; 7] = [
        Escape::Path,
        Escape::PathOfText,
        Escape::Uri,
        Escape::Component,
        Escape::ComponentOfText,
        Escape::Name,
        Escape::Authority,
    ];

    #[test]
    fn a_value_stays_in_its_part() {
        assert_eq!(written(Escape::Path, b"a b?c#d%2F%zz\\"), "a%20b%3Fc%23d%2F%25zz%5C");
        assert_eq!(written(Escape::PathOfText, b"50%25 off"), "50%2525%20off");
        assert_eq!(written(Escape::Uri, b"/a?b=c&d=%20#e"), "/a?b=c&d=%20%23e");
        assert_eq!(written(Escape::Component, b"a&b=c%20+"), "a%26b%3Dc%20%2B");
        assert_eq!(written(Escape::ComponentOfText, b"/a?b=%20"), "/a%3Fb%3D%2520");
        assert_eq!(written(Escape::Name, b"evil.com:80@x/"), "evil.com%3A80%40x%2F");
        assert_eq!(written(Escape::Authority, b"[::1]:80/x"), "[::1]:80%2Fx");
    }

    #[test]
    fn a_value_that_a_field_would_change_does_not_fit() {
        for fit in [&b""[..], b"a b\tc", b"\xc3\xab", b"\""] {
            assert!(fits_field(fit), "{fit:?}");
        }
        for unfit in [&b"a\r\nX: b"[..], b"a\nb", b"a\0b", b"a\x7f", b" a", b"a\t", b" "] {
            assert!(!fits_field(unfit), "{unfit:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_ends_a_line(value in prop::collection::vec(any::<u8>(), 0..64)) {
            for escape in ALL {
                let mut out = Vec::new();
                escape.write(&value, &mut out);
                prop_assert!(!out.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
            }
        }

        #[test]
        fn no_value_ends_a_part_of_a_uri(value in prop::collection::vec(any::<u8>(), 0..64)) {
            for escape in ALL {
                let mut out = Vec::new();
                escape.write(&value, &mut out);
                prop_assert!(out.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'));
                let ends = out.contains(&b'?');
                prop_assert!(escape == Escape::Uri || !ends);
                let splits = out.iter().any(|byte| matches!(byte, b'&' | b'=' | b'+'));
                prop_assert!(
                    matches!(escape, Escape::Uri | Escape::Path | Escape::PathOfText) || !splits
                );
            }
        }
    }
}
