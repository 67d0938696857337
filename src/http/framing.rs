//! How long a body is. The only place that decides it.

use crate::http::field::FieldId;
use crate::http::head::{HeadIndex, RequestHead, ResponseHead, Version};
use crate::http::method::Method;
use crate::http::status::Status;

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none, and nothing was said about a length.
    Empty,
    /// After that many bytes; 0 when the sender said so.
    Length(u64),
    /// At the last chunk and its trailers.
    Chunked,
    /// Where the connection ends; responses only.
    UntilClose,
}

/// Fields that leave it unclear, or differently clear to different readers, where a body ends.
/// The connection cannot be used any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingError {
    /// `Transfer-Encoding` beside `Content-Length`: RFC 9112 section 6.3, item 3.
    BothLengths,
    /// More than one `Content-Length` line, equal or not: RFC 9112 section 6.3, item 5.
    LengthRepeated,
    /// A `Content-Length` that is not digits alone, or too large: RFC 9110 section 8.6.
    LengthInvalid,
    /// More than one `Transfer-Encoding` line, a list, or nothing: RFC 9112 section 6.1.
    CodingInvalid,
    /// A transfer coding other than `chunked`: RFC 9112 section 6.1.
    CodingUnsupported,
    /// `Transfer-Encoding` in an HTTP/1.0 message: RFC 9112 section 6.1.
    CodingInHttp10,
}

impl FramingError {
    /// What a client that sent it is answered.
    pub const fn status(self) -> Status {
        match self {
            FramingError::BothLengths
            | FramingError::LengthRepeated
            | FramingError::LengthInvalid
            | FramingError::CodingInvalid
            | FramingError::CodingInHttp10 => Status::BAD_REQUEST,
            // RFC 9112 section 6.1: a coding that is not understood is answered with 501.
            FramingError::CodingUnsupported => Status::NOT_IMPLEMENTED,
        }
    }
}

/// The body of a request.
///
/// # Errors
/// Every variant of [`FramingError`], when the fields say so.
#[inline]
pub fn request(head: RequestHead<'_>) -> Result<Body, FramingError> {
    let declared = declared(head.index(), head.bytes(), head.version())?;
    // RFC 9112 section 6.3, item 7: a request that says nothing has no body.
    Ok(declared.unwrap_or(Body::Empty))
}

/// The body of a response to a request with `method`.
///
/// # Errors
/// Every variant of [`FramingError`]; also for a response that has no body, because what it says
/// about one would be passed on.
#[inline]
pub fn response(method: Method, head: ResponseHead<'_>) -> Result<Body, FramingError> {
    let declared = declared(head.index(), head.bytes(), head.version())?;
    // RFC 9112 section 6.3, item 1: these end with the head, whatever the fields say.
    if method == Method::HEAD || head.status().is_bodyless() {
        return Ok(Body::Empty);
    }
    // RFC 9112 section 6.3, item 8.
    Ok(declared.unwrap_or(Body::UntilClose))
}

/// What the fields of a response say about a body that may not be there: the length that an answer
/// to `HEAD`, or a 304, has to pass on (RFC 9110 section 8.6).
///
/// # Errors
/// As [`response`].
pub fn response_declared(head: ResponseHead<'_>) -> Result<Option<Body>, FramingError> {
    declared(head.index(), head.bytes(), head.version())
}

/// Whether the client's connection may carry another request (RFC 9112 section 9.3).
#[inline]
pub fn request_keeps_alive(head: RequestHead<'_>) -> bool {
    keeps_alive(head.index(), head.version())
}

/// Whether the upstream's connection may carry another request. A body that ends with the
/// connection forbids it too; that is [`Body::UntilClose`].
#[inline]
pub fn response_keeps_alive(head: ResponseHead<'_>) -> bool {
    keeps_alive(head.index(), head.version())
}

fn keeps_alive(index: &HeadIndex, version: Version) -> bool {
    let options = index.connection;
    match version {
        Version::Http11 => !options.close,
        Version::Http10 => options.keep_alive && !options.close,
    }
}

