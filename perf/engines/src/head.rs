//! Where a message ends: the one thing that a relay cannot do without.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Request, Response, Status};

use crate::HEAD_BYTES_MAX;

/// One message, of whose bytes the head has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Bytes of the head.
    pub head_bytes: usize,
    /// Bytes of head and body.
    pub whole_bytes: usize,
    /// The sender keeps its connection.
    pub keeps: bool,
}

/// What received bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a head.
    Partial,
    /// A head and perhaps more.
    Whole(Message),
    /// Nothing that a floor relays.
    Refused,
}

/// Reads the head of a request that has no body.
pub fn request(bytes: &[u8]) -> Parsed {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_COUNT_MAX];
    let mut head = Request::new(&mut []);
    match head.parse_with_uninit_headers(bytes, &mut fields) {
        // An answer to HEAD has no body, whatever its length says.
        Ok(Status::Complete(_)) if head.method == Some("HEAD") => Parsed::Refused,
        Ok(Status::Complete(head_bytes)) => match read(head.headers) {
            Some(Fields { length: None | Some(0), keeps }) => {
                Parsed::Whole(Message { head_bytes, whole_bytes: head_bytes, keeps })
            }
            Some(_) | None => Parsed::Refused,
        },
        Ok(Status::Partial) => partial(bytes),
        Err(_) => Parsed::Refused,
    }
}

/// Reads the head of a final answer whose length is written in it.
pub fn answer(bytes: &[u8]) -> Parsed {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_COUNT_MAX];
    let mut head = Response::new(&mut []);
    let parser = ParserConfig::default();
    match parser.parse_response_with_uninit_headers(&mut head, bytes, &mut fields) {
        Ok(Status::Complete(head_bytes)) => match (head.code, read(head.headers)) {
            (Some(200..=203 | 205..=303 | 305..), Some(Fields { length: Some(body), keeps })) => {
                match head_bytes.checked_add(body) {
                    Some(whole_bytes) => Parsed::Whole(Message { head_bytes, whole_bytes, keeps }),
                    None => Parsed::Refused,
                }
            }
            _ => Parsed::Refused,
        },
        Ok(Status::Partial) => partial(bytes),
        Err(_) => Parsed::Refused,
    }
}

fn partial(bytes: &[u8]) -> Parsed {
    if bytes.len() < HEAD_BYTES_MAX { Parsed::Partial } else { Parsed::Refused }
}

struct Fields {
    length: Option<usize>,
    keeps: bool,
}

/// The fields that say how long the message and its connection are; `None` where a floor cannot
/// tell.
fn read(fields: &[Header<'_>]) -> Option<Fields> {
    let mut found = Fields { length: None, keeps: true };
    for field in fields {
        match field.name.len() {
            10 if field.name.eq_ignore_ascii_case("connection") => {
                found.keeps &= !field.value.eq_ignore_ascii_case(b"close");
            }
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                let length = decimal(field.value)?;
                if found.length.is_some_and(|other| other != length) {
                    return None;
                }
                found.length = Some(length);
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => return None,
            _ => {}
        }
    }
    Some(found)
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(usize::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}

/// Fields of a head; httparse refuses more.
const FIELDS_COUNT_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(head_bytes: usize, body_bytes: usize, keeps: bool) -> Parsed {
        Parsed::Whole(Message { head_bytes, whole_bytes: head_bytes + body_bytes, keeps })
    }

    #[test]
    fn a_request_ends_with_its_head() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(request(head), whole(head.len(), 0, true));
        assert_eq!(request(&[head, &head[..]].concat()), whole(head.len(), 0, true));
        assert_eq!(request(&head[..20]), Parsed::Partial);
    }

    #[test]
    fn a_request_that_a_floor_cannot_relay_is_refused() {
        assert_eq!(request(b"HEAD / HTTP/1.1\r\n\r\n"), Parsed::Refused);
        assert_eq!(request(b"PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), Parsed::Refused);
        assert_eq!(request(b"PUT / HTTP/1.1\r\nTransfer-Encoding: a\r\n\r\n"), Parsed::Refused);
        assert_eq!(request(b"\x16\x03\x01"), Parsed::Refused);
    }

    #[test]
    fn an_answer_ends_after_its_length() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
        assert_eq!(answer(head), whole(head.len(), 12, false));
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        for fields in ["", "Transfer-Encoding: chunked\r\n", "Content-Length: 1x\r\n"] {
            assert_eq!(
                answer(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes()),
                Parsed::Refused
            );
        }
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(answer(two), Parsed::Refused);
        assert_eq!(answer(b"HTTP/1.1 304 X\r\nContent-Length: 1\r\n\r\n"), Parsed::Refused);
    }

    #[test]
    fn a_head_without_an_end_is_refused_at_some_length() {
        let mut head = b"GET / HTTP/1.1\r\nA: ".to_vec();
        head.resize(HEAD_BYTES_MAX - 1, b'a');
        assert_eq!(request(&head), Parsed::Partial);
        head.push(b'a');
        assert_eq!(request(&head), Parsed::Refused);
    }
}
