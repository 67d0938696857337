//! The perf lab inside the binary: `frys bench`, an open- and closed-loop load generator on the
//! gateway's own engine, and what judges its figures.

pub mod report;
pub mod units;
pub mod table;
pub mod page;
#[cfg(any(test, feature = "__simulation"))]
pub mod fixture;
