//! Why a request goes where it goes: in words, for one request or for a log of them.
//!
//! Nothing here decides. The head is read by `http`, the path and the route are found by what the
//! workers find them with; this module only asks step by step, and says what was answered.

pub mod asked;
pub mod explanation;
mod text;
pub mod find;
mod build;
mod route;
mod bounds;
mod filters;
pub mod words;
pub mod reasons;
pub mod traffic;

pub use asked::{Asked, AskedInvalid, Description};
pub use build::{Source, explain};
pub use explanation::Explanation;
pub use text::text;
