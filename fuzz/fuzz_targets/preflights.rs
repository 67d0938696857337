//! `cargo +nightly fuzz run preflights`: the law that `tests/fuzz.rs` holds for bytes by chance.
#![no_main]

#[path = "../../tests/fuzz/choices.rs"]
mod choices;
#[path = "../../tests/fuzz/preflights.rs"]
mod preflights;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    preflights::agree(input);
});
