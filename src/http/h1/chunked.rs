//! The chunked transfer coding (RFC 9112 section 7.1): decoder and encoder.
//!
//! The decoder gives the ranges of data within what it was fed and keeps a few words of state, so
//! that input may be cut anywhere. Extensions are read over and never passed on.

use crate::http::field::{FieldId, FieldSet};
use crate::http::h1::error::ParseError;
use crate::http::h1::field_line::{self, Line};
use crate::http::head::Slot;
use crate::http::status::Status;
use crate::limits;
use crate::simd::{self, Class, Operation, Scan};
use std::ops::Range;

/// How much a chunked body may hold beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Bytes behind the size on one chunk-size line, the first semicolon and the line end apart.
    pub extension_bytes_max: usize,
    /// Bytes of all trailer lines, with the empty line behind them.
    pub trailer_bytes_max: usize,
}

impl Default for ChunkLimits {
    fn default() -> ChunkLimits {
        ChunkLimits {
            extension_bytes_max: limits::CHUNK_EXTENSION_BYTES_MAX,
            trailer_bytes_max: limits::TRAILER_BYTES_MAX,
        }
    }
}

/// Reads a chunked body piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    state: State,
    /// While `ExpectSize`: the size so far. While `ExpectData`: bytes of the chunk still to come.
    left_bytes: u64,
    /// Digits of the size; then bytes of extensions on this line; then bytes of trailers.
    counted: usize,
    /// Where the current trailer line starts in the caller's `trailers`.
    line_at: usize,
    limits: ChunkLimits,
}

/// What one call read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that are done with, data included.
    pub consumed: usize,
    /// What they were.
    pub event: Event,
}

/// What the decoder came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Data at this range of the input, not empty; its end is `consumed`. Call again with the rest.
    Data(Range<usize>),
    /// The whole input was consumed, and the body goes on.
    NeedMore,
    /// The body ended at `consumed`, and `trailers` holds whole lines.
    End,
}

/// The rule that a chunked body broke. The connection cannot be used any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// A size that is not hexadecimal digits alone: RFC 9112 section 7.1.
    SizeInvalid,
    /// A size above `i64::MAX`, or of more than 16 digits: RFC 9112 section 7.1.
    SizeTooLarge,
    /// A control byte in an extension, or a line that does not end with CRLF: RFC 9112 sections
    /// 2.2 and 7.1.1.
    ExtensionInvalid,
    /// Extensions longer than the limit: RFC 9112 section 7.1.1.
    ExtensionTooLarge,
    /// Data that is not followed by CRLF: RFC 9112 section 7.1.
    DataEndInvalid,
    /// A trailer line that is no field: RFC 9112 section 7.1.2.
    TrailerInvalid(ParseError),
    /// A trailer that would change framing or routing: RFC 9110 section 6.5.1.
    TrailerForbidden,
    /// Trailers longer than the limit: RFC 9110 section 6.5.
    TrailersTooLarge,
}

