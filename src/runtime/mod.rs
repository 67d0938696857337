//! One thread's event loop: tasks, sockets, files, timers and buffers over an io_uring ring, or
//! over a simulated network in tests.
//!
//! A runtime belongs to the thread that made it. Its loop runs in turns: run what is ready, submit
//! what that queued and wait in the same system call, hear what completed. The clock is read once
//! a turn. `docs/architecture.md` says which four rules keep the ring safe.

mod errno;
mod start;
mod affinity;
mod clock;
mod core;
mod executor;
mod timer;
mod alarm;
mod wheel;
mod driver;
mod descriptor;
mod operation;
mod ring;
mod kernel;
mod buffers;
mod listener;
mod dial;
mod socket;
mod file;
#[cfg(any(test, feature = "__simulation"))]
pub mod simulated;
#[cfg(not(any(test, feature = "__simulation")))]
#[path = "simulated/absent.rs"]
mod simulated;

pub use affinity::{cores, pin};
pub use buffers::Lease;
pub use clock::{Instant, WallTime};
pub use errno::Errno;
pub use executor::Waiter;
pub use file::{File, Folder, Kind, Metadata};
pub(crate) use kernel::{give_back_memory, step_back};
pub use listener::Listener;
pub use operation::{Address, Part, Segment};
pub use ring::TaskRun;
pub use socket::{Pipe, Side, Socket, TransferFault};
pub use start::{Refusal, StartFault, locked_memory_limit, open_files_limit};
pub use timer::{Expired, Timer};

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::limits;
use crate::memory::{Blocks, Slab};

use self::alarm::Alarm;
use self::buffers::Buffers;
use self::clock::Clock;
use self::core::{Core, TurnSample};
use self::descriptor::Descriptor;
use self::dial::Dial;
use self::driver::Driver;
use self::executor::Executor;
use self::file::table::Files;
use self::ring::Ring;
use self::socket::table::Sockets;
use self::wheel::Wheel;

/// A handle of one thread's event loop. Clones are handles of the same loop.
#[derive(Clone)]
pub struct Runtime {
    core: Rc<Core>,
}

/// How large a runtime's tables are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Entries of the submission queue. More in one turn cost a system call each time it fills.
    pub entries_count: u32,
    /// Receive buffers, a power of two.
    pub buffers_count: u16,
    /// Bytes of a receive buffer.
    pub buffer_bytes: u32,
    /// Sockets open at once, of clients and upstreams together.
    pub sockets_count_max: usize,
    /// Bytes that a fresh block has room for.
    pub block_bytes: usize,
    /// Unused blocks that are kept.
    pub blocks_free_count_max: usize,
    /// What its time counts from; none is its own start. Runtimes that compare times with each
    /// other count from the same moment.
    pub epoch: Option<std::time::Instant>,
}

impl Default for Options {
    /// The set that was measured: 256 buffers (32 cost up to 30 % on small requests) of 32 KiB
    /// (2 to 4 KiB halve the rate of large bodies).
    fn default() -> Self {
        Options {
            entries_count: 1024,
            buffers_count: 256,
            buffer_bytes: 32 * 1024,
            sockets_count_max: 32 * 1024,
            block_bytes: 1024,
            blocks_free_count_max: 1024,
            epoch: None,
        }
    }
}

/// Exact counts since the start, and what is open now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Turns of the loop.
    pub turns: u64,
    /// System calls that entered the ring.
    pub enters: u64,
    /// Submission queue entries.
    pub entries: u64,
    /// Completion queue entries.
    pub completions: u64,
    /// Completions for operations that were already gone; anything but zero is a defect.
    pub stale_completions: u64,
    /// Operations in flight now.
    pub operations_in_flight: usize,
    /// Bytes copied in user space by the runtime.
    pub copied_bytes: u64,
    /// Receive buffers that leases hold now.
    pub buffers_out: usize,
    /// Blocks in use now.
    pub blocks_out: usize,
    /// Blocks that had to be allocated.
    pub blocks_allocated: u64,
    /// Sockets open now.
    pub sockets_open: usize,
    /// Files open now, or being opened.
    pub files_open: usize,
    /// Receives that found no buffer.
    pub receives_starved: u64,
    /// Tasks now.
    pub tasks: usize,
    /// Timers now.
    pub timers: usize,
}

impl Runtime {
    /// Sets up a ring for the calling thread.
    ///
    /// # Errors
    /// What refused the ring, or the memory and descriptors that it needs.
    pub fn new(options: &Options) -> Result<Runtime, StartFault> {
        let set_up = || -> Result<Runtime, Errno> {
            let buffers = Buffers::new(options.buffers_count, options.buffer_bytes)?;
            let operations_count_max = limits::operations_count_max(options.sockets_count_max);
            let ring = Ring::new(options.entries_count, operations_count_max, &buffers)?;
            let (bell, heard) = UnixStream::pair().map_err(|error| Errno::of(&error))?;
            bell.set_nonblocking(true).map_err(|error| Errno::of(&error))?;
            let runtime = Runtime::assemble(
                options,
                Driver::Ring(Box::new(ring)),
                buffers,
                Clock::real(options.epoch),
                Some(bell),
            );
            runtime.listen_to_bell(heard);
            Ok(runtime)
        };
        set_up().map_err(StartFault::of)
    }

