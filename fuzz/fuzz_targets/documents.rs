//! `cargo +nightly fuzz run documents`: the law that `tests/fuzz.rs` holds for bytes by chance.
#![no_main]

#[path = "../../tests/fuzz/choices.rs"]
mod choices;
#[path = "../../tests/fuzz/documents.rs"]
mod documents;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    documents::answered(input);
});
