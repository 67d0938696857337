//! Cookies as a client sends them.

use super::head::trim;

use std::ops::Range;

/// The pairs `name=value` of one `Cookie` field, between semicolons (RFC 6265 section 4.2.1). What
/// has no `=` is none.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = memchr::memchr(b'=', pair)?;
        Some((trim(&pair[..equals]), trim(&pair[equals + 1..])))
    })
}

/// Where the first cookie of a name stands in a `Cookie` field, with the semicolon that parts it
/// from the others. Also one without `=`.
pub fn place_of(line: &[u8], name: &[u8]) -> Option<Range<usize>> {
    let mut start = 0;
    for pair in line.split(|byte| *byte == b';') {
        let end = start + pair.len();
        let own = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        if own.trim_ascii() == name {
            let is_last = end == line.len();
            return Some(if is_last { start.saturating_sub(1)..end } else { start..end + 1 });
        }
        start = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_stands_with_one_semicolon() {
        for (line, want) in [
            ("k=1", Some("k=1")),
            ("a=1; k=2; b=3", Some(" k=2;")),
            ("k=1;a=2", Some("k=1;")),
            ("a=1; k = x=y ", Some("; k = x=y ")),
            ("a=1;k", Some(";k")),
            ("a=k; kk=1; K=1; =k", None),
            ("", None),
        ] {
            let place = place_of(line.as_bytes(), b"k");
            assert_eq!(place.map(|place| &line[place]), want, "{line}");
        }
    }

    #[test]
    fn pairs_stand_between_semicolons() {
        let found: Vec<_> = pairs(b"a=1; b = x=y ;; none; =2; c=").collect();
        let want: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"x=y"), (b"", b"2"), (b"c", b"")];
        assert_eq!(found, want);
    }
}
