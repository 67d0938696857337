//! One thread of the load generator: who sends the next request, and when.

use crate::limits;
use crate::runtime::{Instant, Runtime, Waiter};

use super::connection::Connection;
use super::plan::{Load, Pace, Request};
use super::random::Random;
use super::recorder::{Failed, Piece, Recorder};
use super::schedule::{Part, Schedule};

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

/// What a thread of the generator is made of.
pub struct Parts {
    /// The loop of this thread.
    pub runtime: Runtime,
    /// What to do; the same for all threads.
    pub load: Arc<Load>,
    /// This thread's part of it.
    pub part: Part,
    /// How long a piece of the run is.
    pub piece: Duration,
    /// Told when the seconds that count begin, and of each piece when it is over.
    pub tell: Box<dyn Fn(Told)>,
    /// CPU time of this thread so far; zero where it is not known.
    pub cpu_time: fn() -> Duration,
    /// When set, the run ends early, with what was counted by then.
    pub stop: Arc<AtomicBool>,
}

/// One thread's state, shared by its connections' tasks.
pub struct Worker {
    pub(super) runtime: Runtime,
    pub(super) load: Arc<Load>,
    pub(super) recorder: RefCell<Recorder>,
    part: Part,
    piece: Duration,
    tell: Box<dyn Fn(Told)>,
    cpu_time: fn() -> Duration,
    /// The seconds that count: from, and up to. The end comes earlier when the run is stopped.
    begin: Instant,
    end: Cell<Instant>,
    /// Set from outside: the run ends now.
    stop: Arc<AtomicBool>,
    schedule: RefCell<Option<Schedule>>,
    /// Free connections of an open loop: the one freed last is used first, so that few are open.
    free: RefCell<Vec<usize>>,
    /// What each connection waits for.
    places: RefCell<Vec<Place>>,
    /// The pacer, when it waits for a free connection.
    pacer: RefCell<Waiter>,
    random: RefCell<Random>,
    chosen: Cell<u64>,
    requests_left: Cell<u64>,
    active: Cell<usize>,
    /// When the last request that counts was over, if the requests ran out before the time.
    last_end: Cell<Instant>,
    /// CPU time at the window's beginning, and what was used by its end, once they are known.
    cpu_before: Cell<Duration>,
    cpu_used: Cell<Option<Duration>>,
}

/// What a thread tells while it runs.
#[derive(Clone, Debug)]
pub enum Told {
    /// What follows counts.
    Begun,
    /// A piece of the run is over.
    Piece(Piece),
}

/// One connection's place among those that wait.
#[derive(Default)]
struct Place {
    /// What the pacer gave it.
    due: Option<Instant>,
    waiter: Waiter,
}

/// A request that is to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub request: Request,
    /// From when its latency counts.
    pub start: Instant,
}

/// What a thread brings home.
pub struct Outcome {
    /// Its counts.
    pub recorder: Recorder,
    /// Counted seconds: the time asked for, or less where the requests ran out.
    pub seconds: f64,
}

impl Worker {
    /// A worker whose warm-up begins now.
    pub fn new(parts: Parts) -> Rc<Worker> {
        let plan = &parts.load.plan;
        let start = parts.runtime.now();
        let begin = start + plan.warm_up;
        let end = begin + plan.duration;
        let schedule = match plan.pace {
            Pace::Closed => None,
            Pace::Open { rate, arrivals } => {
                let times = (start, end);
                Some(Schedule::new(arrivals, rate, plan.seed, parts.part, times))
            }
        };
        let count = share(plan.connections as u64, parts.part) as usize;
        // Streams of choices are kept apart from those of arrivals.
        let random = Random::new(plan.seed, u64::MAX - parts.part.number as u64);
        let requests_left = share(plan.requests_max, parts.part);
        Rc::new(Worker {
            runtime: parts.runtime,
            recorder: RefCell::default(),
            part: parts.part,
            piece: parts.piece,
            tell: parts.tell,
            cpu_time: parts.cpu_time,
            begin,
            end: Cell::new(end),
            stop: parts.stop,
            schedule: RefCell::new(schedule),
            free: RefCell::new(Vec::with_capacity(count)),
            places: RefCell::new((0..count).map(|_| Place::default()).collect()),
            pacer: RefCell::default(),
            random: RefCell::new(random),
            chosen: Cell::new(parts.part.number as u64),
            requests_left: Cell::new(requests_left),
            active: Cell::new(count),
            last_end: Cell::new(begin),
            cpu_before: Cell::default(),
            cpu_used: Cell::default(),
            load: parts.load,
        })
    }

