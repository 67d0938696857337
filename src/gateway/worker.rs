//! One worker's thread, from its ring to its end.

use super::thread;
use crate::bridge::mailbox::Acceptor;
use crate::bridge::metrics::WorkerState;
use crate::bridge::{WorkerBlock, log, mailbox, question};
use crate::error::StartError;
use crate::proxy::worker::{Parts, Worker};
use crate::runtime::{self, Errno, Listener, Runtime};

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};

/// What one worker's thread is started with.
pub(super) struct Plan {
    pub(super) number: usize,
    pub(super) count: usize,
    pub(super) core: Option<usize>,
    pub(super) options: runtime::Options,
    pub(super) bound: Vec<Acceptor>,
    pub(super) receiver: mailbox::Receiver,
    pub(super) asker: question::Asker,
    pub(super) block: Arc<WorkerBlock>,
    pub(super) log: Option<log::Writer>,
}

pub(super) type Told = mpsc::Sender<Result<(), runtime::StartFault>>;

pub(super) fn spawn(mut plan: Plan, told: Told) -> Result<JoinHandle<()>, StartError> {
    let number = plan.number;
    let builder = Builder::new().name(format!("frys-worker-{number}"));
    // Control hears of the end when nothing of the worker is left, also where it panicked.
    let life = plan.receiver.take_life();
    let run = move || {
        let _life = life;
        serve(plan, told);
    };
    builder.spawn(run).map_err(|source| thread(number, source))
}

/// One worker's whole life, on its own thread.
fn serve(plan: Plan, told: Told) {
    if let Some(core) = plan.core {
        // Where the core went away since the list was made, the worker runs unpinned.
        let _ = runtime::pin(core);
    }
    let started = Runtime::new(&plan.options).and_then(|runtime| {
        let listeners = plan.bound.into_iter().map(|bound| open(bound, &runtime));
        let listeners = listeners.collect::<Result<Vec<Listener>, _>>();
        listeners.map(|listeners| (runtime, listeners)).map_err(runtime::StartFault::of)
    });
    let (runtime, listeners) = match started {
        Ok(started) => started,
        Err(fault) => {
            // Nobody hears it where another worker's fault has already ended the start.
            let _ = told.send(Err(fault));
            return;
        }
    };
    // Nobody hears it where another worker's fault has already ended the start.
    let _ = told.send(Ok(()));
    drop(told);
    if let Some(thread) = thread_number() {
        plan.block.run_on(thread);
    }
    let block = Arc::clone(&plan.block);
    let worker = Worker::new(Parts {
        runtime: runtime.clone(),
        number: plan.number,
        count: plan.count,
        block: plan.block,
        log: plan.log,
        seed: seed(plan.number),
    });
    worker.ask_through(plan.asker);
    let run = AssertUnwindSafe(|| runtime.block_on(worker.run(listeners, plan.receiver)));
    let ended = catch_unwind(run);
    // What the tasks hold keeps the ring open, and they are kept by it: without this a worker that
    // panicked would go on listening, and nobody would accept.
    runtime.shutdown();
    block.enter(WorkerState::Ended);
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}

fn open(acceptor: Acceptor, runtime: &Runtime) -> Result<Listener, Errno> {
    match acceptor {
        Acceptor::Tcp(listener) => runtime.listen(listener),
        Acceptor::Unix(listener) => runtime.listen_unix(listener),
    }
}

/// The system's number of the calling thread: the name to which `/proc/thread-self` leads.
fn thread_number() -> Option<u64> {
    std::fs::read_link("/proc/thread-self").ok()?.file_name()?.to_str()?.parse().ok()
}

/// A number that differs from worker to worker and from start to start.
fn seed(number: usize) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(number)
}
