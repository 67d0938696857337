//! Tasks of one thread: a table, a queue of ready ones, and who waits for what.
//!
//! A wait on the runtime's own futures remembers the task by its key: no waker is cloned. Library
//! code that wraps wakers of its own is served too, by keeping a clone of what it polls with.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::memory::{Slab, Slot};

/// Who is to run when something happens.
#[derive(Debug, Default)]
pub enum Waiter {
    #[default]
    Nobody,
    /// A task of this executor, by its key.
    Task(Slot),
    /// A waker that is not a task's own.
    Foreign(Waker),
}

pub(crate) struct Executor {
    tasks: RefCell<Slab<Task>>,
    ready: RefCell<VecDeque<Slot>>,
    current: Cell<Option<Current>>,
    remote: Arc<Remote>,
}

type TaskFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    /// Away while it is polled; never there for the task that stands for `block_on` itself.
    future: Option<TaskFuture>,
    waker: Option<Waker>,
    queued: bool,
}

/// The task that is being polled, and where its waker's data is, to know it again.
#[derive(Clone, Copy)]
struct Current {
    task: Slot,
    waker_data: *const (),
}

/// What other threads reach: the tasks that they woke, and the bell.
struct Remote {
    thread: usize,
    notified: AtomicBool,
    woken: Mutex<Vec<Arc<TaskWaker>>>,
    bell: Option<UnixStream>,
}

struct TaskWaker {
    task: Slot,
    queued: AtomicBool,
    remote: Arc<Remote>,
}

thread_local! {
    /// Its address tells one thread from another.
    static THREAD: u8 = const { 0 };
}

fn this_thread() -> usize {
    THREAD.with(|mark| std::ptr::from_ref(mark).addr())
}

impl Executor {
    /// An executor of this thread. `bell` is written to when another thread wakes a task.
    pub(crate) fn new(tasks_count_max: usize, bell: Option<UnixStream>) -> Executor {
        let remote = Remote {
            thread: this_thread(),
            notified: AtomicBool::new(false),
            woken: Mutex::new(Vec::new()),
            bell,
        };
        Executor {
            tasks: RefCell::new(Slab::new(tasks_count_max)),
            ready: RefCell::new(VecDeque::new()),
            current: Cell::new(None),
            remote: Arc::new(remote),
        }
    }

    /// Makes `future` a task that is ready to run; gives it back when the table is full.
    pub(crate) fn spawn(&self, future: TaskFuture) -> Result<(), TaskFuture> {
        let task = Task { future: Some(future), waker: None, queued: false };
        match self.insert(task) {
            Ok(_) => Ok(()),
            Err(Task { future: Some(future), .. }) => Err(future),
            Err(Task { future: None, .. }) => Ok(()),
        }
    }

    /// A task without a future of its own: what `block_on` polls itself when it is ready.
    pub(crate) fn enter_main(&self) -> Option<Slot> {
        self.insert(Task { future: None, waker: None, queued: false }).ok()
    }

    fn insert(&self, task: Task) -> Result<Slot, Task> {
        let slot = self.tasks.borrow_mut().insert(task)?;
        let waker = TaskWaker {
            task: slot,
            queued: AtomicBool::new(false),
            remote: Arc::clone(&self.remote),
        };
        if let Some(task) = self.tasks.borrow_mut().get_mut(slot) {
            task.waker = Some(Waker::from(Arc::new(waker)));
        }
        self.wake_task(slot);
        Ok(slot)
    }

    /// Forgets a task; its future, if any, drops when no table is borrowed.
    pub(crate) fn remove(&self, task: Slot) {
        let removed = self.tasks.borrow_mut().remove(task);
        drop(removed);
    }

