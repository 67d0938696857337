//! Where the two planes meet: the only module that a worker and the control thread both import.
//!
//! Control speaks to a worker through its [`mailbox`]; a worker answers only by what it writes into
//! its own [`metrics::WorkerBlock`], [`recent`] requests among it, and its own [`log`] ring. What
//! its filters have to ask goes the other way, and comes back, by [`question`]. Nothing here
//! blocks, and nothing here is written by two threads.

pub mod reason;
pub mod stages;
pub mod metrics;
pub mod mailbox;
pub mod log;
pub mod recent;
pub mod question;

pub use crate::meters::histogram;
pub use mailbox::Message;
pub use metrics::WorkerBlock;
pub use reason::{Blame, Reason};
