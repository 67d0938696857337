//! Files over a network and from a disk that are slow, bring less than was asked for, and fail.

use crate::client::answer;
use crate::world::{Random, Shared, World, body_of};

use frys_gateway::http::method::Method;
use frys_gateway::runtime::simulated::Planted;
use frys_gateway::runtime::{Runtime, Segment, Socket};

use std::cell::Cell;
use std::rc::Rc;

const CLIENTS_COUNT: u64 = 4;
const REQUESTS_COUNT: u64 = 6;
/// Below and above each bound between the ways in which a body is sent.
const SIZES: [usize; 8] = [0, 1, 2_000, 2_100, 60_000, 70_000, 250_000, 300_000];

fn plant(runtime: &Runtime) {
    for (number, bytes) in (0..).zip(SIZES) {
        let bytes = body_of(number, bytes);
        runtime.plant(&number.to_string(), Planted { bytes, ..Planted::default() });
    }
}

/// What one request asks for, and what it is to come to on a calm network.
struct Asked {
    text: String,
    status: u16,
    body: Vec<u8>,
}

impl Asked {
    fn random(random: &mut Random) -> Asked {
        let number = random.below(SIZES.len() as u64 + 1);
        let head = format!("GET /files/{number} HTTP/1.1\r\nHost: sim.test\r\n");
        let Some(bytes) = SIZES.get(number as usize) else {
            return Asked { text: format!("{head}\r\n"), status: 404, body: Vec::new() };
        };
        let body = body_of(number, *bytes);
        if *bytes < 2 || random.below(2) == 0 {
            return Asked { text: format!("{head}\r\n"), status: 200, body };
        }
        let first = random.below(*bytes as u64 - 1) as usize;
        let last = first + random.below((bytes - first) as u64) as usize;
        let text = format!("{head}Range: bytes={first}-{last}\r\n\r\n");
        Asked { text, status: 206, body: body[first..=last].to_vec() }
    }
}

/// Asks and reads to the end; whether the connection goes on.
async fn exchange(shared: &Shared, socket: &Socket, asked: &Asked) -> bool {
    let mut block = shared.runtime.blocks().take();
    block.extend_from_slice(asked.text.as_bytes());
    socket.push(Segment::Block(block));
    let mut received = Vec::new();
    let timer = shared.runtime.timer();
    timer.set(shared.runtime.now().plus_ns(shared.patience_ns));
    let Ok(answer) = timer.limit(answer(socket, Method::GET, &mut received)).await else {
        shared.fault(format!("no answer and no close: {}", asked.text));
        return false;
    };
    let Some(answer) = answer else {
        if shared.calm {
            shared.fault(format!("cut off on a calm network: {}", asked.text));
        }
        return false;
    };
    let failed = !shared.calm && matches!(answer.status, 500 | 503);
    if !failed && answer.status != asked.status {
        shared.fault(format!("answered {}: {}", answer.status, asked.text));
    }
    if matches!(answer.status, 200 | 206) && answer.body != asked.body {
        shared.fault(format!("a wrong body: {}", asked.text));
    }
    answer.keeps
}

async fn client(shared: Rc<Shared>, number: u64) {
    let mut random = shared.random(number);
    let mut left_count = REQUESTS_COUNT;
    while left_count > 0 {
        let timer = shared.runtime.timer();
        timer.set(shared.runtime.now().plus_ns(1_000_000_000));
        let connected = timer.limit(shared.runtime.connect(&shared.gateway)).await;
        let Ok(Ok(socket)) = connected else {
            left_count -= 1;
            continue;
        };
        while left_count > 0 {
            left_count -= 1;
            let asked = Asked::random(&mut random);
            if random.below(8) == 0 {
                // Leaves in the middle.
                timer.set(shared.runtime.now().plus_ns(random.below(30_000_000)));
                if timer.limit(exchange(&shared, &socket, &asked)).await.is_err() {
                    break;
                }
            } else if !exchange(&shared, &socket, &asked).await {
                break;
            }
        }
    }
}

#[test]
fn every_answer_is_a_whole_file_or_broken_off() {
    for (seed, calm) in crate::seeds().into_iter().flat_map(|seed| [(seed, true), (seed, false)]) {
        let outcome = World::new(seed, calm).run_scene(async |shared: Rc<Shared>| {
            plant(&shared.runtime);
            let left_count = Rc::new(Cell::new(CLIENTS_COUNT));
            for number in 0..CLIENTS_COUNT {
                let (running, left_count) = (client(shared.clone(), number), left_count.clone());
                shared.runtime.spawn(async move {
                    running.await;
                    left_count.set(left_count.get() - 1);
                });
            }
            shared.wait("the clients", || left_count.get() == 0).await
        });
        if let Err(text) = outcome {
            panic!("seed {seed}, calm {calm}: {text}");
        }
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_breaks_its_answer() {
    let outcome = World::new(1, true).run_scene(async |shared: Rc<Shared>| {
        plant(&shared.runtime);
        let dialled = shared.runtime.connect(&shared.gateway).await;
        let socket = dialled.map_err(|errno| errno.to_string())?;
        let mut block = shared.runtime.blocks().take();
        block.extend_from_slice(b"GET /files/7 HTTP/1.1\r\nHost: sim.test\r\n\r\n");
        socket.push(Segment::Block(block));
        let first = socket.receive().await.map_err(|errno| errno.to_string())?;
        let mut read_bytes = first.ok_or("no answer")?.len();
        if !shared.runtime.cut_planted("7", 1_000) {
            return Err("nothing was planted".to_owned());
        }
        while let Ok(Some(lease)) = socket.receive().await {
            read_bytes += lease.len();
        }
        match read_bytes < SIZES[7] {
            true => Ok(()),
            false => Err(format!("{read_bytes} bytes came")),
        }
    });
    if let Err(text) = outcome {
        panic!("{text}");
    }
}
