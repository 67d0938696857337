//! The perf lab inside the binary: `frys bench`, an open- and closed-loop load generator on the
//! gateway's own engine, and what judges its figures.

pub mod gateway;
pub mod report;
