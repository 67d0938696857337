//! The path of a request, stage by stage, in the order in which a request meets them.

pub mod balance;
