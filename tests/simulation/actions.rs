//! Routes that answer by themselves, under clients that send what nobody reads.

use crate::world::{FIXED_BYTES, Shared, World, body_of};

use frys_gateway::bridge::reason::Reason;
use frys_gateway::limits;
use frys_gateway::runtime::{Segment, Socket};

use std::rc::Rc;

const SECOND_NS: u64 = 1_000_000_000;
/// What is written in pieces never waits longer than this for the next one.
const PIECE_NS: u64 = 100_000_000;

fn scene(play: impl AsyncFnOnce(Rc<Shared>) -> Result<(), String>) {
    let outcome = World::new(1, true).run_scene(play);
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

async fn connect(shared: &Shared) -> Result<Socket, String> {
    shared.runtime.connect(&shared.gateway).await.map_err(|errno| errno.to_string())
}

fn send(shared: &Shared, socket: &Socket, bytes: &[u8]) {
    let mut block = shared.runtime.blocks().take();
    block.extend_from_slice(bytes);
    socket.push(Segment::Block(block));
}

/// One client that keeps what came too early.
struct Reader<'a> {
    socket: &'a Socket,
    received: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(socket: &'a Socket) -> Reader<'a> {
        Reader { socket, received: Vec::new() }
    }

    /// The next head, and so many bytes of body.
    async fn answer(&mut self, body_bytes: usize) -> Result<String, String> {
        loop {
            let ends = self.received.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = ends.filter(|at| self.received.len() >= at + 4 + body_bytes) {
                let rest = self.received.split_off(at + 4 + body_bytes);
                let answer = std::mem::replace(&mut self.received, rest);
                return Ok(String::from_utf8_lossy(&answer[..at + 4]).into_owned());
            }
            match self.socket.receive().await {
                Ok(Some(lease)) => self.received.extend_from_slice(&lease),
                end @ (Ok(None) | Err(_)) => return Err(format!("{end:?} instead of an answer")),
            }
        }
    }

    /// Nothing more comes but the end.
    async fn end(&mut self) -> Result<(), String> {
        match self.socket.receive().await {
            Ok(Some(lease)) => Err(format!("{:?}", String::from_utf8_lossy(&lease))),
            Ok(None) | Err(_) if self.received.is_empty() => Ok(()),
            Ok(None) | Err(_) => Err(format!("{:?}", String::from_utf8_lossy(&self.received))),
        }
    }
}

fn holds(answer: &str, texts: &[&str]) -> Result<(), String> {
    match texts.iter().find(|text| !answer.contains(**text)) {
        None => Ok(()),
        Some(text) => Err(format!("no {text:?} in {answer:?}")),
    }
}

const MOVED: [&str; 3] =
    ["HTTP/1.1 308 Permanent Redirect\r\n", "Location: https://a/x\r\n", "Content-Length: 0\r\n"];

#[test]
fn a_connection_goes_on_behind_a_body_that_nobody_wanted() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        let mut reader = Reader::new(&socket);
        let head = "POST /moved/x HTTP/1.1\r\nHost: a\r\n";
        let plain = format!("{head}Content-Length: 6\r\n\r\nGET / ");
        let chunked = format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\nX-Trailer: 1\r\n\r\n"
        );
        for body in [plain, chunked] {
            // In one piece with the next request, and byte by byte.
            send(
                &shared,
                &socket,
                format!("{body}GET /moved/x HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes(),
            );
            holds(&reader.answer(0).await?, &MOVED)?;
            holds(&reader.answer(0).await?, &MOVED)?;
            for byte in body.as_bytes() {
                send(&shared, &socket, &[*byte]);
                shared.runtime.sleep_until(shared.runtime.now().plus_ns(PIECE_NS / 100)).await;
            }
            holds(&reader.answer(0).await?, &MOVED)?;
        }
        let count = shared.block.reason_count(Reason::Redirected);
        if count != 6 { Err(format!("{count} redirects were counted")) } else { Ok(()) }
    });
}

