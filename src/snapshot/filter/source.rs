//! Where a client puts a key.

use crate::config::CredentialSource;
use crate::http::cookie;
use crate::http::field::FieldId;
use crate::http::head::{RequestHead, trim};
use crate::limits;
use crate::router::condition::decoded;

/// One place.
#[derive(Debug)]
pub enum Source {
    /// A field of the head.
    Header(FieldId, Box<[u8]>),
    /// `Authorization`, behind `Bearer`.
    Bearer,
    /// A parameter of the query, decoded.
    Query(Box<[u8]>),
    /// A cookie (RFC 6265 section 4.2).
    Cookie(Box<[u8]>),
}

/// What was found; its memory is kept from one request to the next.
#[derive(Debug, Default)]
pub struct Found {
    /// The first, as far as [`limits::API_KEY_BYTES_MAX`] and one byte.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub count: usize,
}

impl Found {
    /// As before any search.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    fn add(&mut self, value: impl Iterator<Item = u8>) {
        if self.count == 0 {
            self.bytes.extend(value.take(limits::API_KEY_BYTES_MAX + 1));
        }
        self.count += 1;
    }
}

impl Source {
    pub(super) fn compile(source: &CredentialSource) -> Source {
        match source {
            CredentialSource::Header(name) => {
                let name = name.as_bytes();
                Source::Header(FieldId::of(name), name.into())
            }
            CredentialSource::Bearer => Source::Bearer,
            CredentialSource::Query(name) => Source::Query(name.as_bytes().into()),
            CredentialSource::Cookie(name) => Source::Cookie(name.as_bytes().into()),
        }
    }

    /// Adds all that stands there.
    pub fn look(&self, head: RequestHead<'_>, found: &mut Found) {
        match self {
            Source::Header(FieldId::Other, name) => {
                let of_name = head.fields().filter(|field| field.id == FieldId::Other);
                let of_name = of_name.filter(|field| field.name.eq_ignore_ascii_case(name));
                of_name.for_each(|field| found.add(field.value.iter().copied()));
            }
            Source::Header(id, _) if !head.known().contains(*id) => {}
            Source::Header(id, _) => {
                head.all(*id).for_each(|value| found.add(value.iter().copied()));
            }
            Source::Bearer if !head.known().contains(FieldId::Authorization) => {}
            Source::Bearer => {
                let tokens = head.all(FieldId::Authorization).filter_map(bearer);
                tokens.for_each(|token| found.add(token.iter().copied()));
            }
            Source::Query(name) => {
                for pair in head.query().unwrap_or_default().split(|byte| *byte == b'&') {
                    let name_bytes = memchr::memchr(b'=', pair).unwrap_or(pair.len());
                    let (of, value) = pair.split_at(name_bytes);
                    if !pair.is_empty() && decoded(of).eq(name.iter().copied()) {
                        found.add(decoded(value.get(1..).unwrap_or_default()));
                    }
                }
            }
            Source::Cookie(_) if !head.known().contains(FieldId::Cookie) => {}
            Source::Cookie(name) => {
                for (of, value) in head.all(FieldId::Cookie).flat_map(cookie::pairs) {
                    if of == &**name {
                        found.add(value.iter().copied());
                    }
                }
            }
        }
    }
}

/// What stands behind `Bearer` (RFC 9110 section 11.1: the word has no case).
pub fn bearer(value: &[u8]) -> Option<&[u8]> {
    credentials(value, b"bearer")
}

/// What stands behind the name of a scheme.
pub(super) fn credentials<'v>(value: &'v [u8], scheme: &[u8]) -> Option<&'v [u8]> {
    let (first, rest) = value.split_at_checked(scheme.len())?;
    let is_it = first.eq_ignore_ascii_case(scheme) && rest.first().is_none_or(|byte| *byte == b' ');
    is_it.then(|| trim(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

    fn look(source: &str, head: &str) -> (usize, String) {
        let head = format!("{head}\r\n\r\n");
        let mut index = HeadIndex::default();
        let limits =
            HeadLimits { request_line_bytes_max: 999, fields_count_max: 9, fields_bytes_max: 999 };
        parse::request(head.as_bytes(), &limits, &mut index).expect("a whole head");
        let mut found = Found::default();
        let source = Source::compile(&source.parse().expect("a source"));
        source.look(RequestHead::new(head.as_bytes(), &index), &mut found);
        (found.count, String::from_utf8_lossy(&found.bytes).into_owned())
    }

    #[test]
    fn finds_keys_in_their_places() {
        for (source, head, want) in [
            ("header:X-Key", "GET / HTTP/1.1\r\nx-key:  a b ", (1, "a b")),
            ("header:X-Api-Key", "GET / HTTP/1.1\r\nX-API-KEY: a", (1, "a")),
            ("header:X-Key", "GET / HTTP/1.1\r\nX-Key: a\r\nX-Key: b", (2, "a")),
            ("header:X-Key", "GET / HTTP/1.1\r\nX_Key: a", (0, "")),
            ("header:X-Key", "GET / HTTP/1.1\r\nX-Key:", (1, "")),
            ("bearer", "GET / HTTP/1.1\r\nAuthorization: bEARER  a", (1, "a")),
            ("bearer", "GET / HTTP/1.1\r\nAuthorization: Bearer", (1, "")),
            ("bearer", "GET / HTTP/1.1\r\nAuthorization: Bearera b", (0, "")),
            ("bearer", "GET / HTTP/1.1\r\nAuthorization: Basic a", (0, "")),
            ("query:key", "GET /?x=1&k%65y=a%2Bb+c&y HTTP/1.1", (1, "a+b c")),
            ("query:key", "GET /?key=a&key=b HTTP/1.1", (2, "a")),
            ("query:key", "GET /?key HTTP/1.1", (1, "")),
            ("query:key", "GET /?keys=a HTTP/1.1", (0, "")),
            ("cookie:key", "GET / HTTP/1.1\r\nCookie: a=b; key=c", (1, "c")),
            ("cookie:key", "GET / HTTP/1.1\r\nCookie: key=a\r\nCookie: key=b", (2, "a")),
            ("cookie:key", "GET / HTTP/1.1\r\nCookie: Key=a; keys=b; key", (0, "")),
        ] {
            let found = look(source, &format!("{head}\r\nHost: a"));
            assert_eq!((found.0, found.1.as_str()), want, "{source} {head}");
        }
    }

    #[test]
    fn copies_no_more_than_any_key_has() {
        let mut found = Found::default();
        found.add(std::iter::repeat(b'a'));
        assert_eq!((found.count, found.bytes.len()), (1, limits::API_KEY_BYTES_MAX + 1));
    }
}
