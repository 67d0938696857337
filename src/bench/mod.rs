//! The perf lab inside the binary: `frys bench`, an open- and closed-loop load generator on the
//! gateway's own engine, and what judges its figures.

pub mod target;
pub mod plan;
pub mod random;
pub mod schedule;
pub mod run;
pub mod worker;
mod connection;
pub mod http1;
pub mod recorder;
pub mod report;
pub mod units;
pub mod table;
pub mod page;
#[cfg(any(test, feature = "__simulation"))]
pub mod fixture;
pub mod objective;
pub mod statistics;
pub mod compare;
pub mod trial;
pub mod knee;
pub mod threshold;
pub mod find;
pub mod knob;
pub mod child;
pub mod gateway;
pub mod upstream;
