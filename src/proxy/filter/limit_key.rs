//! Which key of a limit a request has.

use super::Step;
use crate::http::cookie;
use crate::http::field::FieldId;
use crate::http::head::RequestHead;
use crate::proxy::exchange::Exchange;
use crate::quota::{Digest, Secret};
use crate::snapshot::filter::{KeyPart, LimitKey, Missing};
use serde_json::Value;
use std::net::IpAddr;

/// What a request is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The hash of its key.
    Key(u64),
    /// Nothing, and it passes.
    Pass,
    /// Nothing, and it is refused.
    Refuse,
}

/// Hashes what of the request makes its key. Nothing of it is kept.
pub(super) fn find(step: &Step<'_>, key: &LimitKey, secret: Secret, exchange: &Exchange) -> Found {
    let mut digest = secret.digest();
    if key.is_per_worker {
        digest.word(step.worker.number() as u64);
    }
    for part in &key.parts {
        if !add(&mut digest, part, step, key.ipv6_mask, exchange) {
            match key.missing {
                Missing::Ip => address(&mut digest, exchange.client_address(), key.ipv6_mask),
                Missing::Pass => return Found::Pass,
                Missing::Refuse => return Found::Refuse,
            }
        }
    }
    Found::Key(digest.finish())
}

/// Adds a part; whether the request has it.
fn add(
    digest: &mut Digest,
    part: &KeyPart,
    step: &Step<'_>,
    ipv6_mask: u128,
    exchange: &Exchange,
) -> bool {
    let text = match part {
        KeyPart::Address => {
            address(digest, exchange.client_address(), ipv6_mask);
            return true;
        }
        KeyPart::Claim(name) => return claim(digest, name, exchange),
        KeyPart::Route => exchange.route().map(|route| route.id.as_bytes()),
        KeyPart::Header(id, name) => header(exchange.request(), *id, name),
        KeyPart::Cookie(name) => cookie_of(exchange.request(), name),
        KeyPart::Parameter(index) => {
            let place = step.link.parameters.get(*index);
            let range = place.and_then(|place| exchange.parameters.range(*place));
            range.and_then(|range| exchange.canonical_path().get(range))
        }
    };
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            digest.bytes(text);
            true
        }
        None => false,
    }
}

/// The client's address; none on a Unix socket, whose clients all count together. Words, the first
/// of which is small: no text, which begins with its length in one block, looks like them.
fn address(digest: &mut Digest, address: Option<IpAddr>, ipv6_mask: u128) {
    match address {
        None => digest.word(0),
        Some(IpAddr::V4(address)) => {
            digest.word(4);
            digest.word(u64::from(u32::from(address)));
        }
        Some(IpAddr::V6(address)) => {
            let bits = u128::from(address) & ipv6_mask;
            digest.word(6);
            digest.word((bits >> 64) as u64);
            digest.word(bits as u64);
        }
    }
}

/// A claim that is a text, a number or a truth value.
fn claim(digest: &mut Digest, name: &str, exchange: &Exchange) -> bool {
    let Some(principal) = &exchange.passage.principal else { return false };
    match principal.claim(name) {
        Some(Value::String(text)) if !text.is_empty() => digest.bytes(text.as_bytes()),
        Some(Value::Number(number)) => {
            let bits = number.as_i64().map(|number| number as u64).or(number.as_u64());
            digest.word(1);
            digest.word(bits.unwrap_or_else(|| number.as_f64().unwrap_or(0.0).to_bits()));
        }
        Some(Value::Bool(is_true)) => digest.word(2 + u64::from(*is_true)),
        // Keys and passwords have a name, and few of them claims.
        None if name == "sub" && !principal.subject.is_empty() => {
            digest.bytes(principal.subject.as_bytes());
        }
        Some(Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            return false;
        }
    }
    true
}

/// The value of a field that stands in the head once. Of several nobody knows which the upstream
/// believes, so a client could change the other one with each request.
fn header<'a>(request: RequestHead<'a>, id: FieldId, name: &[u8]) -> Option<&'a [u8]> {
    if id != FieldId::Other && !request.known().contains(id) {
        return None;
    }
    let mut found = request.fields().filter(|field| {
        field.id == id && (id != FieldId::Other || field.name.eq_ignore_ascii_case(name))
    });
    let value = found.next()?.value;
    found.next().is_none().then_some(value)
}

/// The value of a cookie that was sent once (RFC 6265 section 4.2.1).
fn cookie_of<'a>(request: RequestHead<'a>, name: &[u8]) -> Option<&'a [u8]> {
    if !request.known().contains(FieldId::Cookie) {
        return None;
    }
    let pairs = request.all(FieldId::Cookie).flat_map(cookie::pairs);
    let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

    fn with<T>(fields: &str, look: impl FnOnce(RequestHead<'_>) -> T) -> T {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).expect("a head");
        look(RequestHead::new(bytes.as_bytes(), &index))
    }

    fn value(fields: &str, name: &str) -> Option<Vec<u8>> {
        let id = FieldId::of(name.as_bytes());
        with(fields, |head| header(head, id, name.as_bytes()).map(<[u8]>::to_vec))
    }

    fn crumb(fields: &str) -> Option<Vec<u8>> {
        with(fields, |head| cookie_of(head, b"id").map(<[u8]>::to_vec))
    }

    #[test]
    fn a_field_counts_where_it_stands_once() {
        assert_eq!(value("X-Key: a\r\n", "x-key"), Some(b"a".to_vec()));
        assert_eq!(value("Authorization: a\r\n", "authorization"), Some(b"a".to_vec()));
        assert_eq!(value("X-Key: a\r\nX-KEY: b\r\n", "x-key"), None);
        assert_eq!(value("X-Keys: a\r\n", "x-key"), None);
    }

    #[test]
    fn a_cookie_counts_where_it_was_sent_once() {
        assert_eq!(crumb("Cookie: a=1; id=7; b=2\r\n"), Some(b"7".to_vec()));
        assert_eq!(crumb("Cookie: id=7; id=8\r\n"), None);
        assert_eq!(crumb("Cookie: id=7\r\nCookie: id=8\r\n"), None);
        assert_eq!(crumb("Cookie: ID=7\r\n"), None);
        assert_eq!(crumb(""), None);
    }

    #[test]
    fn addresses_of_one_network_are_one_key() {
        let hash = |text: &str, mask| {
            let mut digest = Secret::new([1, 2]).digest();
            address(&mut digest, text.parse().ok(), mask);
            digest.finish()
        };
        let by_64 = u128::MAX << 64;
        assert_eq!(hash("2001:db8::1", by_64), hash("2001:db8::ffff:2", by_64));
        assert_ne!(hash("2001:db8::1", u128::MAX), hash("2001:db8::2", u128::MAX));
        assert_ne!(hash("2001:db8:0:1::1", by_64), hash("2001:db8::1", by_64));
        assert_ne!(hash("192.0.2.1", by_64), hash("192.0.2.2", by_64));
        assert_ne!(hash("::", by_64), hash("0.0.0.0", by_64));
    }

    #[test]
    fn no_text_is_taken_for_an_address() {
        let mut by_address = Secret::new([1, 2]).digest();
        address(&mut by_address, "0.0.0.4".parse().ok(), 0);
        for text in [&b"\0\0\0\x04\0\0\0\x04"[..], b"0.0.0.4", b"\x04", b"\0\0\0\0\0\0\0\0\0\0\0"] {
            let mut by_text = Secret::new([1, 2]).digest();
            by_text.bytes(text);
            assert_ne!(by_text.finish(), by_address.finish());
        }
    }
}
