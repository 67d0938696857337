//! Heads of requests and responses: bytes in, offsets out (RFC 9112 sections 2 to 5).
//!
//! Each call is given all bytes since the head's start. The index remembers the lines that were
//! understood, and which bytes may follow in the line after them without changing anything; only
//! other bytes have that line read again. A line has a handful of such places, so a head that
//! trickles in byte by byte costs a small multiple of its length, not its square.
//!
//! Whether bytes are refused, and for what, depends on the bytes alone and not on how they were
//! cut: limits are checked against a window over the bytes, and a fault is the first in the window.

use crate::http::field::{FieldId, FieldSet};
use crate::http::h1::field_line::{self, Line, Tail};
use crate::http::h1::start_line::{self, First};
use crate::http::head::{
    ConnectionOptions, Expects, Form, HeadIndex, Slot, Start, Version, list, offset,
};
use crate::http::target;
use crate::limits;
use crate::simd::{self, Class, Operation, Scan};

pub use crate::http::h1::error::ParseError;

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A head, and where it ends; what follows is the body or the next message.
    Complete {
        /// Bytes of the head with its empty line, and with the line end before a request line.
        head_bytes: usize,
    },
    /// The beginning of a head. Call again with more bytes behind the same.
    Partial,
}

/// How large a head may be. Also held while it is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the first line without its end.
    pub request_line_bytes_max: usize,
    /// Number of fields.
    pub fields_count_max: usize,
    /// Bytes of all field lines with the empty line behind them.
    pub fields_bytes_max: usize,
}

impl Default for HeadLimits {
    fn default() -> HeadLimits {
        HeadLimits {
            request_line_bytes_max: limits::REQUEST_LINE_BYTES_MAX,
            fields_count_max: limits::FIELDS_COUNT_MAX,
            fields_bytes_max: limits::FIELDS_BYTES_MAX,
        }
    }
}

/// Reads a request's head. A complete index is cleared first.
///
/// # Errors
/// The rule that was broken: see [`ParseError`]. The index is of no use then but to be cleared.
pub fn request(
    bytes: &[u8],
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Parsed, ParseError> {
    simd::dispatch(Request { bytes, limits, index })
}

/// Reads a response's head; as [`request`].
///
/// # Errors
/// As [`request`].
pub fn response(
    bytes: &[u8],
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Parsed, ParseError> {
    simd::dispatch(Response { bytes, limits, index })
}

struct Request<'a> {
    bytes: &'a [u8],
    limits: &'a HeadLimits,
    index: &'a mut HeadIndex,
}

struct Response<'a> {
    bytes: &'a [u8],
    limits: &'a HeadLimits,
    index: &'a mut HeadIndex,
}

impl Operation for Request<'_> {
    type Output = Result<Parsed, ParseError>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Self::Output {
        let Request { bytes, limits, index } = self;
        begin(bytes, index);
        if index.progress.expects == Expects::StartLine {
            let Some(line_at) = skip_line_end(bytes)? else {
                return Ok(Parsed::Partial);
            };
            let read = |window: &[u8], start: &mut Start| {
                start_line::request(scan, window, line_at, start)
            };
            if !expect_start_line(bytes, limits, index, line_at, read)? {
                return Ok(Parsed::Partial);
            }
        }
        let Some(head_bytes) = expect_fields(scan, bytes, limits, index)? else {
            return Ok(Parsed::Partial);
        };
        check_connection(bytes, index)?;
        check_host(bytes, index)?;
        Ok(Parsed::Complete { head_bytes })
    }
}

impl Operation for Response<'_> {
    type Output = Result<Parsed, ParseError>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Self::Output {
        let Response { bytes, limits, index } = self;
        begin(bytes, index);
        if index.progress.expects == Expects::StartLine {
            let read =
                |window: &[u8], start: &mut Start| start_line::response(scan, window, 0, start);
            if !expect_start_line(bytes, limits, index, 0, read)? {
                return Ok(Parsed::Partial);
            }
        }
        let Some(head_bytes) = expect_fields(scan, bytes, limits, index)? else {
            return Ok(Parsed::Partial);
        };
        check_connection(bytes, index)?;
        Ok(Parsed::Complete { head_bytes })
    }
}