#[inline]
fn declared(
    index: &HeadIndex,
    bytes: &[u8],
    version: Version,
) -> Result<Option<Body>, FramingError> {
    if index.known.contains(FieldId::TransferEncoding) {
        return coded(index, bytes, version).map(Some);
    }
    if !index.known.contains(FieldId::ContentLength) {
        return Ok(None);
    }
    // RFC 9112 section 6.3, item 5 allows repeated equal values to be taken as one. Refused: no
    // honest sender repeats them, and a neighbour may see only one of the lines.
    if index.repeated.contains(FieldId::ContentLength) {
        return Err(FramingError::LengthRepeated);
    }
    let value = index.all(bytes, FieldId::ContentLength).next().unwrap_or_default();
    length(value).map(|length| Some(Body::Length(length)))
}

fn coded(index: &HeadIndex, bytes: &[u8], version: Version) -> Result<Body, FramingError> {
    // RFC 9112 section 6.1: a version that does not know transfer codings cannot be framed by one.
    if version == Version::Http10 {
        return Err(FramingError::CodingInHttp10);
    }
    if index.known.contains(FieldId::ContentLength) {
        return Err(FramingError::BothLengths);
    }
    if index.repeated.contains(FieldId::TransferEncoding) {
        return Err(FramingError::CodingInvalid);
    }
    let value = index.all(bytes, FieldId::TransferEncoding).next().unwrap_or_default();
    // RFC 9112 section 7: names of codings have no case.
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Body::Chunked);
    }
    // An empty value, an empty member and `chunked` twice are malformed, anything else is a coding
    // that is not understood.
    let members = value.split(|byte| *byte == b',');
    let mut chunked_count = 0;
    for member in members.map(crate::http::head::trim) {
        if member.is_empty() {
            return Err(FramingError::CodingInvalid);
        }
        chunked_count += usize::from(member.eq_ignore_ascii_case(b"chunked"));
    }
    if chunked_count > 1 {
        return Err(FramingError::CodingInvalid);
    }
    Err(FramingError::CodingUnsupported)
}

