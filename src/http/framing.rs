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