/// Clears an index that is not in the middle of these bytes.
#[inline(always)]
fn begin(bytes: &[u8], index: &mut HeadIndex) {
    let is_elsewhere = (index.progress.scanned as usize) > bytes.len();
    if index.is_complete() || is_elsewhere {
        index.clear();
    }
}

/// RFC 9112 section 2.2: one empty line before a request line is passed over, for clients that
/// send a line end behind a body. `None` when it may still be coming.
#[inline(always)]
fn skip_line_end(bytes: &[u8]) -> Result<Option<usize>, ParseError> {
    match bytes {
        [b'\r', b'\n', ..] => Ok(Some(2)),
        [b'\r'] => Ok(None),
        [b'\r', ..] => Err(ParseError::BareCr),
        [] | [_, ..] => Ok(Some(0)),
    }
}

/// Reads the first line at `line_at` with `read`; false when it is incomplete.
#[inline(always)]
fn expect_start_line(
    bytes: &[u8],
    limits: &HeadLimits,
    index: &mut HeadIndex,
    line_at: usize,
    read: impl FnOnce(&[u8], &mut Start) -> Result<First, ParseError>,
) -> Result<bool, ParseError> {
    let line_bytes_max = limits.request_line_bytes_max.min(limits::HEAD_PART_BYTES_CAP);
    let window = window(bytes, line_at, line_bytes_max + b"\r\n".len());
    if still_waits(window, bytes, index) {
        return Ok(false);
    }
    match read(window, &mut index.start)? {
        First::Next(next) => {
            index.progress.expects = Expects::FieldLine;
            index.progress.line_at = offset(next);
            index.progress.fields_at = offset(next);
            index.progress.tail = None;
            Ok(true)
        }
        // RFC 9112 section 3: a line that is too long is answered with 414.
        First::Partial(_) if window.len() < bytes.len() => Err(ParseError::StartLineTooLong),
        First::Partial(tail) => {
            wait(bytes, index, line_at, tail);
            Ok(false)
        }
    }
}