impl ChunkError {
    /// What a client that sent it is answered.
    pub const fn status(self) -> Status {
        match self {
            ChunkError::SizeInvalid
            | ChunkError::ExtensionInvalid
            | ChunkError::ExtensionTooLarge
            | ChunkError::DataEndInvalid
            | ChunkError::TrailerInvalid(_)
            | ChunkError::TrailerForbidden => Status::BAD_REQUEST,
            ChunkError::SizeTooLarge => Status::CONTENT_TOO_LARGE,
            ChunkError::TrailersTooLarge => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

/// What the next byte is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ExpectSize,
    /// Blanks behind the size, which only a semicolon may follow.
    ExpectSemicolon,
    ExpectExtension,
    ExpectSizeLf,
    ExpectData,
    ExpectDataCr,
    ExpectDataLf,
    ExpectTrailer,
    Ended,
}

/// Whether the state machine goes on with the next byte or has something to say.
enum Turn {
    Next(usize),
    Say(Step),
}

impl Decoder {
    /// A decoder at the start of a body.
    pub const fn new(limits: ChunkLimits) -> Decoder {
        Decoder { state: State::ExpectSize, left_bytes: 0, counted: 0, line_at: 0, limits }
    }

    /// Whether the body ended.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Reads on in `input`, up to the next piece of data, the body's end or the input's end.
    ///
    /// Trailers are appended to `trailers` as `Name: value` lines, each with its CRLF, framing and
    /// other fields that have no place there left out. Before [`Event::End`] the last line may be
    /// incomplete; the caller leaves `trailers` alone until then.
    ///
    /// # Errors
    /// The rule that was broken: see [`ChunkError`].
    pub fn decode(&mut self, input: &[u8], trailers: &mut Vec<u8>) -> Result<Step, ChunkError> {
        let mut at = 0;
        while at < input.len() && self.state != State::Ended {
            match self.turn(input, at, trailers)? {
                Turn::Next(next) => at = next,
                Turn::Say(step) => return Ok(step),
            }
        }
        let event = if self.state == State::Ended { Event::End } else { Event::NeedMore };
        Ok(Step { consumed: at, event })
    }

    fn turn(
        &mut self,
        input: &[u8],
        at: usize,
        trailers: &mut Vec<u8>,
    ) -> Result<Turn, ChunkError> {
        let Some(&byte) = input.get(at) else {
            return Ok(Turn::Next(at));
        };
        match self.state {
            State::ExpectSize => self.size(byte)?,
            State::ExpectSemicolon => self.semicolon(byte)?,
            State::ExpectExtension => return self.extension(input, at).map(Turn::Next),
            State::ExpectSizeLf => self.size_lf(byte, trailers.len())?,
            State::ExpectData => return Ok(Turn::Say(self.content(input, at))),
            State::ExpectDataCr => self.data_end(byte, b'\r', State::ExpectDataLf)?,
            State::ExpectDataLf => self.data_end(byte, b'\n', State::ExpectSize)?,
            State::ExpectTrailer => return self.trailer(input, at, trailers).map(Turn::Next),
            State::Ended => return Ok(Turn::Next(at)),
        }
        Ok(Turn::Next(at + 1))
    }

    /// RFC 9112 section 7.1: `1*HEXDIG`. No sign, no `0x`, no space before it; overflow is checked
    /// as the section asks.
    fn size(&mut self, byte: u8) -> Result<(), ChunkError> {
        if let Some(digit) = hex_digit(byte) {
            // Sixteen digits fit into 64 bits, so the shift loses nothing.
            if self.counted == SIZE_DIGITS_MAX {
                return Err(ChunkError::SizeTooLarge);
            }
            self.counted += 1;
            self.left_bytes = self.left_bytes << 4 | u64::from(digit);
            return Ok(());
        }
        if self.counted == 0 {
            return Err(ChunkError::SizeInvalid);
        }
        if i64::try_from(self.left_bytes).is_err() {
            return Err(ChunkError::SizeTooLarge);
        }
        self.counted = 0;
        self.state = match byte {
            b'\r' => State::ExpectSizeLf,
            b';' => State::ExpectExtension,
            b' ' | b'\t' => {
                self.count(1, self.limits.extension_bytes_max, TOO_LARGE)?;
                State::ExpectSemicolon
            }
            _ => return Err(ChunkError::SizeInvalid),
        };
        Ok(())
    }

    /// RFC 9112 section 7.1.1: blanks may stand before the semicolon, and nowhere else.
    fn semicolon(&mut self, byte: u8) -> Result<(), ChunkError> {
        match byte {
            b' ' | b'\t' => self.count(1, self.limits.extension_bytes_max, TOO_LARGE),
            b';' => {
                self.state = State::ExpectExtension;
                Ok(())
            }
            _ => Err(ChunkError::SizeInvalid),
        }
    }

    /// RFC 9112 section 7.1.1: unknown extensions are ignored, and their amount is limited. The
    /// line ends with CRLF only: a reader that ends it at a line feed sees another chunk.
    fn extension(&mut self, input: &[u8], at: usize) -> Result<usize, ChunkError> {
        let end = simd::end_of(Class::Value, input, at);
        self.count(end - at, self.limits.extension_bytes_max, TOO_LARGE)?;
        match input.get(end) {
            None => Ok(end),
            Some(b'\r') => {
                self.state = State::ExpectSizeLf;
                Ok(end + 1)
            }
            Some(_) => Err(ChunkError::ExtensionInvalid),
        }
    }

    fn size_lf(&mut self, byte: u8, trailers_bytes: usize) -> Result<(), ChunkError> {
        // RFC 9112 section 2.2: a carriage return alone is invalid.
        if byte != b'\n' {
            return Err(ChunkError::ExtensionInvalid);
        }
        self.counted = 0;
        if self.left_bytes == 0 {
            self.line_at = trailers_bytes;
            self.state = State::ExpectTrailer;
        } else {
            self.state = State::ExpectData;
        }
        Ok(())
    }

    fn content(&mut self, input: &[u8], at: usize) -> Step {
        let available = input.len() - at;
        // What is left may not fit into a usize of 32 bits; the minimum with a length does.
        let left = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        let end = at + available.min(left);
        // A length fits into 64 bits on every machine.
        self.left_bytes -= (end - at) as u64;
        if self.left_bytes == 0 {
            self.state = State::ExpectDataCr;
        }
        Step { consumed: end, event: Event::Data(at..end) }
    }

    fn data_end(&mut self, byte: u8, expected: u8, next: State) -> Result<(), ChunkError> {
        if byte != expected {
            return Err(ChunkError::DataEndInvalid);
        }
        self.state = next;
        Ok(())
    }

    /// Gathers a line in `trailers` and judges it when it is whole.
    fn trailer(
        &mut self,
        input: &[u8],
        at: usize,
        trailers: &mut Vec<u8>,
    ) -> Result<usize, ChunkError> {
        let rest = input.get(at..).unwrap_or_default();
        let line_end = memchr::memchr(b'\n', rest).map(|feed| feed + 1);
        let part = rest.get(..line_end.unwrap_or(rest.len())).unwrap_or_default();
        let limit = self.limits.trailer_bytes_max;
        self.count(part.len(), limit, ChunkError::TrailersTooLarge)?;
        trailers.extend_from_slice(part);
        if line_end.is_some() && self.trailer_line(trailers)? {
            self.state = State::Ended;
        }
        Ok(at + part.len())
    }

    /// Judges the line at `line_at`; true when it is the empty line.
    fn trailer_line(&mut self, trailers: &mut Vec<u8>) -> Result<bool, ChunkError> {
        let line = trailers.get(self.line_at..).unwrap_or_default();
        let slot = match simd::dispatch(ReadLine { line }).map_err(ChunkError::TrailerInvalid)? {
            Line::Field { slot, .. } => slot,
            Line::End { .. } => {
                trailers.truncate(self.line_at);
                return Ok(true);
            }
            // The line ends with a line feed, so it is whole or wrong.
            Line::Partial(_) => return Err(ChunkError::TrailerInvalid(ParseError::BareLf)),
        };
        // RFC 9110 section 6.5.1: these are never sent honestly as trailers, and a neighbour that
        // merges trailers into the head would frame or route by them.
        if REFUSED_TRAILERS.contains(slot.id) {
            return Err(ChunkError::TrailerForbidden);
        }
        if is_dropped(&slot, line) {
            trailers.truncate(self.line_at);
        } else if !slot.canonical {
            let name = self.line_at..self.line_at + usize::from(slot.name_bytes);
            let value_at = self.line_at + usize::from(slot.value_offset);
            let value = value_at..value_at + usize::from(slot.value_bytes);
            let raw = self.line_at..trailers.len();
            trailers.extend_from_within(name);
            trailers.extend_from_slice(b": ");
            trailers.extend_from_within(value);
            trailers.extend_from_slice(b"\r\n");
            trailers.drain(raw);
        }
        self.line_at = trailers.len();
        Ok(false)
    }

    fn count(&mut self, bytes: usize, max: usize, error: ChunkError) -> Result<(), ChunkError> {
        self.counted += bytes;
        if self.counted > max { Err(error) } else { Ok(()) }
    }
}

/// Appends `1f4\r\n` for a chunk of 500 bytes. The data and another CRLF follow it; a body ends
/// with [`LAST_CHUNK`], trailers and CRLF.
pub fn encode_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    let mut digits = [0u8; SIZE_DIGITS_MAX + 2];
    let mut rest = bytes;
    let mut at = SIZE_DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[rest & 0xf];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    digits[SIZE_DIGITS_MAX..].copy_from_slice(b"\r\n");
    out.extend_from_slice(&digits[at..]);
}

/// The chunk of size 0. Trailer lines may follow, and an empty line must.
pub const LAST_CHUNK: &[u8] = b"0\r\n";

/// A whole end of a body without trailers.
pub const LAST_CHUNK_AND_END: &[u8] = b"0\r\n\r\n";

/// Trailers that no honest sender sends: RFC 9110 section 6.5.1, message framing and routing.
pub const REFUSED_TRAILERS: FieldSet =
    FieldSet::of(&[FieldId::ContentLength, FieldId::TransferEncoding, FieldId::Host]);

/// Trailers that are left out: RFC 9110 section 6.5.1 names framing, routing, authentication,
/// request modifiers, response controls and content format; with the fields that the gateway writes
/// itself, which a merging neighbour would take for its.
pub const DROPPED_TRAILERS: FieldSet = FieldSet::of(&[
    FieldId::Connection,
    FieldId::KeepAlive,
    FieldId::ProxyConnection,
    FieldId::Te,
    FieldId::Trailer,
    FieldId::Upgrade,
    FieldId::Http2Settings,
    FieldId::Expect,
    FieldId::MaxForwards,
    FieldId::CacheControl,
    FieldId::Pragma,
    FieldId::Range,
    FieldId::IfMatch,
    FieldId::IfNoneMatch,
    FieldId::IfModifiedSince,
    FieldId::IfUnmodifiedSince,
    FieldId::IfRange,
    FieldId::Authorization,
    FieldId::ProxyAuthorization,
    FieldId::ProxyAuthenticate,
    FieldId::WwwAuthenticate,
    FieldId::AuthenticationInfo,
    FieldId::ProxyAuthenticationInfo,
    FieldId::Cookie,
    FieldId::SetCookie,
    FieldId::Age,
    FieldId::Date,
    FieldId::Expires,
    FieldId::Location,
    FieldId::RetryAfter,
    FieldId::Vary,
    FieldId::Warning,
    FieldId::ContentEncoding,
    FieldId::ContentType,
    FieldId::ContentRange,
    FieldId::Via,
    FieldId::Forwarded,
    FieldId::XForwardedFor,
    FieldId::XForwardedProto,
    FieldId::XForwardedHost,
    FieldId::XForwardedPort,
    FieldId::XForwardedServer,
    FieldId::XForwardedScheme,
    FieldId::XRealIp,
    FieldId::FrysExplain,
]);

/// Whether a trailer is left out, also where `_` stands for `-` in the name of one that is, or of
/// one that is refused: CGI and its heirs cannot tell the two.
fn is_dropped(slot: &Slot, line: &[u8]) -> bool {
    match slot.id {
        FieldId::Other => {
            let name = line.get(..usize::from(slot.name_bytes)).unwrap_or_default();
            DROPPED_TRAILERS.union(REFUSED_TRAILERS).contains(FieldId::of_twin(name))
        }
        known => DROPPED_TRAILERS.contains(known),
    }
}

/// Sixteen hexadecimal digits are 64 bits.
const SIZE_DIGITS_MAX: usize = 16;

const TOO_LARGE: ChunkError = ChunkError::ExtensionTooLarge;

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

struct ReadLine<'a> {
    line: &'a [u8],
}

