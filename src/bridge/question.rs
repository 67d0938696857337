//! From a worker to control and back: what a filter asks for.

use crate::jwt::{KeySet, KeySource};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What a filter asks control for.
pub enum Question {
    /// Runs beside control's thread, and may block.
    Task(Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>),
    /// The newest keys of a place: a token names one that is not among those that are known.
    Keys(Arc<KeySource>),
}

/// What control says.
pub enum Answer {
    /// What a [`Question::Task`] came to.
    Task(Box<dyn Any + Send>),
    /// What is known for a [`Question::Keys`]; nothing where no fetch has succeeded yet.
    Keys(Option<Arc<KeySet>>),
    /// Nobody answered in time, or there is no control.
    Failed,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Task(_) => f.write_str("Task"),
            Question::Keys(source) => write!(f, "Keys({source:?})"),
        }
    }
}
