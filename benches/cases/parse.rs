//! Bytes to facts: heads, how long a body is, chunks.

use super::heads::{REQUESTS, RESPONSE};
use super::{Case, Round};

use frys_gateway::http::framing::{self, Body};
use frys_gateway::http::h1::chunked::{ChunkLimits, Decoder, Event};
use frys_gateway::http::h1::parse::{self, HeadLimits, Parsed};
use frys_gateway::http::head::{HeadIndex, RequestHead};

use std::hint::black_box;

const CHUNKS_COUNT: usize = 32;
const CHUNK_BYTES: usize = 1024;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (client, text) in REQUESTS {
        cases.push(Case::new(&format!("parse/request/{client}"), 1, move || request(text)));
    }
    cases.push(Case::new("parse/response", 1, response));
    cases.push(Case::new("parse/framing", 1, || framing(REQUESTS[2].1)));
    cases.push(Case::new("parse/chunked", CHUNKS_COUNT as u64, chunked));
    cases
}

fn request(text: &'static str) -> Round {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let whole = Parsed::Complete { head_bytes: text.len() };
    Box::new(move || {
        let parsed = parse::request(black_box(text.as_bytes()), &limits, &mut index);
        u64::from(parsed == Ok(whole))
    })
}

fn response() -> Round {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let whole = Parsed::Complete { head_bytes: RESPONSE.len() };
    Box::new(move || {
        let parsed = parse::response(black_box(RESPONSE.as_bytes()), &limits, &mut index);
        u64::from(parsed == Ok(whole))
    })
}

fn framing(text: &'static str) -> Round {
    let mut index = HeadIndex::new();
    parse::request(text.as_bytes(), &HeadLimits::default(), &mut index).expect("a good head");
    Box::new(move || {
        let head = RequestHead::new(black_box(text.as_bytes()), &index);
        u64::from(framing::request(head) == Ok(Body::Empty))
    })
}

/// Chunks of 1 KiB; what is right is a chunk of the right length.
fn chunked() -> Round {
    let chunk = [b"400\r\n", &[b'x'; CHUNK_BYTES][..], b"\r\n"].concat();
    let body = chunk.repeat(CHUNKS_COUNT);
    let mut trailers = Vec::new();
    Box::new(move || {
        let mut decoder = Decoder::new(ChunkLimits::default());
        let mut rest = black_box(&body[..]);
        let mut right_count = 0;
        while let Ok(step) = decoder.decode(rest, &mut trailers) {
            rest = &rest[step.consumed..];
            match step.event {
                Event::Data(range) => right_count += u64::from(range.len() == CHUNK_BYTES),
                Event::NeedMore | Event::End => break,
            }
        }
        right_count
    })
}