impl Operation for ReadLine<'_> {
    type Output = Result<Line, ParseError>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Self::Output {
        field_line::read(scan, self.line, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(limits: ChunkLimits, input: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ChunkError> {
        let mut decoder = Decoder::new(limits);
        let (mut data, mut trailers) = (Vec::new(), Vec::new());
        let mut rest = input;
        loop {
            let step = decoder.decode(rest, &mut trailers)?;
            match step.event {
                Event::Data(range) => data.extend_from_slice(&rest[range]),
                Event::NeedMore | Event::End => return Ok((data, trailers)),
            }
            rest = &rest[step.consumed..];
        }
    }

    #[test]
    fn gives_ranges_of_data_and_the_end() {
        let input = b"3\r\nabc\r\n0\r\n\r\nrest";
        let mut decoder = Decoder::new(ChunkLimits::default());
        let mut trailers = Vec::new();
        let step = decoder.decode(input, &mut trailers).unwrap();
        assert_eq!(step, Step { consumed: 6, event: Event::Data(3..6) });
        let step = decoder.decode(&input[6..], &mut trailers).unwrap();
        assert_eq!(step, Step { consumed: 7, event: Event::End });
        assert!(decoder.is_ended());
        let step = decoder.decode(b"more", &mut trailers).unwrap();
        assert_eq!(step, Step { consumed: 0, event: Event::End });
    }

    #[test]
    fn an_input_without_an_end_is_consumed_whole() {
        let mut decoder = Decoder::new(ChunkLimits::default());
        let step = decoder.decode(b"1f", &mut Vec::new()).unwrap();
        assert_eq!(step, Step { consumed: 2, event: Event::NeedMore });
        let step = decoder.decode(b"", &mut Vec::new()).unwrap();
        assert_eq!(step, Step { consumed: 0, event: Event::NeedMore });
    }

    #[test]
    fn extensions_at_their_limit_pass_and_one_byte_more_does_not() {
        let limits = ChunkLimits { extension_bytes_max: 3, ..ChunkLimits::default() };
        assert!(decode_all(limits, b"1;abc\r\nx\r\n1;def\r\n").is_ok());
        let refused = decode_all(limits, b"1;abcd");
        assert_eq!(refused, Err(ChunkError::ExtensionTooLarge));
    }

    #[test]
    fn blanks_before_the_semicolon_count_as_extension() {
        let limits = ChunkLimits { extension_bytes_max: 3, ..ChunkLimits::default() };
        assert!(decode_all(limits, b"1  ;a\r\n").is_ok());
        let refused = decode_all(limits, b"1   ;a");
        assert_eq!(refused, Err(ChunkError::ExtensionTooLarge));
    }

    #[test]
    fn trailers_at_their_limit_pass_and_one_byte_more_does_not() {
        let limits = ChunkLimits { trailer_bytes_max: 8, ..ChunkLimits::default() };
        let (_, trailers) = decode_all(limits, b"0\r\nA: b\r\n\r\n").unwrap();
        assert_eq!(trailers, b"A: b\r\n");
        let refused = decode_all(limits, b"0\r\nA: bc\r\n\r\n");
        assert_eq!(refused, Err(ChunkError::TrailersTooLarge));
    }

    #[test]
    fn trailers_that_are_left_out_count_too() {
        let limits = ChunkLimits { trailer_bytes_max: 20, ..ChunkLimits::default() };
        let refused = decode_all(limits, b"0\r\nCookie: aaa\r\nCookie: bbb\r\n");
        assert_eq!(refused, Err(ChunkError::TrailersTooLarge));
    }

    #[test]
    fn twins_of_trailers_that_are_left_out_are_left_out_as_well() {
        let input = b"0\r\nX_Forwarded_For: 1\r\nx_real-ip: 2\r\nContent_Length: 3\r\n\
            Frys-Explain: 4\r\nX_Sum: 5\r\n\r\n";
        let (_, trailers) = decode_all(ChunkLimits::default(), input).expect("a body");
        assert_eq!(trailers, b"X_Sum: 5\r\n");
    }

    #[test]
    fn trailers_are_appended_behind_what_is_there() {
        let mut trailers = b"Kept: 1\r\n".to_vec();
        let mut decoder = Decoder::new(ChunkLimits::default());
        let step = decoder.decode(b"0\r\nA:b\r\nDate: x\r\n\r\n", &mut trailers).unwrap();
        assert_eq!(step.event, Event::End);
        assert_eq!(trailers, b"Kept: 1\r\nA: b\r\n");
    }

    #[test]
    fn the_largest_size_passes_and_the_next_does_not() {
        let limits = ChunkLimits::default();
        assert!(decode_all(limits, b"7fffffffffffffff\r\nx").is_ok());
        let refused = decode_all(limits, b"8000000000000000\r\n");
        assert_eq!(refused, Err(ChunkError::SizeTooLarge));
        let refused = decode_all(limits, b"00000000000000000");
        assert_eq!(refused, Err(ChunkError::SizeTooLarge));
    }

    #[test]
    fn sizes_are_written_in_hexadecimal() {
        for bytes in [0, 1, 15, 16, 500, usize::MAX] {
            let mut out = Vec::new();
            encode_chunk_size(bytes, &mut out);
            assert_eq!(out, format!("{bytes:x}\r\n").as_bytes());
        }
    }
}
