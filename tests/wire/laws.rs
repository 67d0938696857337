//! What holds for any bytes; called with generated ones by `tests/wire.rs`, and by the programs of
//! `fuzz/`.

use frys_gateway::http::field::FieldSet;
use frys_gateway::http::framing;
use frys_gateway::http::h1::chunked::{
    ChunkError, ChunkLimits, Decoder, Event, LAST_CHUNK, encode_chunk_size,
};
use frys_gateway::http::h1::encode::{self, Edits, Framing, Others, Target};
use frys_gateway::http::h1::parse::{self, HeadLimits, ParseError, Parsed};
use frys_gateway::http::head::{HeadIndex, RequestHead, ResponseHead, Version};
use frys_gateway::http::method::Method;

/// What generated heads and bodies are put together of.
pub const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b":",
    b": ",
    b",",
    b";",
    b"\0",
    b"0",
    b"5",
    b"a",
    b"0\r\n",
    b"1\r\nx\r\n",
    b"GET / HTTP/1.1\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"Host: a\r\n",
    b"Host",
    b"Content-Length",
    b"content-length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding",
    b"chunked",
    b"Connection: ",
    b"close",
    b"X-A: b\r\n",
    b"X-A:b \r\n",
    b"Connection: x-a\r\n",
    b"Cookie: a=b\r\n",
    b"http://a",
    b"\xff",
];

/// A request head is understood the same however it is cut, and what is sent on is understood as
/// what was received, and is sent on unchanged by the next gateway.
pub fn request(bytes: &[u8], cut: usize) {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let whole = parse::request(bytes, &limits, &mut index);
    let mut cut_index = HeadIndex::new();
    let in_two = in_two(bytes, cut, &mut cut_index, parse::request);
    assert_eq!(whole, in_two);
    let Ok(Parsed::Complete { head_bytes }) = whole else {
        return;
    };
    let head = RequestHead::new(&bytes[..head_bytes], &index);
    let Ok(body) = framing::request(head) else {
        return;
    };
    let once = encode_request(head, Framing::from(body));
    let cut_head = RequestHead::new(bytes, &cut_index);
    assert_eq!(encode_request(cut_head, Framing::from(body)), once);
    let mut second_index = HeadIndex::new();
    let second = parse::request(&once, &roomy(), &mut second_index);
    assert_eq!(second, Ok(Parsed::Complete { head_bytes: once.len() }), "{}", once.escape_ascii());
    let second = RequestHead::new(&once, &second_index);
    assert_eq!(framing::request(second), Ok(body));
    assert_eq!(second.method(), head.method());
    assert_eq!(second.query(), head.query());
    assert_eq!(encode_request(second, Framing::from(body)), once);
}

/// As [`request`], for responses.
pub fn response(bytes: &[u8], cut: usize) {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let whole = parse::response(bytes, &limits, &mut index);
    let mut cut_index = HeadIndex::new();
    let in_two = in_two(bytes, cut, &mut cut_index, parse::response);
    assert_eq!(whole, in_two);
    let Ok(Parsed::Complete { head_bytes }) = whole else {
        return;
    };
    let head = ResponseHead::new(&bytes[..head_bytes], &index);
    for method in [Method::GET, Method::HEAD] {
        let Ok(body) = framing::response(method, head) else {
            return;
        };
        let framing = Framing::of_response(method, head, body, Version::Http11);
        let once = encode_response(head, framing);
        let mut second_index = HeadIndex::new();
        let second = parse::response(&once, &roomy(), &mut second_index);
        assert_eq!(second, Ok(Parsed::Complete { head_bytes: once.len() }));
        let second = ResponseHead::new(&once, &second_index);
        assert_eq!(second.status(), head.status());
        assert_eq!(encode_response(second, framing), once);
    }
}

/// A chunked body gives the same however it is cut, and what is sent on gives the same again.
pub fn chunked(bytes: &[u8], cut: usize) {
    let whole = decode(&[bytes]);
    let (left, right) = bytes.split_at(cut % (bytes.len() + 1));
    assert_eq!(whole, decode(&[left, right]));
    let every_byte: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(whole, decode(&every_byte));
    let Ok(Some(decoded)) = whole else {
        return;
    };
    let mut again = Vec::new();
    if !decoded.data.is_empty() {
        encode_chunk_size(decoded.data.len(), &mut again);
        again.extend_from_slice(&decoded.data);
        again.extend_from_slice(b"\r\n");
    }
    again.extend_from_slice(LAST_CHUNK);
    again.extend_from_slice(&decoded.trailers);
    again.extend_from_slice(b"\r\n");
    let second = decode(&[&again]);
    let consumed = again.len();
    assert_eq!(second, Ok(Some(Decoded { consumed, ..decoded })));
}

#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Vec<u8>,
    consumed: usize,
}

/// `None` when the body is incomplete.
fn decode(parts: &[&[u8]]) -> Result<Option<Decoded>, ChunkError> {
    let mut decoder = Decoder::new(ChunkLimits::default());
    let mut decoded = Decoded { data: Vec::new(), trailers: Vec::new(), consumed: 0 };
    for part in parts {
        let mut rest = *part;
        loop {
            let step = decoder.decode(rest, &mut decoded.trailers)?;
            decoded.consumed += step.consumed;
            match step.event {
                Event::Data(range) => decoded.data.extend_from_slice(&rest[range]),
                Event::NeedMore => break assert_eq!(step.consumed, rest.len()),
                Event::End => return Ok(Some(decoded)),
            }
            rest = &rest[step.consumed..];
        }
    }
    Ok(None)
}

type Parse = fn(&[u8], &HeadLimits, &mut HeadIndex) -> Result<Parsed, ParseError>;

fn in_two(
    bytes: &[u8],
    cut: usize,
    index: &mut HeadIndex,
    parse: Parse,
) -> Result<Parsed, ParseError> {
    let limits = HeadLimits::default();
    match parse(&bytes[..cut % (bytes.len() + 1)], &limits, index)? {
        Parsed::Partial => parse(bytes, &limits, index),
        complete @ Parsed::Complete { .. } => Ok(complete),
    }
}

/// What is sent on may be a few bytes longer than what was received.
fn roomy() -> HeadLimits {
    HeadLimits { request_line_bytes_max: 16_384, fields_count_max: 200, fields_bytes_max: 65_536 }
}

fn encode_request(head: RequestHead<'_>, framing: Framing) -> Vec<u8> {
    let edits = Edits { drop: FieldSet::EMPTY, others: Others::NONE, framing, append: b"" };
    let mut out = Vec::new();
    encode::request(head, Target::Received, head.authority().unwrap_or(b"a"), &edits, &mut out);
    out
}

fn encode_response(head: ResponseHead<'_>, framing: Framing) -> Vec<u8> {
    let edits = Edits { drop: FieldSet::EMPTY, others: Others::NONE, framing, append: b"" };
    let mut out = Vec::new();
    encode::response(head, &edits, &mut out);
    out
}
