//! Upstreams: each answers by what the request's path asks for, and misbehaves by seed.

use crate::world::{CHUNK_LIMITS, HEAD_LIMITS, Random, Shared, body_of};

use frys_gateway::http::framing::{self, Body};
use frys_gateway::http::h1::chunked::{Decoder, Event};
use frys_gateway::http::h1::parse::{self, Parsed};
use frys_gateway::http::head::{HeadIndex, RequestHead};
use frys_gateway::http::method::Method;
use frys_gateway::runtime::{Listener, Segment, Socket};

use std::rc::Rc;

/// What was asked of an upstream.
struct Asked {
    id: u64,
    method: Method,
    answer_bytes: usize,
    chunked: bool,
    expects: bool,
    body: Body,
}

/// Accepts until the world ends.
pub async fn run(shared: Rc<Shared>, listener: Listener, number: u64) {
    let mut connections_count = 0;
    while let Ok(socket) = listener.accept().await {
        connections_count += 1;
        let random = shared.random(number * 10_000 + connections_count);
        let serving = serve(shared.clone(), socket, random);
        shared.runtime.spawn(serving);
    }
}

async fn serve(shared: Rc<Shared>, socket: Socket, mut random: Random) {
    shared.upstream_opened();
    let mut received = Vec::new();
    while let Some(asked) = head(&socket, &mut received).await {
        let behaviour = if shared.calm { 100 } else { random.below(100) };
        if asked.expects {
            push(&shared, &socket, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        // Seldom the answer comes before the body was read, and the connection ends with it.
        let early = behaviour < 4;
        if !early {
            let Some(body) = body(&socket, asked.body, &mut received).await else { break };
            if body != body_of(asked.id ^ 0xFF, body.len()) {
                shared
                    .fault(format!("request {} reached its upstream with another body", asked.id));
            }
        }
        let delay_ns = random.below(if behaviour < 20 { 400_000_000 } else { 2_000_000 });
        shared.runtime.sleep_until(shared.runtime.now().plus_ns(delay_ns)).await;
        let bytes = answer(&asked);
        match behaviour {
            5..=6 => break,
            7..=8 => {
                push(&shared, &socket, &bytes[..random.below(bytes.len() as u64) as usize]);
                break;
            }
            9 => return socket.abort(),
            10 => push(&shared, &socket, b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n"),
            _ => push(&shared, &socket, &bytes),
        }
        if early || (11..15).contains(&behaviour) {
            break;
        }
    }
    // What is queued still goes out; a reader that is gone ends it.
    let timer = shared.runtime.timer();
    timer.set(shared.runtime.now().plus_ns(shared.patience_ns));
    let _ = timer.limit(socket.drained(0)).await;
    shared.upstream_closed();
}

fn push(shared: &Shared, socket: &Socket, bytes: &[u8]) {
    for piece in bytes.chunks(60_000) {
        let mut block = shared.runtime.blocks().take();
        block.extend_from_slice(piece);
        socket.push(Segment::Block(block));
    }
}

fn answer(asked: &Asked) -> Vec<u8> {
    let body = body_of(asked.id, asked.answer_bytes);
    let mut bytes = format!("HTTP/1.1 200 OK\r\nX-Id: {}\r\n", asked.id).into_bytes();
    if !asked.chunked {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        if asked.method != Method::HEAD {
            bytes.extend_from_slice(&body);
        }
        return bytes;
    }
    bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    if asked.method == Method::HEAD {
        return bytes;
    }
    for chunk in body.chunks(7_001) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

async fn head(socket: &Socket, received: &mut Vec<u8>) -> Option<Asked> {
    loop {
        let mut index = HeadIndex::default();
        match parse::request(received, &HEAD_LIMITS, &mut index).expect("sent by the gateway") {
            Parsed::Complete { head_bytes } => {
                let head = RequestHead::new(received, &index);
                let asked = understand(head);
                received.drain(..head_bytes);
                return Some(asked);
            }
            Parsed::Partial => match socket.receive().await {
                Ok(Some(lease)) => received.extend_from_slice(&lease),
                Ok(None) | Err(_) => return None,
            },
        }
    }
}

fn understand(head: RequestHead<'_>) -> Asked {
    let path = std::str::from_utf8(head.path()).expect("the path is ASCII");
    let parts: Vec<&str> = path.split('/').collect();
    assert_eq!(parts.len(), 5, "the path is as the client sent it: {path}");
    let expects = head.fields().any(|field| field.name.eq_ignore_ascii_case(b"expect"));
    Asked {
        id: parts[4].parse().expect("an id"),
        method: head.method(),
        answer_bytes: parts[2].parse().expect("a size"),
        chunked: parts[3] == "chunked",
        expects,
        body: framing::request(head).expect("framing is unambiguous"),
    }
}

async fn body(socket: &Socket, body: Body, received: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut trailers = Vec::new();
    let mut decoder = Decoder::new(CHUNK_LIMITS);
    loop {
        match body {
            Body::Empty | Body::UntilClose => return Some(decoded),
            Body::Length(bytes) if received.len() as u64 >= bytes => {
                return Some(received.drain(..bytes as usize).collect());
            }
            Body::Length(_) => {}
            Body::Chunked => loop {
                let step = decoder.decode(received, &mut trailers).expect("sent by the gateway");
                match step.event {
                    Event::Data(range) => decoded.extend_from_slice(&received[range]),
                    Event::NeedMore => {
                        received.drain(..step.consumed);
                        break;
                    }
                    Event::End => {
                        received.drain(..step.consumed);
                        return Some(decoded);
                    }
                }
                received.drain(..step.consumed);
            },
        }
        match socket.receive().await {
            Ok(Some(lease)) => received.extend_from_slice(&lease),
            Ok(None) | Err(_) => return None,
        }
    }
}
