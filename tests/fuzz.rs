//! Laws of the router, of the path normaliser and of the configuration parser on bytes by chance.
//!
//! `FRYS_FUZZ_CASES=10000000 cargo test --release --test fuzz` runs so many cases of each, in place
//! of few; `FRYS_FUZZ_SEED` chooses others. The programs of `fuzz/` call the same functions.

#[path = "fuzz/choices.rs"]
mod choices;
#[path = "fuzz/documents.rs"]
mod documents;
#[path = "fuzz/paths.rs"]
mod paths;
#[path = "fuzz/preflights.rs"]
mod preflights;
#[path = "fuzz/routes.rs"]
mod routes;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Cases of each law where none are asked for: a second in a debug build.
const CASES_COUNT: u64 = 2_000;

#[test]
fn the_router_finds_what_the_naive_one_finds() {
    run("routes", 1_200, routes::agree);
}

#[test]
fn a_preflight_finds_what_the_naive_router_finds() {
    run("preflights", 120, preflights::agree);
}

#[test]
fn a_canonical_path_is_what_its_rules_say() {
    run("paths", 24, paths::agree);
}

#[test]
fn every_document_is_answered() {
    run("documents", 16, documents::answered);
}

/// Calls a law with up to so many bytes until it had all its cases.
fn run(name: &str, bytes_max: usize, law: impl Fn(&[u8]) -> u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let cases_count: u64 = number("FRYS_FUZZ_CASES").unwrap_or(CASES_COUNT);
    let seed: u64 = number("FRYS_FUZZ_SEED").unwrap_or(1);
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut done_count = 0;
    let mut bytes = Vec::with_capacity(bytes_max);
    while done_count < cases_count {
        bytes.clear();
        let length = 1 + next(&mut state) as usize % bytes_max;
        while bytes.len() < length {
            bytes.extend_from_slice(&next(&mut state).to_le_bytes());
        }
        bytes.truncate(length);
        match catch_unwind(AssertUnwindSafe(|| law(&bytes))) {
            Ok(count) => done_count += count,
            Err(panic) => {
                eprintln!("{name}: seed {seed}, after {done_count} cases, on {bytes:?}");
                resume_unwind(panic);
            }
        }
    }
    println!("{name}: {done_count} cases, seed {seed}");
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
