//! Upstream connections kept open between exchanges: one pool an endpoint, owned by one worker.
//!
//! A pool gives back the connection that was used last (the likeliest to be alive), closes what
//! was idle too long, and bounds how many are open; who finds the bound reached waits in turn.

use crate::bridge::metrics::WorkerBlock;
use crate::bridge::reason::Reason;
use crate::limits;
use crate::runtime::{Instant, Runtime, Socket, Waiter as Task};
use crate::snapshot::{Endpoint, UpstreamId};

use super::exchange::{Client, Exchange, Upstream};
use super::failure::Failure;
use super::worker::Worker;

use hashbrown::HashMap;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

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
    fn take(self: &Rc<Self>, pool: usize) -> Option<Grant> {
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

    fn enqueue(&self, pool: usize) -> Option<Rc<Waiter>> {
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
        Some(waiter)
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
    fn park(&self, socket: Socket, mut permit: Permit, until: Instant) {
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

    /// The permit without the connection that stood behind it: another may be opened instead.
    fn emptied(mut self) -> Self {
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

/// Marks its waiter as gone when the wait ends, however it ends; a grant that came too late is
/// dropped with it and so goes to the next.
struct Waiting(Rc<Waiter>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.gone.set(true);
        let late = self.0.granted.borrow_mut().take();
        drop(late);
    }
}

/// An idle connection of the pool, or the right to open one; waits in turn while all are in use.
///
/// With `fresh`, the idle ones are closed first: one of them has just turned out to be dead, and
/// what closed it has most likely closed the others.
///
/// # Errors
/// [`Reason::UpstreamConnectionsFull`] where too many wait already, or the wait took longer than
/// connecting may; [`Reason::TotalTimeout`] where the whole exchange did.
pub async fn check_out(
    worker: &Worker,
    client: &Client,
    exchange: &Exchange,
    pool: usize,
    fresh: bool,
) -> Result<Grant, Failure> {
    if fresh {
        worker.pools.close_idle_of(pool, |_| true);
    }
    if let Some(grant) = worker.pools.take(pool) {
        return Ok(grant);
    }
    let Some(waiter) = worker.pools.enqueue(pool) else {
        return Err(Failure::new(Reason::UpstreamConnectionsFull));
    };
    let total = exchange.facts.total_deadline.unwrap_or(Instant::NEVER);
    let until = worker.runtime.now().plus_ns(exchange.timeouts().connect_ns);
    client.timer.set(until.min(total));
    let waiting = Waiting(waiter);
    let granted = std::future::poll_fn(|context| {
        let waiter = &waiting.0;
        let granted = waiter.granted.borrow_mut().take();
        match granted {
            Some(grant) => Poll::Ready(grant),
            None => {
                *waiter.task.borrow_mut() = worker.runtime.waiter(context);
                Poll::Pending
            }
        }
    });
    match client.timer.limit(granted).await {
        // It may have ended, or said more than it was asked, since it was granted.
        Ok(Grant::Idle(socket, permit)) if socket.is_dead() => Ok(Grant::Dial(permit.emptied())),
        Ok(grant) => Ok(grant),
        Err(_) if total <= until => Err(Failure::new(Reason::TotalTimeout)),
        Err(_) => Err(Failure::new(Reason::UpstreamConnectionsFull)),
    }
}

/// Keeps a connection whose exchange ended cleanly for another one, or closes it.
pub fn check_in(worker: &Worker, upstream: Upstream, exchange: &Exchange) {
    let Upstream { socket, input, permit, .. } = upstream;
    let is_clean = input.is_empty() && socket.is_quiet() && socket.queued_bytes() == 0;
    if !is_clean || worker.is_draining() {
        return;
    }
    let configured_ns = exchange.generation.snapshot.pool.idle_timeout_ns;
    let idle_max_ns = configured_ns.min(exchange.facts.upstream_keeps_ns);
    // Up to a tenth less, so that connections opened together do not all end together.
    let jitter_ns = worker.random_below(idle_max_ns / 10);
    let until = worker.runtime.now().plus_ns(idle_max_ns - jitter_ns);
    worker.pools.park(socket, permit, until);
}