    fn assemble(
        options: &Options,
        driver: Driver,
        buffers: Buffers,
        clock: Clock,
        bell: Option<UnixStream>,
    ) -> Runtime {
        let sockets_count_max = options.sockets_count_max;
        let core = Core {
            executor: Executor::new(limits::tasks_count_max(sockets_count_max), bell),
            sockets: Sockets::new(sockets_count_max).into(),
            listeners: Slab::new(limits::LISTENERS_COUNT_MAX).into(),
            dials: Slab::new(sockets_count_max).into(),
            wheel: Wheel::new(limits::timers_count_max(sockets_count_max)).into(),
            alarm: Alarm::default(),
            clock,
            blocks: Blocks::new(options.blocks_free_count_max, options.block_bytes),
            buffers,
            driver: driver.into(),
            files: Files::new(sockets_count_max).into(),
            chunks: Blocks::new(limits::FILE_CHUNKS_FREE_COUNT_MAX, limits::FILE_CHUNK_BYTES),
            pipes: Vec::new().into(),
            turns: 0.into(),
            copied_bytes: 0.into(),
            running: false.into(),
            after_turn: None.into(),
            turn_sample: None.into(),
            untimed_turns: 0.into(),
        };
        Runtime { core: Rc::new(core) }
    }

    /// The bell of standard wakers only has to end the wait: what it brings is thrown away.
    fn listen_to_bell(&self, heard: UnixStream) {
        let core = &*self.core;
        let mut sockets = core.sockets.borrow_mut();
        if let Ok(bell) = sockets.insert(Descriptor::Kernel(heard.into())) {
            sockets.discard(bell, &mut core.driver.borrow_mut());
        }
    }

