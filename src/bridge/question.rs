//! From a worker to control and back: what a filter asks for.

use std::any::Any;
use std::fmt;

/// What a filter asks control for.
pub enum Question {
    /// Runs beside control's thread, and may block.
    Task(Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>),
}

/// What control says.
pub enum Answer {
    /// What a [`Question::Task`] came to.
    Task(Box<dyn Any + Send>),
    /// Nobody answered in time, or there is no control.
    Failed,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Task(_) => f.write_str("Task"),
        }
    }
}
