//! `cargo +nightly fuzz run routes`: the law that `tests/fuzz.rs` holds for bytes by chance.
#![no_main]

#[path = "../../tests/fuzz/choices.rs"]
mod choices;
#[path = "../../tests/fuzz/routes.rs"]
mod routes;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    routes::agree(input);
});
