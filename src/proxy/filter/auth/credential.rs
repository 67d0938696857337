//! Where a request has its token.

use crate::http::field::FieldId;
use crate::http::head::RequestHead;
use crate::router::condition::decoded;
use crate::snapshot::filter::{TokenPlace, source};

/// What was found in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// No token.
    Nothing,
    /// One.
    Token(&'a [u8]),
    /// More than one, or a place that is there twice: who reads the other would see somebody else
    /// (RFC 6750 section 2 allows one).
    Twice,
}

impl<'a> Found<'a> {
    fn and(self, other: Found<'a>) -> Found<'a> {
        match (self, other) {
            (Found::Nothing, found) | (found, Found::Nothing) => found,
            (Found::Token(_) | Found::Twice, Found::Token(_) | Found::Twice) => Found::Twice,
        }
    }
}

/// Looks in all places.
pub(super) fn find<'a>(head: RequestHead<'a>, places: &[TokenPlace]) -> Found<'a> {
    places.iter().fold(Found::Nothing, |found, place| found.and(at(head, place)))
}

fn at<'a>(head: RequestHead<'a>, place: &TokenPlace) -> Found<'a> {
    match place {
        TokenPlace::Authorization => {
            // Two lines are refused also where one of them has another scheme.
            match only(head.all(FieldId::Authorization)) {
                Found::Token(value) => bearer(value),
                other @ (Found::Nothing | Found::Twice) => other,
            }
        }
        TokenPlace::Field(FieldId::Other, name) => {
            let fields = head.fields().filter(|field| field.name.eq_ignore_ascii_case(name));
            bare(only(fields.map(|field| field.value)))
        }
        TokenPlace::Field(id, _) => bare(only(head.all(*id))),
        TokenPlace::Cookie(name) => {
            only(cookies(head).filter_map(|(known, value)| (known == &**name).then_some(value)))
        }
        TokenPlace::Query(name) => {
            let query = head.query().unwrap_or_default();
            let pairs = query.split(|byte| *byte == b'&');
            only(pairs.filter_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
                let (known, value) = pair.split_at(at);
                let is_meant = decoded(known).eq(name.iter().copied());
                is_meant.then_some(value.get(1..).unwrap_or_default())
            }))
        }
    }
}

fn only<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Found<'a> {
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => Found::Token(value),
        (Some(_), Some(_)) => Found::Twice,
    }
}

/// `Bearer TOKEN` (RFC 6750 section 2.1); another scheme is for somebody else.
fn bearer(value: &[u8]) -> Found<'_> {
    match source::bearer(value) {
        Some(token) => Found::Token(token),
        None => Found::Nothing,
    }
}

/// A field of its own may have the scheme, and need not.
fn bare(found: Found<'_>) -> Found<'_> {
    match found {
        Found::Token(value) => Found::Token(source::bearer(value).unwrap_or(value)),
        other @ (Found::Nothing | Found::Twice) => other,
    }
}

/// The cookies with their values (RFC 6265 section 4.2.1).
fn cookies(head: RequestHead<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    pairs(head).map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii())
    })
}

fn pairs(head: RequestHead<'_>) -> impl Iterator<Item = &[u8]> {
    let fields = head.all(FieldId::Cookie);
    fields.flat_map(|field| field.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{HeadLimits, request};
    use crate::http::head::HeadIndex;

    /// What is found in a request with this query and these fields.
    fn found(query: &str, fields: &[&str], places: &[TokenPlace], want: Found<'_>) {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let text = format!("GET /x{query} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        request(text.as_bytes(), &HeadLimits::default(), &mut index).expect("a head");
        let head = RequestHead::new(text.as_bytes(), &index);
        assert_eq!(find(head, places), want, "{text}");
    }

    fn cookie(name: &str) -> TokenPlace {
        TokenPlace::Cookie(name.as_bytes().into())
    }

    #[test]
    fn a_bearer_token_stands_behind_its_scheme() {
        let places = [TokenPlace::Authorization];
        for (field, want) in [
            ("Authorization: Bearer a.b.c", Found::Token(&b"a.b.c"[..])),
            ("authorization: bEARER   a.b.c ", Found::Token(b"a.b.c")),
            ("Authorization: Bearer", Found::Token(b"")),
            ("Authorization: Bearera.b.c", Found::Nothing),
            ("Authorization: Basic a.b.c", Found::Nothing),
            ("Authorization: ", Found::Nothing),
            ("Authorization: Bearer a, Bearer b", Found::Token(b"a, Bearer b")),
            ("X-Authorization: Bearer a", Found::Nothing),
        ] {
            found("", &[field], &places, want);
        }
    }

    #[test]
    fn two_lines_are_refused() {
        let places = [TokenPlace::Authorization];
        let two = ["Authorization: Bearer a", "Authorization: Bearer b"];
        found("", &two, &places, Found::Twice);
        let mixed = ["Authorization: Basic a", "authorization: Bearer b"];
        found("", &mixed, &places, Found::Twice);
    }

    #[test]
    fn a_field_of_its_own_may_leave_the_scheme_out() {
        let places = [TokenPlace::Field(FieldId::Other, b"X-Token".as_slice().into())];
        found("", &["x-token: a.b.c"], &places, Found::Token(b"a.b.c"));
        found("", &["X-Token: Bearer a.b.c"], &places, Found::Token(b"a.b.c"));
        found("", &["X-Token: a", "x-token: a"], &places, Found::Twice);
        let known = [TokenPlace::Field(FieldId::XApiKey, b"X-Api-Key".as_slice().into())];
        found("", &["X-API-Key: a"], &known, Found::Token(b"a"));
    }

    #[test]
    fn a_cookie_is_found_once() {
        let places = [cookie("session")];
        found("", &["Cookie: a=1; session=x.y.z; b=2"], &places, Found::Token(b"x.y.z"));
        found("", &["Cookie: a=1"], &places, Found::Nothing);
        found("", &["Cookie: Session=1"], &places, Found::Nothing);
        // Cookie tossing: another page of the same site set one of the same name.
        found("", &["Cookie: session=x; session=y"], &places, Found::Twice);
        found("", &["Cookie: session=x", "Cookie: session=y"], &places, Found::Twice);
        found("", &["Cookie: session = x;session=x"], &places, Found::Twice);
    }

    #[test]
    fn a_parameter_is_found_once_however_it_is_written() {
        let places = [TokenPlace::Query(b"access_token".as_slice().into())];
        found("?a=1&access_token=x.y.z", &[], &places, Found::Token(b"x.y.z"));
        found("?access%5Ftoken=x", &[], &places, Found::Token(b"x"));
        found("?access_token=x&access%5ftoken=y", &[], &places, Found::Twice);
        found("?access_token", &[], &places, Found::Token(b""));
        found("?xaccess_token=x", &[], &places, Found::Nothing);
        found("", &[], &places, Found::Nothing);
    }

    #[test]
    fn two_places_are_refused() {
        let places = [TokenPlace::Authorization, cookie("session")];
        let both = ["Authorization: Bearer a", "Cookie: session=a"];
        found("", &both, &places, Found::Twice);
        found("", &both[1..], &places, Found::Token(b"a"));
        found("", &["Authorization: Basic a", both[1]], &places, Found::Token(b"a"));
    }
}
