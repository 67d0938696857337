//! The wire cases played on the parsers, and laws that hold for any bytes.

#[path = "wire/mod.rs"]
mod cases;
#[path = "wire/laws.rs"]
mod laws;

use cases::{Case, Kind, Message, Outcome};
use frys_gateway::http::field::FieldSet;
use frys_gateway::http::framing::{self, Body};
use frys_gateway::http::h1::chunked::{ChunkLimits, Decoder, Event};
use frys_gateway::http::h1::encode::{self, Edits, Framing, Others, Target};
use frys_gateway::http::h1::parse::{self, HeadLimits, Parsed};
use frys_gateway::http::head::{HeadIndex, RequestHead, ResponseHead, Version};
use frys_gateway::http::method::Method;
use proptest::prelude::*;

const UPSTREAM: &str = "upstream.test:8080";

#[test]
fn every_case_ends_as_it_says() {
    let cases = cases::load(UPSTREAM);
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let outcome = play(case, &[]);
        if outcome != case.expected {
            failures.push(format!(
                "{} (RFC {}):\n expected {}\n found    {}",
                case.id,
                case.rfc,
                show(&case.expected),
                show(&outcome)
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_case_ends_the_same_when_it_is_cut_anywhere() {
    for case in cases::load(UPSTREAM) {
        let step = case.bytes.len() / 600 + 1;
        for cut in (0..case.bytes.len()).step_by(step) {
            assert_eq!(play(&case, &[cut]), case.expected, "{} cut at {cut}", case.id);
        }
    }
}

#[test]
fn every_case_ends_the_same_when_it_trickles_in_byte_by_byte() {
    for case in cases::load(UPSTREAM) {
        let cuts: Vec<usize> = (0..case.bytes.len()).collect();
        assert_eq!(play(&case, &cuts), case.expected, "{}", case.id);
    }
}

#[test]
fn lines_that_the_gateway_adds_are_taken_off() {
    let head = b"GET / HTTP/1.1\r\nVia: 1.1 frys\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
    assert_eq!(cases::without_added_lines(head), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

/// Feeds the case's bytes, as if they had arrived up to each cut and then to the end.
fn play(case: &Case, cuts: &[usize]) -> Outcome {
    match case.kind {
        Kind::Request => play_request(&case.bytes, cuts),
        Kind::Response => play_response(&case.bytes, &case.method, cuts),
        Kind::Chunked => play_chunked(&case.bytes, cuts),
    }
}

fn play_request(bytes: &[u8], cuts: &[usize]) -> Outcome {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let mut head_bytes = None;
    for end in ends(bytes, cuts) {
        match parse::request(&bytes[..end], &limits, &mut index) {
            Ok(Parsed::Complete { head_bytes: complete }) => {
                head_bytes = Some(complete);
                break;
            }
            Ok(Parsed::Partial) => {}
            Err(error) => return Outcome::Refused(error.status().code()),
        }
    }
    let Some(head_bytes) = head_bytes else {
        return Outcome::Partial;
    };
    let head = RequestHead::new(bytes, &index);
    let body = match framing::request(head) {
        Ok(body) => body,
        Err(error) => return Outcome::Refused(error.status().code()),
    };
    let edits = Edits {
        drop: FieldSet::EMPTY,
        others: Others::NONE,
        framing: Framing::from(body),
        append: b"",
    };
    let mut out = Vec::new();
    let host = head.authority().unwrap_or(UPSTREAM.as_bytes());
    encode::request(head, Target::Received, host, &edits, &mut out);
    play_body(body, bytes, head_bytes, cuts, out)
}

fn play_response(bytes: &[u8], method: &str, cuts: &[usize]) -> Outcome {
    let limits = HeadLimits::default();
    let mut index = HeadIndex::new();
    let mut head_bytes = None;
    for end in ends(bytes, cuts) {
        match parse::response(&bytes[..end], &limits, &mut index) {
            Ok(Parsed::Complete { head_bytes: complete }) => {
                head_bytes = Some(complete);
                break;
            }
            Ok(Parsed::Partial) => {}
            Err(_) => return Outcome::Refused(502),
        }
    }
    let Some(head_bytes) = head_bytes else {
        return Outcome::Partial;
    };
    let head = ResponseHead::new(bytes, &index);
    let method: Method = method.parse().expect("the case names a method");
    let Ok(body) = framing::response(method, head) else {
        return Outcome::Refused(502);
    };
    let framing = Framing::of_response(method, head, body, Version::Http11);
    let edits = Edits { drop: FieldSet::EMPTY, others: Others::NONE, framing, append: b"" };
    let mut out = Vec::new();
    encode::response(head, &edits, &mut out);
    match play_body(body, bytes, head_bytes, cuts, out) {
        Outcome::Refused(_) => Outcome::Refused(502),
        outcome @ (Outcome::Accepted(_) | Outcome::Partial) => outcome,
    }
}

fn play_body(
    body: Body,
    bytes: &[u8],
    head_bytes: usize,
    cuts: &[usize],
    head: Vec<u8>,
) -> Outcome {
    let content = &bytes[head_bytes..];
    match body {
        Body::Empty => {
            Outcome::Accepted(Message { head, rest: content.to_vec(), ..Message::default() })
        }
        Body::UntilClose => {
            Outcome::Accepted(Message { head, body: content.to_vec(), ..Message::default() })
        }
        Body::Length(length) => {
            let length = usize::try_from(length).expect("cases are short");
            match content.split_at_checked(length) {
                Some((body, rest)) => Outcome::Accepted(Message {
                    head,
                    body: body.to_vec(),
                    rest: rest.to_vec(),
                    ..Message::default()
                }),
                None => Outcome::Partial,
            }
        }
        Body::Chunked => {
            let cuts: Vec<usize> =
                cuts.iter().filter_map(|cut| cut.checked_sub(head_bytes)).collect();
            match play_chunked(content, &cuts) {
                Outcome::Accepted(message) => Outcome::Accepted(Message { head, ..message }),
                outcome @ (Outcome::Refused(_) | Outcome::Partial) => outcome,
            }
        }
    }
}

fn play_chunked(bytes: &[u8], cuts: &[usize]) -> Outcome {
    let mut decoder = Decoder::new(ChunkLimits::default());
    let mut message = Message::default();
    let mut at = 0;
    for end in ends(bytes, cuts) {
        loop {
            let input = &bytes[at..end];
            let step = match decoder.decode(input, &mut message.trailers) {
                Ok(step) => step,
                Err(error) => return Outcome::Refused(error.status().code()),
            };
            at += step.consumed;
            match step.event {
                Event::Data(range) => message.body.extend_from_slice(&input[range]),
                Event::NeedMore => break,
                Event::End => {
                    message.rest = bytes[at..].to_vec();
                    return Outcome::Accepted(message);
                }
            }
        }
    }
    Outcome::Partial
}

fn ends(bytes: &[u8], cuts: &[usize]) -> impl Iterator<Item = usize> {
    cuts.iter().copied().filter(|cut| *cut < bytes.len()).chain([bytes.len()])
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(message) => format!(
            "head {} body {} trailers {} rest {}",
            message.head.escape_ascii(),
            message.body.escape_ascii(),
            message.trailers.escape_ascii(),
            message.rest.escape_ascii()
        ),
        Outcome::Refused(status) => format!("refused with {status}"),
        Outcome::Partial => "partial".to_owned(),
    }
}

/// Pieces that lines are made of, the suspicious beside the plain.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(laws::PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn laws_of_requests_hold(fields in pieces(), body in pieces(), cut in any::<u16>()) {
        let start = &b"POST /a?b HTTP/1.1\r\nHost: a\r\n"[..];
        let plain = [start, &fields, b"\r\n\r\n", &body].concat();
        laws::request(&plain, cut.into());
        laws::request(&fields, cut.into());
    }

    #[test]
    fn laws_of_responses_hold(fields in pieces(), cut in any::<u16>()) {
        let plain = [b"HTTP/1.1 200 OK\r\n", &fields[..], b"\r\n\r\n"].concat();
        laws::response(&plain, cut.into());
        laws::response(&fields, cut.into());
    }

    #[test]
    fn laws_of_chunked_bodies_hold(body in pieces(), cut in any::<u16>()) {
        laws::chunked(&body, cut.into());
        laws::chunked(&[b"3\r\nabc\r\n", &body[..]].concat(), cut.into());
        laws::chunked(&[&b"0\r\n"[..], &body].concat(), cut.into());
    }
}