    /// Drops every task; the one that is being polled drops when its poll returns.
    pub(crate) fn clear(&self) {
        let slots: Vec<Slot> = self.tasks.borrow().iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.remove(slot);
        }
        self.ready.borrow_mut().clear();
    }

    pub(crate) fn tasks_count(&self) -> usize {
        self.tasks.borrow().len()
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.borrow().is_empty()
    }

    pub(crate) fn next_ready(&self) -> Option<Slot> {
        self.ready.borrow_mut().pop_front()
    }

    /// Polls a spawned task once, and drops it when it is done.
    pub(crate) fn run(&self, task: Slot) {
        let taken = self.tasks.borrow_mut().get_mut(task).and_then(|entry| {
            entry.queued = false;
            Some((entry.future.take()?, entry.waker.take()?))
        });
        let Some((mut future, waker)) = taken else { return };
        match self.poll_with(task, &waker, future.as_mut()) {
            Poll::Ready(()) => self.remove(task),
            Poll::Pending => {
                if let Some(entry) = self.tasks.borrow_mut().get_mut(task) {
                    entry.future = Some(future);
                    entry.waker = Some(waker);
                }
            }
        }
    }

    /// Polls `future` as the task without one of its own; `None` when that task is gone.
    pub(crate) fn poll_main<T>(
        &self,
        task: Slot,
        future: Pin<&mut impl Future<Output = T>>,
    ) -> Option<Poll<T>> {
        let waker = {
            let mut tasks = self.tasks.borrow_mut();
            let entry = tasks.get_mut(task)?;
            entry.queued = false;
            entry.waker.take()?
        };
        let poll = self.poll_with(task, &waker, future);
        if let Some(entry) = self.tasks.borrow_mut().get_mut(task) {
            entry.waker = Some(waker);
        }
        Some(poll)
    }

    fn poll_with<T>(
        &self,
        task: Slot,
        waker: &Waker,
        future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> Poll<T> {
        self.current.set(Some(Current { task, waker_data: waker.data() }));
        let poll = future.poll(&mut Context::from_waker(waker));
        self.current.set(None);
        poll
    }

    /// Who is to be woken for the future that is polled with `context`.
    pub(crate) fn waiter(&self, context: &Context<'_>) -> Waiter {
        match self.current.get() {
            Some(current) if std::ptr::eq(current.waker_data, context.waker().data()) => {
                Waiter::Task(current.task)
            }
            Some(_) | None => Waiter::Foreign(context.waker().clone()),
        }
    }

    /// Takes whoever waits and makes him ready.
    pub(crate) fn wake(&self, waiter: Waiter) {
        match waiter {
            Waiter::Nobody => {}
            Waiter::Task(task) => self.wake_task(task),
            Waiter::Foreign(waker) => waker.wake(),
        }
    }

    fn wake_task(&self, task: Slot) {
        let mut tasks = self.tasks.borrow_mut();
        if let Some(entry) = tasks.get_mut(task)
            && !entry.queued
        {
            entry.queued = true;
            self.ready.borrow_mut().push_back(task);
        }
    }

    /// Makes every task ready.
    pub(crate) fn wake_all(&self) {
        let slots: Vec<Slot> = self.tasks.borrow().iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.wake_task(slot);
        }
    }

    /// Makes ready what standard wakers woke, here or on other threads. A plain load when nothing.
    pub(crate) fn collect_woken(&self) {
        if !self.remote.notified.load(Ordering::Acquire) {
            return;
        }
        self.remote.notified.store(false, Ordering::SeqCst);
        let mut list = self.remote.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = std::mem::take(&mut *list);
        drop(list);
        for waker in woken {
            waker.queued.store(false, Ordering::SeqCst);
            self.wake_task(waker.task);
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let remote = &self.remote;
        let mut list = remote.woken.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(Arc::clone(self));
        drop(list);
        let first = !remote.notified.swap(true, Ordering::SeqCst);
        if first
            && remote.thread != this_thread()
            && let Some(bell) = &remote.bell
        {
            // A full bell rings already; a closed one has nobody to wake.
            let _ = (&*bell).write(&[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn run_all(executor: &Executor) {
        executor.collect_woken();
        while let Some(task) = executor.next_ready() {
            executor.run(task);
            executor.collect_woken();
        }
    }

    #[test]
    fn a_finished_task_leaves_the_table() {
        let executor = Executor::new(4, None);
        assert!(executor.spawn(Box::pin(async {})).is_ok());
        assert_eq!(executor.tasks_count(), 1);
        run_all(&executor);
        assert_eq!(executor.tasks_count(), 0);
    }

    #[test]
    fn a_full_table_refuses_a_task() {
        let executor = Executor::new(1, None);
        assert!(executor.spawn(Box::pin(std::future::pending())).is_ok());
        assert!(executor.spawn(Box::pin(async {})).is_err());
    }

    #[test]
    fn a_standard_waker_runs_its_task_again_once() {
        let executor = Executor::new(4, None);
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let task = std::future::poll_fn(move |context| {
            counted.set(counted.get() + 1);
            context.waker().wake_by_ref();
            context.waker().wake_by_ref();
            if counted.get() < 3 { Poll::Pending } else { Poll::Ready(()) }
        });
        assert!(executor.spawn(Box::pin(task)).is_ok());
        run_all(&executor);
        assert_eq!(polls.get(), 3);
    }

    #[test]
    fn a_waker_kept_after_its_task_wakes_nobody() {
        let executor = Executor::new(1, None);
        let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
        let keeper = Rc::clone(&kept);
        let task = std::future::poll_fn(move |context| {
            keeper.replace(Some(context.waker().clone()));
            Poll::Ready(())
        });
        assert!(executor.spawn(Box::pin(task)).is_ok());
        run_all(&executor);
        assert!(executor.spawn(Box::pin(std::future::pending())).is_ok());
        run_all(&executor);
        kept.take().unwrap().wake();
        executor.collect_woken();
        assert!(!executor.has_ready());
    }
}
