//! Cookies as a client sends them.

use super::head::trim;

/// The pairs `name=value` of one `Cookie` field, between semicolons (RFC 6265 section 4.2.1). What
/// has no `=` is none.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = memchr::memchr(b'=', pair)?;
        Some((trim(&pair[..equals]), trim(&pair[equals + 1..])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stand_between_semicolons() {
        let found: Vec<_> = pairs(b"a=1; b = x=y ;; none; =2; c=").collect();
        let want: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"x=y"), (b"", b"2"), (b"c", b"")];
        assert_eq!(found, want);
    }
}
