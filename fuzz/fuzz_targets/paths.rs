//! `cargo +nightly fuzz run paths`: the law that `tests/fuzz.rs` holds for bytes by chance.
#![no_main]

#[path = "../../tests/fuzz/choices.rs"]
mod choices;
#[path = "../../tests/fuzz/paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    paths::agree(input);
});
