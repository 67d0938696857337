//! Upstream connections kept open between exchanges: one pool an endpoint, owned by one worker.
//!
//! A pool gives back the connection that was used last (the likeliest to be alive), closes what
//! was idle too long, and bounds how many are open; who finds the bound reached waits in turn.
//! The stage `pool` takes from here and gives back. A pool lives for as long as a cluster or a
//! connection has it, so connections outlive the snapshot under which they were opened, and those
//! of an upstream that is gone are closed with its last exchange.

use crate::limits;
use crate::meters::{Series, UpstreamBlock};
use crate::runtime::{Instant, Runtime, Socket, Waiter as Task};

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};

/// All pools of one worker.
pub struct Pools {
    runtime: Runtime,
    worker: usize,
    pools: RefCell<Vec<Weak<Pool>>>,
}

/// The connections to one endpoint.
pub struct Pool {
    runtime: Runtime,
    worker: usize,
    series: RefCell<Arc<Series<UpstreamBlock>>>,
    /// Idle connections, the one used last at the end.
    idle: RefCell<Vec<Idle>>,
    /// Connections open or being opened, the idle ones included.
    open_count: Cell<u32>,
    /// Of them those that were opened.
    connected_count: Cell<u32>,
    open_max: Cell<u32>,
    idle_max: Cell<usize>,
    waiting: RefCell<VecDeque<Rc<Waiter>>>,
}

struct Idle {
    socket: Socket,
    until: Instant,
}

/// What a pool grants to who asks for a connection.
pub enum Grant {
    /// A connection that carried an exchange before.
    Idle(Socket, Permit),
    /// The right to open a new one.
    Dial(Permit),
}

/// The right to one open connection of a pool; given back when dropped.
pub struct Permit {
    pool: Rc<Pool>,
    /// Whether a connection stands behind it, rather than the wish for one.
    opened: bool,
    /// False once the pool itself holds the connection.
    held: bool,
}

/// An exchange in the queue for a connection.
#[derive(Default)]
struct Waiter {
    granted: RefCell<Option<Grant>>,
    task: RefCell<Task>,
    gone: Cell<bool>,
}

impl Pools {
    /// No pool yet, for the worker of this number.
    pub fn new(runtime: Runtime, worker: usize) -> Self {
        Self { runtime, worker, pools: RefCell::default() }
    }

    /// A new pool that takes in nothing until it is given its bounds.
    pub fn add(&self, series: &Arc<Series<UpstreamBlock>>) -> Rc<Pool> {
        let pool = Rc::new(Pool {
            runtime: self.runtime.clone(),
            worker: self.worker,
            series: RefCell::new(series.clone()),
            idle: RefCell::default(),
            open_count: Cell::new(0),
            connected_count: Cell::new(0),
            open_max: Cell::new(0),
            idle_max: Cell::new(0),
            waiting: RefCell::default(),
        });
        self.pools.borrow_mut().push(Rc::downgrade(&pool));
        pool
    }

    /// Closes connections that died or were idle too long, in steps that others run between.
    pub async fn sweep(&self) {
        let mut at = 0;
        loop {
            let now = self.runtime.now();
            let end = at + limits::POOLS_SWEPT_MAX;
            while at < end {
                let Some(pool) = self.at(at) else { return };
                match pool {
                    Some(pool) => {
                        pool.close_where(|idle| idle.until <= now || idle.socket.is_dead());
                        at += 1;
                    }
                    None => drop(self.pools.borrow_mut().swap_remove(at)),
                }
            }
            self.runtime.yield_now().await;
        }
    }

    /// Closes every idle connection: nothing new will be asked for.
    pub fn close_idle(&self) {
        let pools: Vec<Rc<Pool>> = self.pools.borrow().iter().filter_map(Weak::upgrade).collect();
        pools.iter().for_each(Pool::close_idle);
    }

    fn at(&self, index: usize) -> Option<Option<Rc<Pool>>> {
        self.pools.borrow().get(index).map(Weak::upgrade)
    }
}

impl Pool {
    /// What holds for it from now on.
    pub fn bound(&self, open_max: u32, idle_max: usize) {
        self.open_max.set(open_max);
        self.idle_max.set(idle_max);
    }

    /// Counts in this series from now on, what is open included.
    pub fn count_in(&self, series: &Arc<Series<UpstreamBlock>>) {
        let old = self.series.borrow().clone();
        if Arc::ptr_eq(&old, series) {
            return;
        }
        let (from, to) = (old.of(self.worker), series.of(self.worker));
        let idle_count = self.idle.borrow().len() as u64;
        from.idle.subtract(idle_count);
        to.idle.add(idle_count);
        from.open.subtract(u64::from(self.connected_count.get()));
        to.open.add(u64::from(self.connected_count.get()));
        *self.series.borrow_mut() = series.clone();
    }

    fn count<T>(&self, count: impl FnOnce(&UpstreamBlock) -> T) -> T {
        count(self.series.borrow().of(self.worker))
    }

    /// Closes its idle connections.
    pub fn close_idle(self: &Rc<Self>) {
        self.close_where(|_| true);
    }

