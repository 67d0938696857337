//! The `Range` of a request (RFC 9110 section 14).

/// What part of a body is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: the field is malformed, of another unit, or asks for several parts, which may be
    /// answered with the whole (RFC 9110 section 14.2).
    Whole,
    /// `bytes` bytes, at least one, from `first` on.
    Part {
        /// Where it begins.
        first: u64,
        /// How long it is.
        bytes: u64,
    },
    /// What lies behind the end: 416.
    Unsatisfiable,
}

/// Reads a value against a body of `whole_bytes`.
pub fn parse(value: &[u8], whole_bytes: u64) -> Asked {
    read(value, whole_bytes).unwrap_or(Asked::Whole)
}

fn read(value: &[u8], whole_bytes: u64) -> Option<Asked> {
    let equals = memchr::memchr(b'=', value)?;
    let (unit, set) = (value.get(..equals)?, value.get(equals + 1..)?);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut specs = super::head::list(set);
    let spec = specs.next().filter(|_| specs.next().is_none())?;
    let dash = memchr::memchr(b'-', spec)?;
    let (first, last) = (spec.get(..dash)?, spec.get(dash + 1..)?);
    if first.is_empty() {
        // The last so many bytes.
        let bytes = number(last)?.min(whole_bytes);
        return Some(match bytes {
            0 => Asked::Unsatisfiable,
            bytes => Asked::Part { first: whole_bytes - bytes, bytes },
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= whole_bytes {
        return Some(Asked::Unsatisfiable);
    }
    // `first` is below the end, so `last` cut to it is not below `first`.
    let bytes = last.min(whole_bytes - 1) - first + 1;
    Some(Asked::Part { first, bytes })
}

/// Decimal digits; what does not fit is larger than any body.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(first: u64, bytes: u64) -> Asked {
        Asked::Part { first, bytes }
    }

    #[test]
    fn reads_what_the_standard_shows() {
        for (value, expected) in [
            ("bytes=0-499", part(0, 500)),
            ("bytes=500-999", part(500, 500)),
            ("bytes=-500", part(9_500, 500)),
            ("bytes=9500-", part(9_500, 500)),
            ("bytes=0-0", part(0, 1)),
            ("bytes=9999-", part(9_999, 1)),
            ("BYTES=1-2", part(1, 2)),
            ("bytes= 1-2 ,", part(1, 2)),
            ("bytes=0-99999999999999999999999", part(0, 10_000)),
            ("bytes=-99999", part(0, 10_000)),
            ("bytes=10000-", Asked::Unsatisfiable),
            ("bytes=99999999999999999999999-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=0-0,-1", Asked::Whole),
            ("bytes=2-1", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=1-+2", Asked::Whole),
            ("bytes 1-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(parse(value.as_bytes(), 10_000), expected, "{value}");
        }
    }

    #[test]
    fn nothing_is_a_part_of_an_empty_body() {
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(parse(value.as_bytes(), 0), Asked::Unsatisfiable, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_body(
            value in "bytes=[0-9]{0,21}-[0-9]{0,21}", whole_bytes in any::<u64>(),
        ) {
            if let Asked::Part { first, bytes } = parse(value.as_bytes(), whole_bytes) {
                prop_assert!(bytes > 0);
                prop_assert!(first.checked_add(bytes).is_some_and(|end| end <= whole_bytes));
            }
        }
    }
}
