//! Wire formats: bytes in, facts out; no I/O, no clock.

pub mod method;
