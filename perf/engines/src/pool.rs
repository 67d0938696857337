//! Idle upstream connections of one thread, the one used last at the end.

use std::cell::RefCell;
use std::rc::Rc;

/// A pool without bounds: it holds as many connections as were once in use at the same time, and
/// one that its upstream closed meanwhile fails the request that takes it. Clones are the same
/// pool.
pub struct Pool<T>(Rc<RefCell<Vec<T>>>);

impl<T> Pool<T> {
    /// The connection that was used last.
    pub fn take(&self) -> Option<T> {
        self.0.borrow_mut().pop()
    }

    /// Keeps a connection for the next request.
    pub fn put(&self, idle: T) {
        self.0.borrow_mut().push(idle);
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}