    /// Turns the loop until `future` is ready. Spawned tasks run meanwhile.
    ///
    /// # Panics
    /// When a task panics, when called within itself, and when the ring fails.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let core = &*self.core;
        assert!(!core.running.replace(true), "block_on within block_on");
        let _stops = Stops(core);
        let main = core.executor.enter_main().expect("the table of tasks has room for one more");
        let mut future = pin!(future);
        core.clock.turn(core.driver.borrow().simulated_now_ns());
        loop {
            while core.run_ready(|task| task == main) {
                if let Some(Poll::Ready(value)) = core.executor.poll_main(main, future.as_mut()) {
                    core.executor.remove(main);
                    core.enter(Some(Duration::ZERO));
                    return value;
                }
            }
            core.enter(None);
            self.look();
        }
    }

    fn look(&self) {
        let after_turn = self.core.after_turn.borrow().clone();
        if let Some(after_turn) = after_turn {
            after_turn(self);
        }
    }

    /// Makes `future` a task. When there are as many tasks as may be, it is dropped.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        // The refused future drops here, and closes what it holds.
        let _ = self.core.executor.spawn(Box::pin(future));
    }

    /// Tasks that are not finished.
    pub fn tasks_count(&self) -> usize {
        self.counters().tasks
    }

    /// The time of this turn.
    pub fn now(&self) -> Instant {
        self.core.now()
    }

    /// The time now, read from the system: for the few measurements of what fits into one turn.
    pub fn precise(&self) -> Instant {
        self.core.clock.precise()
    }

    /// Tells `tell` of one turn in `every` how many nanoseconds passed between the loop's look at
    /// what happened and its next system call. `tell` must not call this again.
    pub fn sample_turns(&self, every: u32, tell: impl Fn(u64) + 'static) {
        let sample = TurnSample { every: every.max(1), tell: Box::new(tell) };
        *self.core.turn_sample.borrow_mut() = Some(sample);
        self.core.untimed_turns.set(1);
    }

    /// Unix time of this turn.
    pub fn wall(&self) -> WallTime {
        self.core.clock.wall()
    }

    /// The pool of blocks.
    pub fn blocks(&self) -> &Blocks {
        &self.core.blocks
    }

    /// The pool of blocks for parts of files: [`limits::FILE_CHUNK_BYTES`] each.
    pub fn chunks(&self) -> &Blocks {
        &self.core.chunks
    }

    /// Accepts from a listener that was bound by the caller. Accepted sockets inherit
    /// `TCP_NODELAY`.
    ///
    /// # Errors
    /// The option was refused, or there are too many listeners.
    pub fn listen(&self, listener: TcpListener) -> Result<Listener, Errno> {
        let fd = OwnedFd::from(listener);
        socket2::SockRef::from(&fd).set_tcp_nodelay(true).map_err(|error| Errno::of(&error))?;
        Listener::new(&self.core, Descriptor::Kernel(fd))
    }

    /// Accepts from a Unix socket.
    ///
    /// # Errors
    /// There are too many listeners.
    pub fn listen_unix(&self, listener: UnixListener) -> Result<Listener, Errno> {
        Listener::new(&self.core, Descriptor::Kernel(listener.into()))
    }

    /// Starts connecting, with `TCP_NODELAY`. Dropping the future cancels it; no descriptor leaks.
    ///
    /// The future's error is what the kernel answered, `EMFILE` when the runtime has as many
    /// sockets as it may.
    pub fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Socket, Errno>> + use<> {
        Dial::new(&self.core, address)
    }

    /// Takes in a connected stream socket that was made elsewhere.
    ///
    /// # Panics
    /// When the runtime has as many sockets as it may: only meant for the start.
    pub fn adopt(&self, fd: OwnedFd) -> Socket {
        // Only a transfer needs it, and one that blocks is slow, not wrong.
        let _ = socket2::SockRef::from(&fd).set_nonblocking(true);
        Socket::new(&self.core, Descriptor::Kernel(fd)).expect("adopted before the table is full")
    }

    /// What a transfer moves bytes through; opened when it is first used.
    pub fn pipe(&self) -> Pipe {
        Pipe::new(&self.core)
    }

    /// A timer that is not set.
    pub fn timer(&self) -> Timer {
        Timer::new(&self.core)
    }

    /// Waits until the clock has passed `at`.
    pub fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + use<> {
        let timer = self.timer();
        async move {
            timer.set(at);
            let Err(Expired) =
                timer.limit(std::future::pending::<std::convert::Infallible>()).await;
        }
    }

    /// Waits until `at` as exactly as the kernel's high-resolution timers wake this thread, where
    /// [`Runtime::sleep_until`] is exact to 1 ms. One task at a time may wait so.
    pub async fn alarm(&self, at: Instant) {
        let core = &*self.core;
        poll_fn(|context| core.alarm.poll(core.now(), at, || core.executor.waiter(context))).await;
    }

    /// Hands all queued bytes to the kernel now, at the price of a system call, instead of at the
    /// end of the turn; the time after it, read anew. For whoever must know when bytes left.
    pub fn submit(&self) -> Instant {
        self.core.submit();
        self.core.clock.read()
    }

    /// Lets every other ready task run first.
    pub fn yield_now(&self) -> impl Future<Output = ()> + use<> {
        let core = Rc::clone(&self.core);
        let mut yielded = false;
        poll_fn(move |context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            core.executor.wake(core.executor.waiter(context));
            Poll::Pending
        })
    }

    /// Makes every task ready, so that each looks again at what it waits for.
    pub fn wake_all(&self) {
        self.core.executor.wake_all();
    }

    /// Who is to be woken for the future that is polled with `context`: for queues of waiting
    /// tasks, at no cost of a standard waker.
    pub fn waiter(&self, context: &Context<'_>) -> Waiter {
        self.core.executor.waiter(context)
    }

    /// Wakes whoever waits.
    pub fn wake(&self, waiter: Waiter) {
        self.core.executor.wake(waiter);
    }

    /// What happened so far, and what is open.
    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// How the ring brings completions; `None` when simulated.
    pub fn task_run(&self) -> Option<TaskRun> {
        match &*self.core.driver.borrow() {
            Driver::Ring(ring) => Some(ring.task_run()),
            Driver::Simulated(_) => None,
        }
    }

    /// Whether the runtime's parts agree on what is in flight and where each buffer is.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self) -> Result<(), String> {
        self.core.check()
    }

    /// Drops all tasks, closes all sockets with what they still queue, and waits, a bounded time,
    /// until nothing is in flight. Tasks that hold handles of their runtime keep it alive until
    /// then: a loop that ends calls this last.
    ///
    /// # Panics
    /// When called within `block_on`.
    pub fn shutdown(&self) {
        let core = &*self.core;
        assert!(!core.running.get(), "shutdown within block_on");
        core.executor.clear();
        self.settle(limits::SHUTDOWN_LINGER_MS_MAX, || !core.sockets.borrow().has_lingering());
        core.close_all();
        self.settle(limits::RING_DRAIN_MS_MAX, || core.driver.borrow().in_flight() == 0);
    }

    /// Turns until `done`, at most `milliseconds`.
    fn settle(&self, milliseconds: u64, done: impl Fn() -> bool) {
        let core = &*self.core;
        core.enter(Some(Duration::ZERO));
        let deadline = core.now().plus_ms(milliseconds);
        while !done() && core.now() < deadline {
            core.enter(Some(deadline.since(core.now())));
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Runtime").field(&self.counters()).finish()
    }
}

/// Marks the loop as not running, also when a task panics.
struct Stops<'a>(&'a Core);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.running.set(false);
    }
}

#[cfg(test)]
mod tests;
