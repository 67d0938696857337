//! Facts to bytes: the lines that tell of the client, and heads written with what was dropped and
//! appended.

use super::heads::{REQUESTS, RESPONSE};
use super::{Case, Round};

use frys_gateway::http::field::{FieldNames, FieldSet};
use frys_gateway::http::forwarded::{self, Hop};
use frys_gateway::http::h1::encode::{self, Edits, Framing, Others, Target};
use frys_gateway::http::h1::parse::{self, HeadLimits};
use frys_gateway::http::head::{HeadIndex, RequestHead, ResponseHead};

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (client, text) in REQUESTS {
        cases.push(Case::new(&format!("edits/forwarded/{client}"), 1, move || forwarded(text)));
        cases.push(Case::new(&format!("edits/request/{client}"), 1, move || request(text)));
        cases.push(Case::new(&format!("edits/changed/{client}"), 1, move || changed(text)));
    }
    cases.push(Case::new("edits/response", 1, response));
    cases
}

fn index(text: &str) -> HeadIndex {
    let mut index = HeadIndex::new();
    parse::request(text.as_bytes(), &HeadLimits::default(), &mut index).expect("a good head");
    index
}

fn lines(head: RequestHead<'_>, lines: &mut Vec<u8>) {
    let peer = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 44)));
    let hop = Hop { peer, trusted: false, proto: "http", host: head.authority() };
    lines.clear();
    forwarded::request(head, &hop, FieldSet::EMPTY, lines);
}

fn forwarded(text: &'static str) -> Round {
    let index = index(text);
    let (mut expected, mut out) = (Vec::new(), Vec::new());
    lines(RequestHead::new(text.as_bytes(), &index), &mut expected);
    let own = memchr::memmem::find(&expected, b"X-Forwarded-For: 192.0.2.44\r\n");
    assert!(own.is_some(), "the client is told of: {}", expected.escape_ascii());
    Box::new(move || {
        lines(RequestHead::new(black_box(text.as_bytes()), &index), &mut out);
        u64::from(out == expected)
    })
}

fn request(text: &'static str) -> Round {
    let index = index(text);
    let (mut appended, mut out) = (Vec::new(), Vec::new());
    lines(RequestHead::new(text.as_bytes(), &index), &mut appended);
    Box::new(move || {
        let drop = forwarded::drop_set(false);
        let edits = Edits { drop, others: Others::NONE, framing: Framing::None, append: &appended };
        let head = RequestHead::new(black_box(text.as_bytes()), &index);
        out.clear();
        encode::request(head, Target::Received, b"upstream", &edits, &mut out);
        u64::from(out.strip_suffix(b"\r\n").is_some_and(|head| head.ends_with(&appended)))
    })
}

/// A head of a route that removes two fields: one that is well known, and one that is not.
fn changed(text: &'static str) -> Round {
    let index = index(text);
    let mut names = FieldNames::default();
    names.insert("User-Agent");
    names.insert("X-Not-Known");
    let mut out = Vec::new();
    Box::new(move || {
        let drop = forwarded::drop_set(false).union(names.known());
        let (others, framing) = (names.others(), Framing::None);
        let edits = Edits {
            drop,
            others: Others { fixed: others, more: &[] },
            framing,
            append: b"X-Known: 1\r\n",
        };
        let head = RequestHead::new(black_box(text.as_bytes()), &index);
        out.clear();
        encode::request(head, Target::Received, b"upstream", &edits, &mut out);
        u64::from(memchr::memmem::find(&out, b"User-Agent").is_none())
    })
}

fn response() -> Round {
    let mut index = HeadIndex::new();
    let bytes = RESPONSE.as_bytes();
    parse::response(bytes, &HeadLimits::default(), &mut index).expect("a good head");
    let mut out = Vec::new();
    Box::new(move || {
        let framing = Framing::Length(150);
        let edits = Edits { drop: FieldSet::EMPTY, others: Others::NONE, framing, append: b"" };
        out.clear();
        encode::response(ResponseHead::new(black_box(bytes), &index), &edits, &mut out);
        u64::from(out.ends_with(b"Content-Length: 150\r\n\r\n"))
    })
}