    /// Runs to the end: the time is over and what was under way is answered or given up.
    pub async fn run(self: Rc<Worker>) -> Outcome {
        let count = self.places.borrow().len();
        for index in 0..count {
            self.runtime.spawn(Connection::new(&self, index).run());
        }
        if self.is_open() {
            self.runtime.spawn(self.clone().pace());
        }
        self.runtime.spawn(self.clone().tick());
        self.runtime.spawn(self.clone().listen());
        let patience = self.load.plan.timeout + Duration::from_millis(END_PATIENCE_MS);
        while self.active.get() > 0 && self.runtime.now() < self.end.get() + patience {
            self.runtime.sleep_until(self.runtime.now().plus_ms(END_LOOK_MS)).await;
        }
        // The pacer may not have been at it yet when the last connection ended.
        self.count_unsent();
        let seconds = self.counted_seconds();
        let mut recorder = self.recorder.take();
        // The requests may have run out before the time.
        recorder.cpu.push(self.cpu_used.get().unwrap_or_else(|| self.cpu_since()));
        Outcome { recorder, seconds }
    }

    /// The seconds that count: fewer than asked for where the requests ran out first.
    fn counted_seconds(&self) -> f64 {
        let is_out = self.requests_left.get() == 0;
        let end = match (is_out, self.next_due()) {
            // So many requests of this rate take so long, however late the last answer was.
            (true, Some(next)) => next,
            (true, None) => self.last_end.get(),
            (false, _) => self.end.get(),
        };
        end.min(self.end.get()).since(self.begin).as_secs_f64()
    }

    pub(super) fn is_open(&self) -> bool {
        self.schedule.borrow().is_some()
    }

    /// How long connection `index` waits before its first request.
    pub(super) fn ramp(&self, index: usize) -> Instant {
        self.runtime.now().plus_ms(index as u64 / limits::BENCH_RAMP_PER_MS)
    }

    /// The next request of connection `index`; `None` when there is none any more.
    pub(super) async fn turn(&self, index: usize) -> Option<Turn> {
        let start = if self.is_open() { self.due(index).await? } else { self.follow()? };
        let request = {
            let counter = self.chosen.get();
            self.chosen.set(counter + self.part.count as u64);
            self.load.choose(counter, &mut self.random.borrow_mut())
        };
        self.requests_left.set(self.requests_left.get().checked_sub(1)?);
        Some(Turn { request, start })
    }

    /// A closed loop's next request is due when it can be sent.
    fn follow(&self) -> Option<Instant> {
        let now = self.runtime.now();
        (!self.is_over() && self.requests_left.get() > 0).then_some(now)
    }

    /// Waits for a request that is due: the oldest that no connection was free for, or one that the
    /// pacer hands over.
    async fn due(&self, index: usize) -> Option<Instant> {
        if self.requests_left.get() == 0 {
            return None;
        }
        // What is due before the end and has no connection at the end is counted as unsent.
        if self.free.borrow().is_empty()
            && !self.is_over()
            && let Some(due) = self.take_due()
        {
            return Some(due);
        }
        self.free.borrow_mut().push(index);
        self.runtime.wake(self.pacer.take());
        poll_fn(|context| {
            let mut places = self.places.borrow_mut();
            let place = &mut places[index];
            if let Some(due) = place.due.take() {
                return Poll::Ready(Some(due));
            }
            if self.is_over() {
                self.free.borrow_mut().retain(|free| *free != index);
                return Poll::Ready(None);
            }
            place.waiter = self.runtime.waiter(context);
            Poll::Pending
        })
        .await
    }

    fn take_due(&self) -> Option<Instant> {
        self.schedule.borrow_mut().as_mut()?.take(self.runtime.now())
    }

    /// Hands requests to free connections when they are due, and measures how late that was.
    async fn pace(self: Rc<Worker>) {
        let mut handed: Vec<Instant> = Vec::new();
        loop {
            self.hand_over(&mut handed).await;
            let Some(next) = self.next_due() else { break };
            if self.active.get() == 0 || self.is_over() {
                break;
            }
            if self.free.borrow().is_empty() {
                self.free_connection(next).await;
            } else {
                self.runtime.alarm(next).await;
            }
        }
        self.rest_until(self.end.get()).await;
        // What became due in the last moments while a connection was free is late and no more.
        self.hand_over(&mut handed).await;
        self.count_unsent();
        // Free connections look again and leave.
        self.runtime.wake_all();
    }

    fn next_due(&self) -> Option<Instant> {
        self.schedule.borrow().as_ref().and_then(Schedule::next)
    }

    /// Hands over what is due, sees it leave, and counts how late that was.
    async fn hand_over(&self, handed: &mut Vec<Instant>) {
        self.wake_free(handed);
        if handed.is_empty() {
            return;
        }
        // The connections that were woken queue their bytes; then all leave together.
        self.runtime.yield_now().await;
        let left = self.runtime.submit();
        self.count_lateness(handed, left);
        handed.clear();
    }

    fn wake_free(&self, handed: &mut Vec<Instant>) {
        loop {
            let Some(index) = self.free.borrow_mut().pop() else { return };
            let Some(due) = self.take_due() else {
                self.free.borrow_mut().push(index);
                return;
            };
            let waiter = {
                let mut places = self.places.borrow_mut();
                let place = &mut places[index];
                place.due = Some(due);
                std::mem::take(&mut place.waiter)
            };
            self.runtime.wake(waiter);
            handed.push(due);
        }
    }

