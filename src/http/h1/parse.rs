//! Heads of requests and responses: bytes in, offsets out (RFC 9112 sections 2 to 5).
//!
//! Each call is given all bytes since the head's start. The index remembers the lines that were
//! understood, and which bytes may follow in the line after them without changing anything; only
//! other bytes have that line read again. A line has a handful of such places, so a head that
//! trickles in byte by byte costs a small multiple of its length, not its square.
//!
//! Whether bytes are refused, and for what, depends on the bytes alone and not on how they were cut:
//! limits are checked against a window over the bytes, and a fault is the first in the window.

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
            let read = |window: &[u8], start: &mut Start| {
                start_line::response(scan, window, 0, start)
            };
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
