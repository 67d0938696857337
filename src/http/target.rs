//! Request targets and authorities.

use std::net::Ipv6Addr;

/// The host of an authority, without its port; the brackets of an IPv6 address stay. A trailing
/// dot, which only says that the name is complete, is left off.
pub fn host_of(authority: &[u8]) -> &[u8] {
    let host = match split_port(authority) {
        Some((host, _)) => host,
        None => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}

/// The port of an authority; `None` when there is none or it is empty.
pub fn port_of(authority: &[u8]) -> Option<u16> {
    let (_, port) = split_port(authority)?;
    port_number(port)
}

/// Whether two authorities name the same host, without regard to case, port and trailing dot.
pub fn hosts_equal(left: &[u8], right: &[u8]) -> bool {
    host_of(left).eq_ignore_ascii_case(host_of(right))
}

/// Whether the bytes are `host` or `host:port` and nothing that two readers could take apart
/// differently.
///
/// Narrower than RFC 3986 section 3.2: no user information (RFC 9110 section 4.2.4), no empty host
/// (RFC 9110 section 4.2.1), and of a registered name only what names in DNS are made of, because a
/// comma or semicolon would forge an element of `X-Forwarded-Host` or `Forwarded`, and `%41` would
/// be another spelling of `a` that routes do not see through.
pub fn authority_is_valid(authority: &[u8]) -> bool {
    let (host, port) = split_port(authority).unwrap_or((authority, b""));
    let port_is_valid = port.is_empty() || port_number(port).is_some();
    port_is_valid && host_is_valid(host)
}

fn host_is_valid(host: &[u8]) -> bool {
    match host.strip_prefix(b"[") {
        Some(rest) => rest.strip_suffix(b"]").is_some_and(is_ipv6),
        None => !host.is_empty() && host != b"." && host.iter().all(|byte| is_name_byte(*byte)),
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Splits at the colon before the port, if there is one outside of brackets.
fn split_port(authority: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memrchr(b':', authority)?;
    let (host, port) = (&authority[..colon], &authority[colon + 1..]);
    // Within brackets the last colon belongs to the address.
    if port.contains(&b']') { None } else { Some((host, port)) }
}

/// RFC 3986 section 3.2.3: digits only, so neither sign nor space; and it must fit.
fn port_number(port: &[u8]) -> Option<u16> {
    if port.is_empty() || port.len() > 5 || !port.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = port.iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    u16::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hosts_with_and_without_port() {
        let valid: &[&[u8]] = &[
            b"a",
            b"example.com",
            b"example.com.",
            b"example.com:80",
            b"example.com:",
            b"example.com:65535",
            b"my_service:8080",
            b"127.0.0.1:1",
            b"[::1]",
            b"[2001:db8::1]:8080",
            b"[::ffff:192.0.2.1]",
            b"UPPER.example",
        ];
        for authority in valid {
            assert!(authority_is_valid(authority), "{}", authority.escape_ascii());
        }
    }

    #[test]
    fn refuses_what_two_readers_could_take_apart_differently() {
        let invalid: &[&[u8]] = &[
            b"",
            b".",
            b":80",
            b"user@host",
            b"user:pass@host:80",
            b"host:80:80",
            b"host:+80",
            b"host:8o",
            b"host:65536",
            b"host:000080",
            b"host:-1",
            b"a b",
            b"a,b",
            b"a;b",
            b"a/b",
            b"a?b",
            b"a#b",
            b"a\\b",
            b"ex%61mple.com",
            b"[::1",
            b"::1",
            b"[::1]x",
            b"[::1]:",
            b"[fe80::1%25eth0]",
            b"[v1.x]",
            b"[]",
            b"h\xc3\xa9",
            b"a\"b",
        ];
        for authority in invalid {
            let expected = *authority == b"[::1]:";
            assert_eq!(authority_is_valid(authority), expected, "{}", authority.escape_ascii());
        }
    }

    #[test]
    fn the_host_is_what_stands_before_the_port() {
        assert_eq!(host_of(b"example.com:80"), b"example.com");
        assert_eq!(host_of(b"example.com.:80"), b"example.com");
        assert_eq!(host_of(b"[::1]:80"), b"[::1]");
        assert_eq!(host_of(b"[::1]"), b"[::1]");
        assert_eq!(host_of(b"example.com"), b"example.com");
    }

    #[test]
    fn the_port_is_a_number_or_none() {
        assert_eq!(port_of(b"example.com:8080"), Some(8080));
        assert_eq!(port_of(b"[::1]:8080"), Some(8080));
        assert_eq!(port_of(b"[::1]"), None);
        assert_eq!(port_of(b"example.com:"), None);
    }

    #[test]
    fn hosts_are_compared_without_case_and_port() {
        assert!(hosts_equal(b"Example.COM:80", b"example.com."));
        assert!(!hosts_equal(b"example.com", b"example.org"));
    }
}
