//! Clients: each sends requests of seeded shapes and holds every answer against what it asked.

use crate::world::{Random, Shared, body_of};

use frys_gateway::http::framing::{self, Body};
use frys_gateway::http::h1::chunked::{Decoder, Event};
use frys_gateway::http::h1::parse::{self, Parsed};
use frys_gateway::http::head::{HeadIndex, ResponseHead};
use frys_gateway::http::method::Method;
use frys_gateway::runtime::{Runtime, Segment, Socket};

use std::rc::Rc;

/// What one request asks for; its upstream answers by the same shape.
#[derive(Clone, Debug)]
pub struct Shape {
    pub id: u64,
    pub method: Method,
    pub upload_bytes: usize,
    pub upload_chunked: bool,
    pub answer_bytes: usize,
    pub answer_chunked: bool,
    pub expects_continue: bool,
    pub closes: bool,
    /// The first segment of its path.
    pub place: &'static str,
}

/// An answer, if a whole one came.
pub struct Answer {
    pub status: u16,
    pub id: Option<u64>,
    pub body: Vec<u8>,
    pub keeps: bool,
}

impl Shape {
    pub fn random(random: &mut Random, id: u64, place: &'static str) -> Shape {
        let sizes = [0, 1, 150, 4_000, 40_000, 300_000];
        let uploads = random.below(3) == 0;
        let method = match (uploads, random.below(6)) {
            (true, 0..=3) => Method::POST,
            (true, _) => Method::PUT,
            (false, 0) => Method::HEAD,
            (false, 1) => Method::DELETE,
            (false, _) => Method::GET,
        };
        Shape {
            id,
            method,
            upload_bytes: if uploads { sizes[random.below(6) as usize] } else { 0 },
            upload_chunked: uploads && random.below(2) == 0,
            answer_bytes: sizes[random.below(6) as usize],
            answer_chunked: random.below(3) == 0,
            expects_continue: uploads && random.below(5) == 0,
            closes: random.below(8) == 0,
            place,
        }
    }

    /// The request's bytes, its body apart.
    pub fn head(&self) -> Vec<u8> {
        let coding = if self.answer_chunked { "chunked" } else { "length" };
        let mut text = format!(
            "{} /{}/{}/{coding}/{} HTTP/1.1\r\nHost: sim.test\r\nX-Id: {}\r\n",
            self.method.as_str(),
            self.place,
            self.answer_bytes,
            self.id,
            self.id,
        );
        if self.upload_chunked {
            text.push_str("Transfer-Encoding: chunked\r\n");
        } else if matches!(self.method, Method::POST | Method::PUT) {
            text.push_str(&format!("Content-Length: {}\r\n", self.upload_bytes));
        }
        if self.expects_continue {
            text.push_str("Expect: 100-continue\r\n");
        }
        if self.closes {
            text.push_str("Connection: close\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    fn upload(&self, random: &mut Random) -> Vec<u8> {
        let body = body_of(self.id ^ 0xFF, self.upload_bytes);
        if !self.upload_chunked {
            return body;
        }
        let mut coded = Vec::new();
        let mut rest = &body[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(1 + random.below(9_000) as usize));
            coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            coded.extend_from_slice(chunk);
            coded.extend_from_slice(b"\r\n");
            rest = after;
        }
        coded.extend_from_slice(b"0\r\n\r\n");
        coded
    }
}

/// Runs one client to the end of its requests.
pub async fn run(shared: Rc<Shared>, number: u64) {
    let mut random = shared.random(number);
    let mut left_count = 1 + random.below(6);
    let mut next_id = number * 1_000;
    // Each failed connection uses up a request, so that a client ends in any network.
    while left_count > 0 {
        let pause_ns = random.below(50_000_000);
        shared.runtime.sleep_until(shared.runtime.now().plus_ns(pause_ns)).await;
        // On a faulty network some connects never answer.
        let timer = shared.runtime.timer();
        timer.set(shared.runtime.now().plus_ns(1_000_000_000));
        let connected = timer.limit(shared.runtime.connect(&shared.gateway)).await;
        drop(timer);
        let Ok(Ok(socket)) = connected else {
            left_count -= 1;
            continue;
        };
        let mut received = Vec::new();
        loop {
            let depth = if random.below(4) == 0 { 1 + random.below(3) } else { 1 };
            let mut shapes = Vec::new();
            for _ in 0..depth.min(left_count) {
                next_id += 1;
                shapes.push(Shape::random(&mut random, next_id, shared.place.get()));
            }
            left_count -= shapes.len() as u64;
            let keeps = batch(&shared, &socket, &mut random, &shapes, &mut received).await;
            if !keeps || left_count == 0 {
                break;
            }
        }
        if shared.calm || random.below(4) > 0 {
            drop(socket);
        } else {
            socket.abort();
        }
    }
}

/// Sends requests one behind the other and reads their answers in order; whether the connection
/// can carry more.
async fn batch(
    shared: &Shared,
    socket: &Socket,
    random: &mut Random,
    shapes: &[Shape],
    received: &mut Vec<u8>,
) -> bool {
    for shape in shapes {
        shared.asked(shape);
        let upload = shape.upload(random);
        send(&shared.runtime, socket, random, shape.head(), upload);
    }
    for shape in shapes {
        let timer = shared.runtime.timer();
        timer.set(shared.runtime.now().plus_ns(shared.patience_ns));
        let Ok(answer) = timer.limit(answer(socket, shape.method, received)).await else {
            shared.fault(format!("request {} got no answer and no close", shape.id));
            return false;
        };
        let Some(answer) = answer else {
            shared.broken(shape);
            return false;
        };
        shared.answered(shape, answer.status, answer.id, &answer.body);
        if !answer.keeps || shape.closes {
            return false;
        }
    }
    true
}

fn send(runtime: &Runtime, socket: &Socket, random: &mut Random, head: Vec<u8>, body: Vec<u8>) {
    let bytes: Vec<u8> = head.into_iter().chain(body).collect();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let piece_bytes = 1 + random.below(20_000) as usize;
        let (piece, after) = rest.split_at(rest.len().min(piece_bytes));
        let mut block = runtime.blocks().take();
        block.extend_from_slice(piece);
        socket.push(Segment::Block(block));
        rest = after;
    }
}

