//! Memory that a request takes and returns: a block, a slot, its exchange. There is no arena: a
//! request's texts lie in the blocks and its facts in the exchange, and both are used again.

use super::scene::{GATEWAY, Scene};
use super::{Case, Round};

use frys_gateway::memory::{Blocks, Slab};

use std::hint::black_box;

const ROUND_COUNT: u64 = 64;
const SLOTS_COUNT: usize = 1024;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("memory/block", ROUND_COUNT, block),
        Case::new("memory/slot", ROUND_COUNT, slot),
        Case::new("memory/exchange", ROUND_COUNT, exchange),
    ]
}

/// Takes a block, writes a head of 160 bytes into it, returns it.
fn block() -> Round {
    let blocks = Blocks::new(16, 1024);
    Box::new(move || {
        let mut right_count = 0;
        for _ in 0..ROUND_COUNT {
            let mut block = blocks.take();
            block.extend_from_slice(black_box(&[b'x'; 160]));
            right_count += u64::from(block.len() == 160);
        }
        right_count
    })
}

/// Takes a slot of a table that is half full, finds its value, gives it back.
fn slot() -> Round {
    let mut slab = Slab::new(SLOTS_COUNT);
    for number in 0..SLOTS_COUNT as u64 / 2 {
        slab.insert(number).expect("room for half");
    }
    Box::new(move || {
        let mut right_count = 0;
        for number in 0..ROUND_COUNT {
            let Ok(slot) = slab.insert(black_box(number)) else { continue };
            let found = slab.get(black_box(slot)).copied();
            right_count += u64::from(slab.remove(slot) == found);
        }
        right_count
    })
}

/// A request's working memory, begun and ended.
fn exchange() -> Round {
    let scene = Scene::new(1, GATEWAY);
    Box::new(move || {
        let mut right_count = 0;
        for _ in 0..ROUND_COUNT {
            let exchange = scene.worker.begin();
            right_count += u64::from(exchange.facts.upstream.is_none());
            scene.worker.end(black_box(exchange));
        }
        right_count
    })
}
