//! Upstream connections kept open between exchanges: one pool an endpoint, owned by one worker.
//!
//! A pool gives back the connection that was used last (the likeliest to be alive), closes what
//! was idle too long, and bounds how many are open; who finds the bound reached waits in turn.
//! The stage `pool` takes from here and gives back.

use crate::bridge::metrics::WorkerBlock;
use crate::limits;
use crate::runtime::{Instant, Runtime, Socket, Waiter as Task};
use crate::snapshot::{Endpoint, UpstreamId};

use hashbrown::HashMap;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// All pools of one worker. A pool keeps its index for the worker's life, so that connections
/// outlive the snapshot under which they were opened.
pub struct Pools {
    runtime: Runtime,
    block: Arc<WorkerBlock>,
    pools: RefCell<Vec<Pool>>,
    by_endpoint: RefCell<HashMap<(UpstreamId, SocketAddr), usize, foldhash::fast::RandomState>>,
}

struct Pool {
    upstream: UpstreamId,
    /// Idle connections, the one used last at the end.
    idle: Vec<Idle>,
    /// Connections open or being opened, the idle ones included.
    open_count: u32,
    open_max: u32,
    idle_max: usize,
    waiting: VecDeque<Rc<Waiter>>,
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
    pools: Rc<Pools>,
    pool: usize,
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
    /// No pool yet; what happens in them is counted in `block`.
    pub fn new(runtime: Runtime, block: Arc<WorkerBlock>) -> Self {
        Self { runtime, block, pools: RefCell::default(), by_endpoint: RefCell::default() }
    }

    /// The index of the pool of an endpoint, made if it is new, with its present bounds.
    pub fn index(&self, endpoint: &Endpoint, open_max: u32, idle_max: usize) -> usize {
        let mut pools = self.pools.borrow_mut();
        let key = (endpoint.upstream, endpoint.address);
        let index = *self.by_endpoint.borrow_mut().entry(key).or_insert(pools.len());
        if let Some(pool) = pools.get_mut(index) {
            pool.open_max = open_max;
            pool.idle_max = idle_max;
            return index;
        }
        pools.push(Pool {
            upstream: endpoint.upstream,
            idle: Vec::new(),
            open_count: 0,
            open_max,
            idle_max,
            waiting: VecDeque::new(),
        });
        index
    }

    /// Closes connections that died or were idle too long.
    pub fn sweep(self: &Rc<Self>, now: Instant) {
        self.close_where(|idle| idle.until <= now || idle.socket.is_dead());
    }

    /// Closes every idle connection: nothing new will be asked for.
    pub fn close_idle(self: &Rc<Self>) {
        self.close_where(|_| true);
    }

    /// Closes the idle connections of one pool.
    pub fn close_idle_in(self: &Rc<Self>, pool: usize) {
        self.close_idle_of(pool, |_| true);
    }

    fn close_where(self: &Rc<Self>, closes: impl Fn(&Idle) -> bool) {
        let count = self.pools.borrow().len();
        for pool in 0..count {
            self.close_idle_of(pool, &closes);
        }
    }

    fn close_idle_of(self: &Rc<Self>, pool: usize, closes: impl Fn(&Idle) -> bool) {
        let closed_count = {
            let idle = &mut self.pools.borrow_mut()[pool].idle;
            let before_count = idle.len();
            idle.retain(|idle| !closes(idle));
            before_count - idle.len()
        };
        for _ in 0..closed_count {
            drop(self.unpark(pool, false));
        }
    }

    /// The permit of a connection that has just left the pool's idle ones.
    fn unpark(self: &Rc<Self>, pool: usize, reused: bool) -> Permit {
        self.block.upstream_checked_out(self.pools.borrow()[pool].upstream, reused);
        Permit { pools: self.clone(), pool, opened: true, held: true }
    }

    /// A connection or a permit that can be had at once.
    pub fn take(self: &Rc<Self>, pool: usize) -> Option<Grant> {
        let now = self.runtime.now();
        loop {
            let Some(idle) = self.pools.borrow_mut()[pool].idle.pop() else { break };
            // One that is overdue may be closing at its other end just now.
            let is_dead = idle.until <= now || idle.socket.is_dead();
            let permit = self.unpark(pool, !is_dead);
            if !is_dead {
                return Some(Grant::Idle(idle.socket, permit));
            }
        }
        let entry = &mut self.pools.borrow_mut()[pool];
        if entry.open_count >= entry.open_max {
            return None;
        }
        entry.open_count += 1;
        Some(Grant::Dial(Permit { pools: self.clone(), pool, opened: false, held: true }))
    }

    /// A place in the queue for a connection; none where too many wait already.
    pub fn enqueue(&self, pool: usize) -> Option<Waiting> {
        let entry = &mut self.pools.borrow_mut()[pool];
        self.block.upstream_full(entry.upstream);
        if entry.waiting.len() >= limits::POOL_WAITING_MAX {
            entry.waiting.retain(|waiter| !waiter.gone.get());
        }
        if entry.waiting.len() >= limits::POOL_WAITING_MAX {
            return None;
        }
        let waiter = Rc::new(Waiter::default());
        entry.waiting.push_back(waiter.clone());
        Some(Waiting(waiter))
    }

    /// One connection fewer is open: the first that waits may open another.
    fn release(self: &Rc<Self>, pool: usize, opened: bool) {
        let waiter = {
            let entry = &mut self.pools.borrow_mut()[pool];
            debug_assert!(entry.open_count > 0);
            if opened {
                self.block.upstream_closed(entry.upstream);
            }
            let waiter = entry.next_waiter();
            // The place of the one that closed goes to the one that waited.
            entry.open_count -= u32::from(waiter.is_none());
            waiter
        };
        if let Some(waiter) = waiter {
            let permit = Permit { pools: self.clone(), pool, opened: false, held: true };
            self.grant(&waiter, Grant::Dial(permit));
        }
    }

    /// Gives a connection to the first that waits, else keeps it, else closes it.
    pub fn park(&self, socket: Socket, mut permit: Permit, until: Instant) {
        let waiter = self.pools.borrow_mut()[permit.pool].next_waiter();
        if let Some(waiter) = waiter {
            return self.grant(&waiter, Grant::Idle(socket, permit));
        }
        let entry = &mut self.pools.borrow_mut()[permit.pool];
        if entry.idle.len() < entry.idle_max {
            socket.watch();
            permit.held = false;
            self.block.upstream_checked_in(entry.upstream);
            entry.idle.push(Idle { socket, until });
        }
    }

    fn grant(&self, waiter: &Waiter, grant: Grant) {
        *waiter.granted.borrow_mut() = Some(grant);
        self.runtime.wake(waiter.task.take());
    }
}

impl Pool {
    fn next_waiter(&mut self) -> Option<Rc<Waiter>> {
        loop {
            let waiter = self.waiting.pop_front()?;
            if !waiter.gone.get() {
                return Some(waiter);
            }
        }
    }
}

impl Permit {
    /// Notes that the connection it stands for was opened.
    pub fn opened(&mut self) {
        self.opened = true;
        self.pools.block.upstream_connected(self.pools.pools.borrow()[self.pool].upstream);
    }
}

impl Permit {
    /// The permit without the connection that stood behind it: another may be opened instead.
    pub fn emptied(mut self) -> Self {
        if std::mem::take(&mut self.opened) {
            self.pools.block.upstream_closed(self.pools.pools.borrow()[self.pool].upstream);
        }
        self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.held {
            self.pools.release(self.pool, self.opened);
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