/// RFC 9110 section 8.6: `1*DIGIT`, so no sign, no list, no hexadecimal, no space inside. Up to
/// `i64::MAX`, which every neighbour can hold.
fn length(value: &[u8]) -> Result<u64, FramingError> {
    let digits_are_valid = (1..=19).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    if !digits_are_valid {
        return Err(FramingError::LengthInvalid);
    }
    // Nineteen digits fit into 64 bits.
    let length = value.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    if i64::try_from(length).is_ok() { Ok(length) } else { Err(FramingError::LengthInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};

    fn of_request(version: &str, fields: &str) -> Result<Body, FramingError> {
        let bytes = format!("POST / {version}\r\nHost: a\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        request(RequestHead::new(bytes.as_bytes(), &index))
    }

    fn of_response(method: Method, text: &str) -> Result<Body, FramingError> {
        let mut index = HeadIndex::new();
        parse::response(text.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        response(method, ResponseHead::new(text.as_bytes(), &index))
    }

    fn keeps_alive_of(line: &str, fields: &str) -> bool {
        let bytes = format!("{line}\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        if line.starts_with("HTTP") {
            parse::response(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
            response_keeps_alive(ResponseHead::new(bytes.as_bytes(), &index))
        } else {
            parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
            request_keeps_alive(RequestHead::new(bytes.as_bytes(), &index))
        }
    }

    #[test]
    fn takes_one_length_and_refuses_two() {
        let two = "Content-Length: 5\r\nContent-Length: 5\r\n";
        assert_eq!(of_request("HTTP/1.1", "Content-Length: 5\r\n"), Ok(Body::Length(5)));
        assert_eq!(of_request("HTTP/1.1", two), Err(FramingError::LengthRepeated));
    }

    #[test]
    fn takes_lengths_up_to_2_to_the_63_less_one() {
        let largest = "Content-Length: 9223372036854775807\r\n";
        let next = "Content-Length: 9223372036854775808\r\n";
        assert_eq!(of_request("HTTP/1.1", largest), Ok(Body::Length(i64::MAX.unsigned_abs())));
        assert_eq!(of_request("HTTP/1.1", next), Err(FramingError::LengthInvalid));
    }

    #[test]
    fn refuses_lengths_that_are_not_digits_alone() {
        for value in ["", "+5", "-5", "5,5", "5 5", "0x5", "5.", "five", "\u{665}"] {
            let body = of_request("HTTP/1.1", &format!("Content-Length: {value}\r\n"));
            assert_eq!(body, Err(FramingError::LengthInvalid), "{value}");
        }
    }

    #[test]
    fn takes_chunked_in_1_1_and_refuses_it_in_1_0() {
        let fields = "Transfer-Encoding: Chunked\r\n";
        assert_eq!(of_request("HTTP/1.1", fields), Ok(Body::Chunked));
        assert_eq!(of_request("HTTP/1.0", fields), Err(FramingError::CodingInHttp10));
    }

    #[test]
    fn rejects_content_length_with_chunked() {
        let fields = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n";
        assert_eq!(of_request("HTTP/1.1", fields), Err(FramingError::BothLengths));
    }

    #[test]
    fn tells_unknown_codings_from_malformed_ones() {
        for value in ["gzip", "xchunked", "gzip, chunked", "chunked;q=1", "chunked, gzip"] {
            let fields = format!("Transfer-Encoding: {value}\r\n");
            let error = of_request("HTTP/1.1", &fields).unwrap_err();
            assert_eq!(error, FramingError::CodingUnsupported, "{value}");
            assert_eq!(error.status(), Status::NOT_IMPLEMENTED);
        }
        for value in ["", ",", "chunked,", ",chunked", "chunked,chunked"] {
            let fields = format!("Transfer-Encoding: {value}\r\n");
            let error = of_request("HTTP/1.1", &fields).unwrap_err();
            assert_eq!(error, FramingError::CodingInvalid, "{value}");
            assert_eq!(error.status(), Status::BAD_REQUEST);
        }
    }

    #[test]
    fn a_request_that_says_nothing_has_no_body() {
        assert_eq!(of_request("HTTP/1.1", ""), Ok(Body::Empty));
    }

    #[test]
    fn a_response_that_says_nothing_lasts_until_the_end() {
        assert_eq!(of_response(Method::GET, "HTTP/1.1 200 OK\r\n\r\n"), Ok(Body::UntilClose));
    }

    #[test]
    fn responses_without_body_end_with_the_head() {
        let with_length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(of_response(Method::HEAD, with_length), Ok(Body::Empty));
        assert_eq!(of_response(Method::GET, with_length), Ok(Body::Length(5)));
        for status in ["100 Continue", "103 Early Hints", "204 No Content", "304 Not Modified"] {
            let text = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
            assert_eq!(of_response(Method::GET, &text), Ok(Body::Empty), "{status}");
        }
    }

    #[test]
    fn a_response_without_body_is_refused_for_what_it_says_about_one() {
        let text = "HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n";
        assert_eq!(of_response(Method::GET, text), Err(FramingError::LengthInvalid));
    }

    #[test]
    fn http_1_1_stays_open_unless_told_to_close() {
        let line = "GET / HTTP/1.1\r\nHost: a";
        assert!(keeps_alive_of(line, ""));
        assert!(keeps_alive_of(line, "Connection: x\r\n"));
        assert!(!keeps_alive_of(line, "Connection: x, Close\r\n"));
        assert!(!keeps_alive_of("HTTP/1.1 200 OK", "Connection: keep-alive, close\r\n"));
    }

    #[test]
    fn http_1_0_closes_unless_told_to_stay_open() {
        let line = "GET / HTTP/1.0";
        assert!(!keeps_alive_of(line, ""));
        assert!(keeps_alive_of(line, "Connection: Keep-Alive\r\n"));
        assert!(!keeps_alive_of(line, "Connection: keep-alive\r\nConnection: close\r\n"));
        assert!(!keeps_alive_of("HTTP/1.0 200 OK", ""));
    }
}
