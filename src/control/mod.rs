//! Housekeeping.

pub mod names;
pub mod state;
pub mod report;
pub mod stats;
pub mod metrics;
pub mod logs;
