//! What is too slow for a worker.

use std::any::Any;
use std::fmt;

/// Work that a filter wants done off its worker.
pub struct Question {
    task: Task,
}

type Task = Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>;

impl Question {
    /// Runs `task` on a thread that may block, beside the gateway's control thread. Its result is
    /// the [`Answer`]. How many wait and how long is bounded: beyond that the answer is a failure.
    pub fn task<T: Any + Send>(task: impl FnOnce() -> T + Send + 'static) -> Question {
        Question { task: Box::new(move || Box::new(task())) }
    }

    pub(crate) fn into_task(self) -> Task {
        self.task
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Question").finish_non_exhaustive()
    }
}

/// What a [`Question`] came to.
pub struct Answer {
    result: Option<Box<dyn Any + Send>>,
}

impl Answer {
    pub(crate) fn new(result: Option<Box<dyn Any + Send>>) -> Answer {
        Answer { result }
    }

    /// Whether there is no result: too many questions waited, it took too long, or the task
    /// panicked.
    pub fn has_failed(&self) -> bool {
        self.result.is_none()
    }

    /// The task's result; none of one that failed, or where it is of another type.
    pub fn take<T: Any>(self) -> Option<T> {
        self.result?.downcast().ok().map(|result| *result)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("has_failed", &self.has_failed()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_s_result_comes_back_as_it_was() {
        let result = Question::task(|| 6 * 7).into_task()();
        assert_eq!(Answer::new(Some(result)).take::<i32>(), Some(42));
    }

    #[test]
    fn a_failure_and_another_type_are_nothing() {
        assert!(Answer::new(None).has_failed());
        assert_eq!(Answer::new(None).take::<i32>(), None);
        let result = Question::task(|| "text").into_task()();
        assert_eq!(Answer::new(Some(result)).take::<i32>(), None);
    }
}