async fn more(socket: &Socket, received: &mut Vec<u8>) -> bool {
    match socket.receive().await {
        Ok(Some(lease)) => {
            received.extend_from_slice(&lease);
            true
        }
        Ok(None) | Err(_) => false,
    }
}

/// The next final answer; none where the connection ended before it was whole.
pub async fn answer(socket: &Socket, method: Method, received: &mut Vec<u8>) -> Option<Answer> {
    loop {
        let (head_bytes, status, id, body, keeps) = loop {
            let mut index = HeadIndex::default();
            let parsed = parse::response(received, &crate::world::HEAD_LIMITS, &mut index);
            match parsed.expect("the gateway's heads are well-formed") {
                Parsed::Complete { head_bytes } => {
                    let head = ResponseHead::new(received, &index);
                    let body = framing::response(method, head).expect("framing is unambiguous");
                    let mut fields = head.fields();
                    let id = fields.find(|field| field.name.eq_ignore_ascii_case(b"x-id"));
                    let id = id.and_then(|id| std::str::from_utf8(id.value).ok()?.parse().ok());
                    let keeps = framing::response_keeps_alive(head);
                    break (head_bytes, head.status().code(), id, body, keeps);
                }
                Parsed::Partial => {
                    if !more(socket, received).await {
                        return None;
                    }
                }
            }
        };
        received.drain(..head_bytes);
        if status >= 200 {
            let body = body_bytes(socket, body, received).await?;
            return Some(Answer { status, id, body, keeps });
        }
    }
}

async fn body_bytes(socket: &Socket, body: Body, received: &mut Vec<u8>) -> Option<Vec<u8>> {
    match body {
        Body::Empty => Some(Vec::new()),
        Body::Length(bytes) => {
            let bytes = usize::try_from(bytes).ok()?;
            while received.len() < bytes {
                if !more(socket, received).await {
                    return None;
                }
            }
            Some(received.drain(..bytes).collect())
        }
        Body::UntilClose => {
            while more(socket, received).await {}
            Some(std::mem::take(received))
        }
        Body::Chunked => {
            let mut decoder = Decoder::new(crate::world::CHUNK_LIMITS);
            let (mut decoded, mut trailers) = (Vec::new(), Vec::new());
            loop {
                let step = decoder.decode(received, &mut trailers).expect("chunks are well-formed");
                match step.event {
                    Event::Data(range) => decoded.extend_from_slice(&received[range]),
                    Event::End => {
                        received.drain(..step.consumed);
                        return Some(decoded);
                    }
                    Event::NeedMore => {
                        received.drain(..step.consumed);
                        if !more(socket, received).await {
                            return None;
                        }
                        continue;
                    }
                }
                received.drain(..step.consumed);
            }
        }
    }
}
