//! HTTP/1.1 on the wire (RFC 9112).

pub mod parse;
mod start_line;
pub(crate) mod field_line;
pub mod error;
pub mod chunked;
pub mod encode;
pub mod reply;