    /// Waits until a connection is free, at most until the end of the run.
    async fn free_connection(&self, next: Instant) {
        debug_assert!(next < self.end.get());
        let timer = self.runtime.timer();
        timer.set(self.end.get());
        let free = poll_fn(|context| {
            if !self.free.borrow().is_empty() || self.is_over() {
                return Poll::Ready(());
            }
            *self.pacer.borrow_mut() = self.runtime.waiter(context);
            Poll::Pending
        });
        // Past the end there is nothing to hand over, whoever is free.
        let _ = timer.limit(free).await;
    }

    fn count_lateness(&self, handed: &[Instant], left: Instant) {
        let mut recorder = self.recorder.borrow_mut();
        for due in handed.iter().filter(|due| self.counts(**due)) {
            recorder.lateness.saturating_record(left.nanos_since(*due));
        }
    }

    fn count_unsent(&self) {
        if self.requests_left.get() == 0 {
            return;
        }
        let mut schedule = self.schedule.borrow_mut();
        let Some(schedule) = schedule.as_mut() else { return };
        let mut recorder = self.recorder.borrow_mut();
        while let Some(due) = schedule.take(self.end.get()) {
            if self.counts(due) {
                recorder.failed(Failed::Unsent, self.end.get().nanos_since(due));
            }
        }
    }

    /// Whether what happened at `at` is within the seconds that count.
    pub(super) fn counts(&self, at: Instant) -> bool {
        at >= self.begin && at < self.end.get()
    }

    /// Whether a request counts: an open loop's by when it was due, so that each that was due has
    /// its answer counted; a closed loop's by its end, so that no slow one is counted for more time
    /// than was watched.
    pub(super) fn counts_request(&self, start: Instant, end: Instant) -> bool {
        self.counts(if self.is_open() { start } else { end })
    }

    /// Rests, at most until the run is over.
    pub(super) async fn rest(&self, pause: Duration) {
        self.rest_until((self.runtime.now() + pause).min(self.end.get())).await;
    }

    /// Rests until `at`, or until the run is stopped, which makes every task look again.
    async fn rest_until(&self, at: Instant) {
        let timer = self.runtime.timer();
        timer.set(at);
        let over = poll_fn(|_| if self.is_over() { Poll::Ready(()) } else { Poll::Pending });
        // Either way the rest is over.
        let _ = timer.limit(over).await;
    }

    fn is_over(&self) -> bool {
        self.runtime.now() >= self.end.get()
    }

    /// Whether a request that was given up counts: a closed loop's also when it was sent before the
    /// seconds that count and waited into them, or a server that answers nothing would have none.
    pub(super) fn counts_given_up(&self, start: Instant, now: Instant) -> bool {
        if self.is_open() {
            self.counts(start)
        } else {
            start < self.end.get() && now >= self.begin
        }
    }

    /// Notes when a request that counts was over.
    pub(super) fn ended(&self, at: Instant) {
        self.last_end.set(self.last_end.get().max(at));
    }

    /// A connection's task has ended.
    pub(super) fn leave(&self) {
        self.active.set(self.active.get() - 1);
    }

    /// At each piece's end a new one begins and the old one is told; CPU time is taken at both ends
    /// of the window.
    async fn tick(self: Rc<Worker>) {
        self.rest_until(self.begin).await;
        self.cpu_before.set((self.cpu_time)());
        (self.tell)(Told::Begun);
        let mut at = self.begin;
        while at + self.piece < self.end.get() && self.active.get() > 0 {
            at = at + self.piece;
            self.rest_until(at).await;
            self.tell_piece();
        }
        self.rest_until(self.end.get()).await;
        self.cpu_used.set(Some(self.cpu_since()));
    }

    /// Ends the run early when it is told to.
    async fn listen(self: Rc<Worker>) {
        while !self.is_over() {
            if self.stop.load(Ordering::Relaxed) {
                self.end.set(self.runtime.now());
                return self.runtime.wake_all();
            }
            self.rest(Duration::from_millis(STOP_LOOK_MS)).await;
        }
    }

    fn cpu_since(&self) -> Duration {
        (self.cpu_time)().saturating_sub(self.cpu_before.get())
    }

    fn tell_piece(&self) {
        let mut recorder = self.recorder.borrow_mut();
        if let Some(piece) = recorder.pieces.last() {
            (self.tell)(Told::Piece(piece.clone()));
        }
        recorder.pieces.push(Piece::default());
    }
}

/// This thread's share of a count over all threads: the first ones take one more.
fn share(count: u64, part: Part) -> u64 {
    let threads = part.count as u64;
    count / threads + u64::from((part.number as u64) < count % threads)
}

/// Between two looks at whether the run is to end early.
const STOP_LOOK_MS: u64 = 50;

/// How long past the last request's timeout a connection may take to notice it on a busy machine.
const END_PATIENCE_MS: u64 = 1_000;

/// Between two looks at whether all connections have ended.
const END_LOOK_MS: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_whole() {
        for count in [1, 7, 64] {
            let shares = (0..3).map(|number| share(count, Part { number, count: 3 }));
            assert_eq!(shares.sum::<u64>(), count);
        }
    }
}
