//! The first line of a head (RFC 9112 sections 3 and 4).

use crate::http::h1::error::ParseError;
use crate::http::h1::field_line::{Tail, control_error};
use crate::http::head::{Form, Span, Start, Version};
use crate::http::method::Method;
use crate::http::status::Status;
use crate::http::target;
use crate::limits::METHOD_BYTES_MAX;
use crate::simd::{Class, Scan};

/// What became of a first line.
pub(crate) enum First {
    /// It is understood, and the next line starts there.
    Next(usize),
    /// The bytes end within the line.
    Partial(Tail),
}

/// Reads `method SP target SP version CRLF` at `at`.
#[inline(always)]
pub(crate) fn request<S: Scan>(
    scan: S,
    bytes: &[u8],
    at: usize,
    start: &mut Start,
) -> Result<First, ParseError> {
    let method_end = scan.end_of(Class::Token, bytes, at);
    // RFC 9112 section 3: a method longer than any that is known is answered with 501.
    if method_end - at > METHOD_BYTES_MAX {
        return Err(ParseError::MethodTooLong);
    }
    match bytes.get(method_end) {
        Some(b' ') => {}
        Some(b'\n') => return Err(ParseError::BareLf),
        Some(_) => return Err(ParseError::MethodInvalid),
        None => return Ok(First::Partial(None)),
    }
    let token = bytes.get(at..method_end).unwrap_or_default();
    start.method = Method::from_token(token).ok_or(ParseError::MethodInvalid)?;
    // RFC 9110 section 9.3.6: a tunnel is nothing that a gateway to origins makes.
    if start.method == Method::CONNECT {
        return Err(ParseError::MethodUnsupported);
    }
    let target_start = method_end + 1;
    let target_end = scan.end_of(Class::Target, bytes, target_start);
    match bytes.get(target_end) {
        Some(b' ') if target_end > target_start => {}
        Some(b'\n') => return Err(ParseError::BareLf),
        // Also HTTP/0.9, which has no version.
        Some(b'\r') if target_end > target_start => return Err(ParseError::VersionInvalid),
        Some(_) => return Err(ParseError::TargetInvalid),
        None => return Ok(First::Partial(Some(Class::Target))),
    }
    // RFC 9112 section 3: exactly one space; a reader that takes more sees another target.
    let Some(version) = version(bytes, target_end + 1)? else {
        return Ok(First::Partial(None));
    };
    start.version = version;
    let Some(next) = line_end(bytes, target_end + 1 + VERSION_BYTES)? else {
        return Ok(First::Partial(None));
    };
    start.text = Span::new(target_start, target_end);
    take_target_apart(bytes, target_start, target_end, start)?;
    Ok(First::Next(next))
}

/// Reads `version SP status [SP reason] CRLF` at `at`; as [`request`].
#[inline(always)]
pub(crate) fn response<S: Scan>(
    scan: S,
    bytes: &[u8],
    at: usize,
    start: &mut Start,
) -> Result<First, ParseError> {
    let Some(version) = version(bytes, at)? else {
        return Ok(First::Partial(None));
    };
    start.version = version;
    let status_at = at + VERSION_BYTES;
    let rest = bytes.get(status_at..).unwrap_or_default();
    let Some((status, after_status)) = rest.split_first_chunk::<4>() else {
        return Ok(First::Partial(None));
    };
    let &[b' ', hundreds, tens, ones] = status else {
        return Err(ParseError::StatusLineInvalid);
    };
    let digits = [hundreds, tens, ones];
    start.status = Status::from_digits(digits).ok_or(ParseError::StatusLineInvalid)?;
    let status_end = status_at + 4;
    let reason_start = match after_status {
        // RFC 9112 section 4: the space is there also before an empty reason; some upstreams leave
        // it out, and nothing can be read differently without it.
        [b'\r', ..] => status_end,
        [b' ', ..] => status_end + 1,
        [b'\n', ..] => return Err(ParseError::BareLf),
        [_, ..] => return Err(ParseError::StatusLineInvalid),
        [] => return Ok(First::Partial(None)),
    };
    let reason_end = scan.end_of(Class::Value, bytes, reason_start);
    start.text = Span::new(reason_start, reason_end);
    match bytes.get(reason_end..) {
        Some([b'\r', b'\n', ..]) => Ok(First::Next(reason_end + 2)),
        Some([]) | None => Ok(First::Partial(Some(Class::Value))),
        Some([b'\r']) => Ok(First::Partial(None)),
        Some([stop, ..]) => Err(control_error(*stop)),
    }
}

