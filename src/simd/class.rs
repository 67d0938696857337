//! Classes of bytes, as the standards draw them.

/// A class of bytes that a scan runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `tchar` of RFC 9110 section 5.6.2: methods and field names.
    Token,
    /// Visible ASCII but `#`: a fragment never belongs into a request target (RFC 9112 section
    /// 3.2), and a neighbour that cuts it off sees another path.
    Target,
    /// What a field value may hold: tab, space, visible ASCII, and bytes from 0x80 (RFC 9110
    /// section 5.5).
    Value,
}

impl Class {
    /// Whether the byte is in the class.
    #[inline]
    pub const fn holds(self, byte: u8) -> bool {
        TABLE[byte as usize] & self.bit() != 0
    }

    const fn bit(self) -> u8 {
        match self {
            Class::Token => 1,
            Class::Target => 2,
            Class::Value => 4,
        }
    }
}

/// Whether the byte may stand in a token.
#[inline]
pub const fn is_token(byte: u8) -> bool {
    Class::Token.holds(byte)
}

static TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // Below 256 by the loop.
        let value = byte as u8;
        let is_token = value.is_ascii_alphanumeric()
            || matches!(
                value,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'
            )
            || matches!(value, b'_' | b'`' | b'|' | b'~');
        if is_token {
            table[byte] |= Class::Token.bit();
        }
        if value > 0x20 && value < 0x7f && value != b'#' {
            table[byte] |= Class::Target.bit();
        }
        if value == b'\t' || (value >= 0x20 && value != 0x7f) {
            table[byte] |= Class::Value.bit();
        }
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_the_standard_lists() {
        let listed = b"!#$%&'*+-.^_`|~";
        for byte in 0..=255u8 {
            let expected = byte.is_ascii_alphanumeric() || listed.contains(&byte);
            assert_eq!(is_token(byte), expected, "{byte:#x}");
        }
    }

    #[test]
    fn values_hold_tabs_and_high_bytes_but_no_controls() {
        for byte in [b'\t', b' ', b'~', 0x80, 0xff] {
            assert!(Class::Value.holds(byte), "{byte:#x}");
        }
        for byte in [0, 0x08, b'\n', 0x0b, 0x0c, b'\r', 0x1f, 0x7f] {
            assert!(!Class::Value.holds(byte), "{byte:#x}");
        }
    }

    #[test]
    fn targets_hold_neither_blanks_nor_fragments_nor_high_bytes() {
        for byte in [0, b'\t', b'\r', b' ', b'#', 0x7f, 0x80, 0xff] {
            assert!(!Class::Target.holds(byte), "{byte:#x}");
        }
        for byte in [b'!', b'/', b'?', b'%', b'"', b'|', b'~'] {
            assert!(Class::Target.holds(byte), "{byte:#x}");
        }
    }
}