#[test]
fn a_body_too_long_to_read_over_ends_its_connection() {
    scene(async |shared| {
        let most = limits::DISCARD_BYTES_MAX as usize;
        let heads = [
            (format!("Content-Length: {}\r\n\r\n", most + 1), most + 1, true),
            (format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", 4 * most), 4 * most, false),
            ("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".to_owned(), 0, true),
        ];
        for (head, body_bytes, is_told) in heads {
            let socket = connect(&shared).await?;
            send(
                &shared,
                &socket,
                format!("PUT /moved/x HTTP/1.1\r\nHost: a\r\n{head}").as_bytes(),
            );
            let mut reader = Reader::new(&socket);
            let answer = reader.answer(0).await?;
            holds(&answer, &MOVED)?;
            if answer.contains("Connection: close") != is_told {
                return Err(answer);
            }
            send(&shared, &socket, &body_of(1, body_bytes));
            reader.end().await?;
        }
        Ok(())
    });
}

#[test]
fn a_body_that_stands_still_is_waited_for_within_its_bound() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        send(&shared, &socket, b"PUT /moved/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
        let mut reader = Reader::new(&socket);
        holds(&reader.answer(0).await?, &MOVED)?;
        let begun = shared.runtime.now();
        reader.end().await?;
        let waited_ns = shared.runtime.now().nanos_since(begun);
        match waited_ns < 8 * SECOND_NS {
            true => Ok(()),
            false => Err(format!("it was waited for {waited_ns} ns")),
        }
    });
}

#[test]
fn fixed_answers_come_whole_to_a_slow_reader() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        let get = b"GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n";
        send(&shared, &socket, &get.repeat(5));
        let mut reader = Reader::new(&socket);
        for _ in 0..5 {
            shared.runtime.sleep_until(shared.runtime.now().plus_ns(PIECE_NS)).await;
            let answer = reader.answer(FIXED_BYTES).await?;
            holds(&answer, &["HTTP/1.1 200 OK\r\n", "Content-Length: 40000\r\n"])?;
        }
        send(&shared, &socket, b"HEAD /fixed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let answer = reader.answer(0).await?;
        holds(&answer, &["Content-Length: 40000\r\n", "Connection: keep-alive\r\n"])?;
        send(&shared, &socket, b"GET /moved/x HTTP/1.0\r\n\r\n");
        holds(&reader.answer(0).await.unwrap_or_default(), &["HTTP/1.1 400 "])
    });
}

#[test]
fn an_edited_exchange_arrives_as_it_is_to() {
    scene(async |shared| {
        let socket = connect(&shared).await?;
        let mut reader = Reader::new(&socket);
        let mut ids = std::collections::BTreeSet::new();
        for id in 1..=20 {
            let request = format!(
                "GET /edited/10/length/{id} HTTP/1.1\r\nHost: a\r\nX-Id: 99\r\nx_id: 98\r\n\r\n"
            );
            send(&shared, &socket, request.as_bytes());
            let answer = reader.answer(10).await?;
            holds(&answer, &["HTTP/1.1 200 ", &format!("X-Id: {id}\r\n"), "X-Edited: "])?;
            let text = answer.split("X-Edited: ").nth(1).unwrap_or_default();
            ids.insert(text.split("\r\n").next().unwrap_or_default().to_owned());
        }
        match ids.len() == 20 && ids.iter().all(|id| id.len() == 32) {
            true => Ok(()),
            false => Err(format!("{ids:?}")),
        }
    });
}

/// Clients that break off anywhere, on a network that breaks by itself; the world's books must
/// balance at the end.
#[test]
fn a_client_that_resets_in_the_middle_leaves_nothing_behind() {
    for seed in 0..60 {
        let outcome = World::new(seed, false).run_scene(async |shared| {
            let mut random = shared.random(7);
            for number in 0..6 {
                // On a faulty network some connects never answer.
                let timer = shared.runtime.timer();
                timer.set(shared.runtime.now().plus_ns(SECOND_NS));
                let connected = timer.limit(shared.runtime.connect(&shared.gateway)).await;
                drop(timer);
                let Ok(Ok(socket)) = connected else { continue };
                let coding = match number % 3 {
                    0 => "Content-Length: 60000\r\n\r\n".to_owned(),
                    1 => "Transfer-Encoding: chunked\r\n\r\nea60\r\n".to_owned(),
                    _ => "Content-Length: 60000\r\nExpect: 100-continue\r\n\r\n".to_owned(),
                };
                let place = ["/moved/x", "/fixed"][random.below(2) as usize];
                let head = format!("POST {place} HTTP/1.1\r\nHost: a\r\n{coding}");
                let mut bytes = head.into_bytes();
                bytes.extend(body_of(number, 60_000));
                let sent_bytes = random.below(bytes.len() as u64) as usize;
                send(&shared, &socket, &bytes[..sent_bytes]);
                let rest_ns = random.below(SECOND_NS);
                shared.runtime.sleep_until(shared.runtime.now().plus_ns(rest_ns)).await;
                if random.below(2) == 0 {
                    socket.abort();
                }
            }
            Ok(())
        });
        outcome.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
}
