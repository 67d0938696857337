//! Housekeeping.

pub mod names;
pub mod state;
pub mod report;
pub mod stats;
pub mod metrics;
pub mod resolve;
pub mod admin;
pub mod logs;
