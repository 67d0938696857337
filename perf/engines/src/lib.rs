//! What the floors share, so that the engine under them is all that differs: arguments, the
//! listener, where a head ends, and the pool of idle upstream connections.
//!
//! A floor is the smallest relay that is still honest: keep-alive to both sides, each message
//! forwarded as it came, a body of any size streamed and never held whole. It knows requests
//! without a body and answers with `Content-Length`; what else comes ends the connection. It
//! routes nothing, changes nothing, times nothing out, counts nothing.

mod arguments;
mod head;
mod pool;

pub use arguments::{Arguments, announce, start};
pub use head::{Message, Parsed, answer, request};
pub use pool::Pool;

/// Bytes that one receive has room for: what the gateway's receive buffers have.
pub const BUFFER_BYTES: usize = 32 * 1024;

/// Bytes of a head; one that is longer is refused.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
