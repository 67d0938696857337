//! Housekeeping.

pub mod names;
pub mod logs;
