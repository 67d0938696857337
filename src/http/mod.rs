//! Wire formats: bytes in, facts out; no I/O, no clock.
//!
//! What a module accepts it never passes on as it came: heads are encoded again from what was
//! understood, so that no neighbour can understand them differently.

pub mod method;
pub mod status;
pub mod field;
pub mod target;
pub mod head;
pub mod cookie;
pub mod changes;
pub mod framing;
pub mod h1;
pub mod forwarded;
pub mod told;
pub mod date;
pub mod conditional;
pub mod range;
pub mod media_type;
pub mod networks;
pub mod origin;