const VERSION_BYTES: usize = 8;

/// RFC 9112 section 2.3: `HTTP/` in upper case, a digit, a dot, a digit.
#[inline(always)]
fn version(bytes: &[u8], at: usize) -> Result<Option<Version>, ParseError> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk::<VERSION_BYTES>() {
        Some(b"HTTP/1.1") => Ok(Some(Version::Http11)),
        Some(b"HTTP/1.0") => Ok(Some(Version::Http10)),
        Some(_) | None => unknown_version(rest),
    }
}

#[cold]
fn unknown_version(rest: &[u8]) -> Result<Option<Version>, ParseError> {
    let shape = b"HTTP/";
    for (at, byte) in rest.iter().take(VERSION_BYTES).enumerate() {
        let is_valid = match shape.get(at) {
            Some(expected) => byte == expected,
            None if at == shape.len() + 1 => *byte == b'.',
            None => byte.is_ascii_digit(),
        };
        if !is_valid {
            return Err(ParseError::VersionInvalid);
        }
    }
    if rest.len() < VERSION_BYTES {
        return Ok(None);
    }
    // Also 1.2 to 1.9, which nobody has defined (RFC 9110 section 2.5).
    Err(ParseError::VersionUnsupported)
}

#[inline(always)]
fn line_end(bytes: &[u8], at: usize) -> Result<Option<usize>, ParseError> {
    match bytes.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] => Ok(Some(at + 2)),
        [] | [b'\r'] => Ok(None),
        [b'\r', ..] => Err(ParseError::BareCr),
        [b'\n', ..] => Err(ParseError::BareLf),
        [_, ..] => Err(ParseError::VersionInvalid),
    }
}

#[inline(always)]
fn take_target_apart(
    bytes: &[u8],
    from: usize,
    to: usize,
    start: &mut Start,
) -> Result<(), ParseError> {
    let target = bytes.get(from..to).unwrap_or_default();
    match target {
        [b'/', ..] => {
            start.form = Form::Origin;
            split_query(target, from, start);
            Ok(())
        }
        // RFC 9112 section 3.2.4: asterisk-form is for OPTIONS only.
        b"*" if start.method == Method::OPTIONS => {
            start.form = Form::Asterisk;
            start.path = Span::new(from, to);
            Ok(())
        }
        [..] => absolute(target, from, start),
    }
}

#[inline(always)]
fn split_query(path: &[u8], from: usize, start: &mut Start) {
    let to = from + path.len();
    match memchr::memchr(b'?', path) {
        Some(mark) => {
            start.path = Span::new(from, from + mark);
            start.query = Some(Span::new(from + mark + 1, to));
        }
        None => start.path = Span::new(from, to),
    }
}

/// RFC 9112 section 3.2.2: `http://authority[/path][?query]`.
#[cold]
fn absolute(target: &[u8], from: usize, start: &mut Start) -> Result<(), ParseError> {
    let scheme_bytes = memchr::memmem::find(target, b"://").ok_or(ParseError::TargetInvalid)?;
    let (scheme, rest) = target.split_at(scheme_bytes);
    if !scheme.eq_ignore_ascii_case(b"http") {
        return Err(scheme_error(scheme));
    }
    let rest = rest.strip_prefix(b"://").unwrap_or_default();
    let authority_bytes =
        rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_bytes);
    if !target::authority_is_valid(authority) {
        return Err(ParseError::AuthorityInvalid);
    }
    let authority_at = from + scheme_bytes + b"://".len();
    let path_at = authority_at + authority_bytes;
    start.form = Form::Absolute;
    start.authority = Some(Span::new(authority_at, path_at));
    split_query(path, path_at, start);
    Ok(())
}

fn scheme_error(scheme: &[u8]) -> ParseError {
    let first_is_letter = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    // RFC 9110 section 7.4: `https` must not be answered for over a connection without TLS.
    if first_is_letter && scheme.iter().all(is_scheme) {
        ParseError::SchemeUnsupported
    } else {
        ParseError::TargetInvalid
    }
}
