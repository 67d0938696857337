//! What the lab's upstream and load generator share: heads, body lengths, a histogram, arguments.
//!
//! Both programs talk to servers under measurement on loopback, so this code wants to be short and
//! cheap, not strict: what it cannot read ends the connection and counts as an error.

pub mod arguments;
pub mod body;
pub mod head;
pub mod histogram;
