//! The path of a request, stage by stage, in the order in which a request meets them.
//!
//! `worker` and the `pools` of its connections are what the stages share; `serve` is the one file
//! that names them all.

pub mod worker;
pub mod pools;
pub mod accept;
pub mod serve;
pub mod exchange;
pub mod parse;
pub mod route;
pub mod filter;
pub mod answer;
pub mod files;
pub mod balance;
pub mod pool;
pub mod forward;
pub mod respond;
pub mod record;
pub mod failure;