/// Reads field lines up to the empty line; `None` when they are incomplete.
#[inline(always)]
fn expect_fields<S: Scan>(
    scan: S,
    bytes: &[u8],
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Option<usize>, ParseError> {
    let fields_bytes_max = limits.fields_bytes_max.min(limits::HEAD_PART_BYTES_CAP);
    let window = window(bytes, index.progress.fields_at as usize, fields_bytes_max);
    if still_waits(window, bytes, index) {
        return Ok(None);
    }
    let mut at = index.progress.line_at as usize;
    loop {
        match field_line::read(scan, window, at)? {
            Line::Field { slot, next } => {
                push(slot, limits, index)?;
                at = next;
            }
            Line::End { next } => {
                index.progress.expects = Expects::Nothing;
                return Ok(Some(next));
            }
            // RFC 6585 section 5: fields that are too large are answered with 431.
            Line::Partial(_) if window.len() < bytes.len() => {
                return Err(ParseError::FieldsTooLarge);
            }
            Line::Partial(tail) => {
                wait(bytes, index, at, tail);
                return Ok(None);
            }
        }
    }
}

/// The bytes up to `part_bytes_max` behind `from`.
#[inline(always)]
fn window(bytes: &[u8], from: usize, part_bytes_max: usize) -> &[u8] {
    let end = from.saturating_add(part_bytes_max).min(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

/// Remembers where to go on.
fn wait(bytes: &[u8], index: &mut HeadIndex, line_at: usize, tail: Tail) {
    index.progress.line_at = offset(line_at);
    index.progress.scanned = offset(bytes.len());
    index.progress.tail = tail;
}

/// Whether reading the incomplete line again would give nothing new. A line that fills its window
/// is read again, to find out which fault comes first.
#[inline(always)]
fn still_waits(window: &[u8], bytes: &[u8], index: &mut HeadIndex) -> bool {
    match index.progress.tail {
        Some(class) if window.len() == bytes.len() => only_more_of(class, bytes, index),
        Some(_) | None => false,
    }
}

#[cold]
fn only_more_of(class: Class, bytes: &[u8], index: &mut HeadIndex) -> bool {
    let scanned = index.progress.scanned as usize;
    let goes_on = simd::end_of(class, bytes, scanned) == bytes.len();
    if goes_on {
        index.progress.scanned = offset(bytes.len());
    } else {
        index.progress.tail = None;
    }
    goes_on
}

#[inline(always)]
fn push(slot: Slot, limits: &HeadLimits, index: &mut HeadIndex) -> Result<(), ParseError> {
    if index.fields.len() >= limits.fields_count_max {
        return Err(ParseError::FieldsTooMany);
    }
    if index.known.contains(slot.id) {
        index.repeated.insert(slot.id);
    }
    index.known.insert(slot.id);
    index.fields.push(slot);
    Ok(())
}

/// RFC 9112 section 3.2: one `Host`, present in HTTP/1.1, host and port.
#[inline(always)]
fn check_host(bytes: &[u8], index: &mut HeadIndex) -> Result<(), ParseError> {
    if index.repeated.contains(FieldId::Host) {
        return Err(ParseError::HostRepeated);
    }
    let Some(slot) = index.fields.iter().find(|slot| slot.id == FieldId::Host) else {
        return match index.start.version {
            Version::Http11 => Err(ParseError::HostMissing),
            Version::Http10 => Ok(()),
        };
    };
    if !target::authority_is_valid(slot.value(bytes)) {
        return Err(ParseError::HostInvalid);
    }
    // RFC 9112 section 3.2.2: the authority of an absolute target wins.
    if index.start.form != Form::Absolute {
        index.start.authority = Some(slot.value_span());
    }
    Ok(())
}

/// Reads the options of `Connection`, since they decide what else is dropped (RFC 9110 section
/// 7.6.1).
#[inline(always)]
fn check_connection(bytes: &[u8], index: &mut HeadIndex) -> Result<(), ParseError> {
    if index.known.contains(FieldId::Connection) { read_connection(bytes, index) } else { Ok(()) }
}

fn read_connection(bytes: &[u8], index: &mut HeadIndex) -> Result<(), ParseError> {
    let mut options = ConnectionOptions::default();
    let mut listed = FieldSet::EMPTY;
    let mut options_count = 0;
    for option in index.all(bytes, FieldId::Connection).flat_map(list) {
        options_count += 1;
        let is_token = option.iter().all(|byte| Class::Token.holds(*byte));
        if !is_token || options_count > limits::CONNECTION_OPTIONS_COUNT_MAX {
            return Err(ParseError::ConnectionInvalid);
        }
        match FieldId::of(option) {
            FieldId::KeepAlive => options.keep_alive = true,
            FieldId::Upgrade => options.upgrade = true,
            FieldId::Other if option.eq_ignore_ascii_case(b"close") => options.close = true,
            FieldId::Other => options.others = true,
            id => listed.insert(id),
        }
    }
    index.connection = options;
    index.listed = listed;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::{RequestHead, ResponseHead};
    use crate::http::method::Method;
    use crate::http::status::Status;

    const CURL: &[u8] =
        b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl\r\nAccept: */*\r\n\r\n";

    fn parse_with(limits: &HeadLimits, bytes: &[u8]) -> Result<Parsed, ParseError> {
        request(bytes, limits, &mut HeadIndex::new())
    }

    fn fault(bytes: &[u8]) -> ParseError {
        parse_with(&HeadLimits::default(), bytes).unwrap_err()
    }

    #[test]
    fn gives_the_facts_of_a_request() {
        let mut index = HeadIndex::new();
        let parsed = request(CURL, &HeadLimits::default(), &mut index);
        assert_eq!(parsed, Ok(Parsed::Complete { head_bytes: CURL.len() }));
        let head = RequestHead::new(CURL, &index);
        assert_eq!(head.method(), Method::GET);
        assert_eq!(head.version(), Version::Http11);
        assert_eq!(head.target(), b"/a?b=c");
        assert_eq!(head.path(), b"/a");
        assert_eq!(head.query(), Some(&b"b=c"[..]));
        assert_eq!(head.authority(), Some(&b"a.example"[..]));
        assert_eq!(head.first(FieldId::UserAgent), Some(&b"curl"[..]));
        assert_eq!(head.first(FieldId::Cookie), None);
        assert_eq!(head.fields().count(), 3);
    }

    #[test]
    fn gives_the_facts_of_a_response() {
        let bytes = b"HTTP/1.0 404 Not here\r\nSet-Cookie: a\r\nX: y\r\nSet-Cookie: b\r\n\r\nbody";
        let mut index = HeadIndex::new();
        let parsed = response(bytes, &HeadLimits::default(), &mut index);
        assert_eq!(parsed, Ok(Parsed::Complete { head_bytes: bytes.len() - 4 }));
        let head = ResponseHead::new(bytes, &index);
        assert_eq!(head.version(), Version::Http10);
        assert_eq!(head.status(), Status::NOT_FOUND);
        assert_eq!(head.reason(), b"Not here");
        let cookies: Vec<_> = head.all(FieldId::SetCookie).collect();
        assert_eq!(cookies, [b"a", b"b"]);
    }

    #[test]
    fn a_complete_index_begins_anew() {
        let mut index = HeadIndex::new();
        request(CURL, &HeadLimits::default(), &mut index).unwrap();
        let next = b"PUT /z HTTP/1.0\r\n\r\n";
        request(next, &HeadLimits::default(), &mut index).unwrap();
        let head = RequestHead::new(next, &index);
        assert_eq!(head.method(), Method::PUT);
        assert_eq!(head.authority(), None);
        assert_eq!(head.query(), None);
        assert_eq!(index.fields_count(), 0);
    }

    #[test]
    fn tells_partial_from_untouched_and_complete() {
        let mut index = HeadIndex::new();
        assert!(!index.is_partial());
        request(&CURL[..20], &HeadLimits::default(), &mut index).unwrap();
        assert!(index.is_partial());
        request(CURL, &HeadLimits::default(), &mut index).unwrap();
        assert!(index.is_complete());
        assert!(!index.is_partial());
    }

    #[test]
    fn fewer_bytes_than_before_begin_anew() {
        let mut index = HeadIndex::new();
        request(&CURL[..60], &HeadLimits::default(), &mut index).unwrap();
        let other = b"GET / HTTP/1.0\r\n\r\n";
        let parsed = request(other, &HeadLimits::default(), &mut index);
        assert_eq!(parsed, Ok(Parsed::Complete { head_bytes: other.len() }));
    }

    #[test]
    fn a_view_of_other_bytes_reads_as_empty_and_does_not_panic() {
        let mut index = HeadIndex::new();
        request(CURL, &HeadLimits::default(), &mut index).unwrap();
        let head = RequestHead::new(b"GET", &index);
        assert_eq!(head.target(), b"");
        assert_eq!(head.first(FieldId::Host), Some(&b""[..]));
    }

    #[test]
    fn a_known_index_keeps_memory_for_64_fields() {
        let mut index = HeadIndex::new();
        let limits = HeadLimits { fields_count_max: 1000, ..HeadLimits::default() };
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(900));
        request(bytes.as_bytes(), &limits, &mut index).unwrap();
        index.clear();
        assert!(index.fields.capacity() <= limits::FIELDS_KEPT_COUNT);
        assert!(index.fields.capacity() > 0);
    }

    #[test]
    fn a_request_line_at_its_limit_passes_and_one_byte_more_does_not() {
        let limits = HeadLimits { request_line_bytes_max: 16, ..HeadLimits::default() };
        let passes = parse_with(&limits, b"GET /aa HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(matches!(passes, Ok(Parsed::Complete { .. })));
        let refused = parse_with(&limits, b"GET /aaa HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(refused, Err(ParseError::StartLineTooLong));
    }

    #[test]
    fn a_request_line_without_end_is_refused_at_its_limit() {
        let limits = HeadLimits { request_line_bytes_max: 16, ..HeadLimits::default() };
        assert_eq!(parse_with(&limits, &[b"GET /", &[b'a'; 13][..]].concat()), Ok(Parsed::Partial));
        let refused = parse_with(&limits, &[b"GET /", &[b'a'; 14][..]].concat());
        assert_eq!(refused, Err(ParseError::StartLineTooLong));
    }

    #[test]
    fn fields_at_their_limit_pass_and_one_byte_more_does_not() {
        let limits = HeadLimits { fields_bytes_max: 11, ..HeadLimits::default() };
        let passes = parse_with(&limits, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody");
        assert!(matches!(passes, Ok(Parsed::Complete { .. })));
        let refused = parse_with(&limits, b"GET / HTTP/1.1\r\nHost: ab\r\n\r\n");
        assert_eq!(refused, Err(ParseError::FieldsTooLarge));
    }

    #[test]
    fn fields_at_their_count_pass_and_one_more_does_not() {
        let limits = HeadLimits { fields_count_max: 2, ..HeadLimits::default() };
        let passes = parse_with(&limits, b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
        assert!(matches!(passes, Ok(Parsed::Complete { .. })));
        let refused = parse_with(&limits, b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\n\r\n");
        assert_eq!(refused, Err(ParseError::FieldsTooMany));
    }

    #[test]
    fn a_line_of_64_kib_is_refused_whatever_the_limit() {
        let limits = HeadLimits { fields_bytes_max: 1 << 20, ..HeadLimits::default() };
        let with_value = |bytes_count: usize| {
            format!("GET / HTTP/1.0\r\nX: {}\r\n\r\n", "y".repeat(bytes_count))
        };
        let passes = parse_with(&limits, with_value(65_535).as_bytes());
        assert!(matches!(passes, Ok(Parsed::Complete { .. })));
        let refused = parse_with(&limits, with_value(65_536).as_bytes());
        assert_eq!(refused, Err(ParseError::FieldsTooLarge));
    }

    #[test]
    fn limits_without_bound_do_not_overflow() {
        let limits = HeadLimits {
            request_line_bytes_max: usize::MAX,
            fields_count_max: usize::MAX,
            fields_bytes_max: usize::MAX,
        };
        assert!(matches!(parse_with(&limits, CURL), Ok(Parsed::Complete { .. })));
    }

    #[test]
    fn each_fault_has_its_name() {
        let faults: [(&[u8], ParseError); 14] = [
            (b"G@T / HTTP/1.1\r\n", ParseError::MethodInvalid),
            (b"CONNECT a:1 HTTP/1.1\r\n", ParseError::MethodUnsupported),
            (b"GET /# HTTP/1.1\r\n", ParseError::TargetInvalid),
            (b"GET ftp://a/ HTTP/1.1\r\n", ParseError::SchemeUnsupported),
            (b"GET http://a@b/ HTTP/1.1\r\n", ParseError::AuthorityInvalid),
            (b"GET / HTTP/x", ParseError::VersionInvalid),
            (b"GET / HTTP/3.0\r\n", ParseError::VersionUnsupported),
            (b"GET / HTTP/1.1\n", ParseError::BareLf),
            (b"GET / HTTP/1.1\rx", ParseError::BareCr),
            (b"GET / HTTP/1.1\r\n x", ParseError::Folded),
            (b"GET / HTTP/1.1\r\nA :", ParseError::SpaceBeforeColon),
            (b"GET / HTTP/1.1\r\n:", ParseError::NameInvalid),
            (b"GET / HTTP/1.1\r\nA: \x01", ParseError::ValueInvalid),
            (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ParseError::HostInvalid),
        ];
        for (bytes, expected) in faults {
            assert_eq!(fault(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn connection_tells_what_it_asks_for() {
        let bytes = b"GET / HTTP/1.0\r\nConnection: Upgrade, x-hop, ,cookie\r\n\r\n";
        let mut index = HeadIndex::new();
        request(bytes, &HeadLimits::default(), &mut index).unwrap();
        let options = RequestHead::new(bytes, &index).connection();
        assert!(options.upgrade);
        assert!(options.others);
        assert!(!options.close);
        assert!(!options.keep_alive);
        assert!(index.listed.contains(FieldId::Cookie));
    }

    #[test]
    fn trailers_are_wanted_by_a_member_of_te() {
        let wants = |te: &str| {
            let bytes = format!("GET / HTTP/1.0\r\nTE: {te}\r\n\r\n");
            let mut index = HeadIndex::new();
            request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
            RequestHead::new(bytes.as_bytes(), &index).accepts_trailers()
        };
        assert!(wants("trailers"));
        assert!(wants("gzip;q=0.5, Trailers"));
        assert!(!wants("gzip"));
        assert!(!wants(""));
    }
}
