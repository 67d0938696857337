//! One field line: `name ":" OWS value OWS CRLF` (RFC 9112 section 5).

use crate::http::field::FieldId;
use crate::http::h1::error::ParseError;
use crate::http::head::{Slot, offset};
use crate::simd::{Class, Scan};

/// What was found at the start of a line.
pub(crate) enum Line {
    /// A field; the next line starts at `next`.
    Field { slot: Slot, next: usize },
    /// The empty line that ends the section.
    End { next: usize },
    /// The bytes end within the line.
    Partial(Tail),
}

/// How an incomplete line goes on: while bytes of this class follow, reading it again gives nothing
/// new. `None` where any byte matters; such places are a few bytes long.
pub(crate) type Tail = Option<Class>;

/// Reads the line at `start`. Errors are found at the earliest byte that makes them certain, so
/// that they do not depend on how the bytes arrived.
#[inline(always)]
pub(crate) fn read<S: Scan>(scan: S, bytes: &[u8], start: usize) -> Result<Line, ParseError> {
    if let Some(b'\r') = bytes.get(start) {
        return end(bytes, start);
    }
    let name_end = scan.end_of(Class::Token, bytes, start);
    let Some(after_name) = bytes.get(name_end) else {
        return Ok(Line::Partial(Some(Class::Token)));
    };
    if *after_name != b':' || name_end == start {
        return not_a_name(bytes, start, name_end);
    }
    let mut value_start = name_end + 1;
    while let Some(b' ' | b'\t') = bytes.get(value_start) {
        value_start += 1;
    }
    let line_end = scan.end_of(Class::Value, bytes, value_start);
    match bytes.get(line_end..) {
        Some([b'\r', b'\n', ..]) => {}
        Some([]) | None => return Ok(Line::Partial(Some(Class::Value))),
        Some([b'\r']) => return Ok(Line::Partial(None)),
        Some([stop, ..]) => return Err(control_error(*stop)),
    }
    let mut value_end = line_end;
    while value_end > value_start && matches!(bytes.get(value_end - 1), Some(b' ' | b'\t')) {
        value_end -= 1;
    }
    let name = bytes.get(start..name_end).unwrap_or_default();
    let one_space = value_start == name_end + 2 && bytes.get(name_end + 1) == Some(&b' ');
    let slot = Slot {
        line_start: offset(start),
        name_bytes: short(name_end - start)?,
        value_offset: short(value_start - start)?,
        value_bytes: short(value_end - value_start)?,
        id: FieldId::of(name),
        canonical: one_space && value_end == line_end,
    };
    Ok(Line::Field { slot, next: line_end + 2 })
}

/// A line of 64 KiB and more does not fit the index, whatever the configured limit.
#[inline(always)]
fn short(bytes_count: usize) -> Result<u16, ParseError> {
    u16::try_from(bytes_count).map_err(|_| ParseError::FieldsTooLarge)
}

#[inline(always)]
fn end(bytes: &[u8], start: usize) -> Result<Line, ParseError> {
    match bytes.get(start + 1) {
        Some(b'\n') => Ok(Line::End { next: start + 2 }),
        Some(_) => Err(ParseError::BareCr),
        None => Ok(Line::Partial(None)),
    }
}

/// The line does not begin with a name and a colon: which fault.
#[cold]
fn not_a_name(bytes: &[u8], start: usize, name_end: usize) -> Result<Line, ParseError> {
    let rest = bytes.get(name_end..).unwrap_or_default();
    if name_end == start {
        return match rest {
            [b'\n', ..] => Err(ParseError::BareLf),
            // RFC 9112 section 5.2: a server refuses folded lines, or may join them. Joining
            // changes what the next reader sees. RFC 9112 section 2.2: likewise before the first.
            [b' ' | b'\t', ..] => Err(ParseError::Folded),
            [_, ..] | [] => Err(ParseError::NameInvalid),
        };
    }
    match rest {
        // RFC 9112 section 5.1: no whitespace between name and colon; 400.
        [b' ' | b'\t', ..] => Err(ParseError::SpaceBeforeColon),
        // A line without a colon is no field, however it ends.
        [_, ..] | [] => Err(ParseError::NameInvalid),
    }
}

/// The fault of a byte that may not stand in a value and does not begin a CRLF.
#[cold]
pub(crate) fn control_error(stop: u8) -> ParseError {
    match stop {
        b'\r' => ParseError::BareCr,
        b'\n' => ParseError::BareLf,
        _ => ParseError::ValueInvalid,
    }
}