    fn close_where(self: &Rc<Self>, closes: impl Fn(&Idle) -> bool) {
        let closed_count = {
            let mut idle = self.idle.borrow_mut();
            let before_count = idle.len();
            idle.retain(|idle| !closes(idle));
            before_count - idle.len()
        };
        for _ in 0..closed_count {
            drop(self.unpark(false));
        }
    }

    /// The permit of a connection that has just left the pool's idle ones.
    fn unpark(self: &Rc<Self>, reused: bool) -> Permit {
        self.count(|block| block.checked_out(reused));
        Permit { pool: self.clone(), opened: true, held: true }
    }

    /// A connection or a permit that can be had at once.
    pub fn take(self: &Rc<Self>) -> Option<Grant> {
        let now = self.runtime.now();
        loop {
            let Some(idle) = self.idle.borrow_mut().pop() else { break };
            // One that is overdue may be closing at its other end just now.
            let is_dead = idle.until <= now || idle.socket.is_dead();
            let permit = self.unpark(!is_dead);
            if !is_dead {
                return Some(Grant::Idle(idle.socket, permit));
            }
        }
        if self.open_count.get() >= self.open_max.get() {
            return None;
        }
        self.open_count.set(self.open_count.get() + 1);
        Some(Grant::Dial(Permit { pool: self.clone(), opened: false, held: true }))
    }

    /// A place in the queue for a connection; none where too many wait already.
    pub fn enqueue(&self) -> Option<Waiting> {
        self.count(|block| block.full.add(1));
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= limits::POOL_WAITING_MAX {
            waiting.retain(|waiter| !waiter.gone.get());
        }
        if waiting.len() >= limits::POOL_WAITING_MAX {
            return None;
        }
        let waiter = Rc::new(Waiter::default());
        waiting.push_back(waiter.clone());
        Some(Waiting(waiter))
    }

    /// One connection fewer is open: the first that waits may open another.
    fn release(self: &Rc<Self>, opened: bool) {
        debug_assert!(self.open_count.get() > 0);
        if opened {
            self.closed();
        }
        match self.next_waiter() {
            // The place of the one that closed goes to the one that waited.
            Some(waiter) => {
                let permit = Permit { pool: self.clone(), opened: false, held: true };
                self.grant(&waiter, Grant::Dial(permit));
            }
            None => self.open_count.set(self.open_count.get() - 1),
        }
    }

    fn closed(&self) {
        self.count(UpstreamBlock::closed);
        self.connected_count.set(self.connected_count.get() - 1);
    }

    fn grant(&self, waiter: &Waiter, grant: Grant) {
        *waiter.granted.borrow_mut() = Some(grant);
        self.runtime.wake(waiter.task.take());
    }

    fn next_waiter(&self) -> Option<Rc<Waiter>> {
        let mut waiting = self.waiting.borrow_mut();
        loop {
            let waiter = waiting.pop_front()?;
            if !waiter.gone.get() {
                return Some(waiter);
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Who has a permit has the pool: what is left is idle.
        for _ in 0..self.idle.borrow().len() {
            self.count(|block| block.checked_out(false));
            self.closed();
        }
    }
}

impl Permit {
    /// Notes that the connection it stands for was opened.
    pub fn opened(&mut self) {
        self.opened = true;
        self.pool.connected_count.set(self.pool.connected_count.get() + 1);
        self.pool.count(UpstreamBlock::connected);
    }

    /// The permit without the connection that stood behind it: another may be opened instead.
    pub fn emptied(mut self) -> Self {
        if std::mem::take(&mut self.opened) {
            self.pool.closed();
        }
        self
    }

    /// Gives a connection to the first that waits, else keeps it, else closes it.
    pub fn park(mut self, socket: Socket, until: Instant) {
        let pool = self.pool.clone();
        if let Some(waiter) = pool.next_waiter() {
            return pool.grant(&waiter, Grant::Idle(socket, self));
        }
        let mut idle = pool.idle.borrow_mut();
        // More may be open than may be now, since a configuration lowered the bound.
        let has_room = pool.open_count.get() <= pool.open_max.get();
        if has_room && idle.len() < pool.idle_max.get() {
            socket.watch();
            self.held = false;
            pool.count(UpstreamBlock::checked_in);
            idle.push(Idle { socket, until });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.held {
            self.pool.release(self.opened);
        }
    }
}

/// A place in the queue for a connection.
///
/// Marks its waiter as gone when the wait ends, however it ends; a grant that came too late is
/// dropped with it and so goes to the next.
pub struct Waiting(Rc<Waiter>);

impl Waiting {
    /// What was granted; until then the task that asked last is woken by the grant.
    pub fn poll_granted(&self, runtime: &Runtime, context: &mut Context<'_>) -> Poll<Grant> {
        let granted = self.0.granted.borrow_mut().take();
        match granted {
            Some(grant) => Poll::Ready(grant),
            None => {
                *self.0.task.borrow_mut() = runtime.waiter(context);
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.gone.set(true);
        let late = self.0.granted.borrow_mut().take();
        drop(late);
    }
}
