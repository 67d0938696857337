//! What a worker asks control, and who waits for which answer.

use crate::bridge::question::{Answer, Asker, Kind, Question, Ticket};
use crate::limits;
use crate::memory::{Slab, Slot};
use crate::runtime::{Expired, Instant, Runtime, Segment, Socket, Waiter};

use super::{LOOK_MS, Worker};

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The questions of one worker.
pub(super) struct Questions {
    /// None without a control to ask.
    asker: RefCell<Option<Asker>>,
    /// Wakes control, and is woken by it.
    wake: RefCell<Option<Rc<Socket>>>,
    /// Those that control has not answered, and those whose answer was not taken yet.
    asked: RefCell<Slab<Asked>>,
    /// Those that control has not answered, by kind.
    open_counts: [Cell<usize>; limits::QUESTION_KINDS_COUNT],
}

struct Asked {
    kind: Kind,
    state: State,
}

enum State {
    /// This one waits.
    Awaited(Waiter),
    /// Nobody waits any more.
    Left,
    /// Nothing once it was taken.
    Answered(Option<Answer>),
}

/// One who waits. Where this is dropped before the answer comes, that reaches nobody.
struct Place<'a> {
    questions: &'a Questions,
    slot: Slot,
}

impl Default for Questions {
    fn default() -> Self {
        Questions {
            asker: RefCell::default(),
            wake: RefCell::default(),
            // As many again may be answered, and not taken yet.
            asked: Slab::new(2 * limits::QUESTIONS_OPEN_MAX).into(),
            open_counts: Default::default(),
        }
    }
}

impl Worker {
    /// Asks control from now on; what is asked before has no answer.
    pub fn ask_through(&self, asker: Asker) {
        *self.questions.asker.borrow_mut() = Some(asker);
    }

    /// Questions that control has not answered yet.
    pub fn questions_open_count(&self) -> usize {
        self.questions.open_counts.iter().map(Cell::get).sum()
    }

    /// Asks control, and waits for what it says: until `by` at most, not for ever in any case, and
    /// not at all where as many questions of its kind are open as may be. Dropping the future lets
    /// go of the question; its answer reaches nobody.
    pub async fn ask(&self, question: Question, by: Instant) -> Answer {
        let limit_ms = question.limit_ms();
        let Some(place) = self.questions.begin(question) else { return Answer::Failed };
        let is_woken = self.questions.wake_control();
        let timer = self.runtime.timer();
        let deadline = self.runtime.now().plus_ms(limit_ms).min(by);
        loop {
            let look_at = self.runtime.now().plus_ms(LOOK_MS);
            timer.set(if is_woken { deadline } else { deadline.min(look_at) });
            let answer = poll_fn(|context| place.poll(&self.runtime, context));
            match timer.limit(answer).await {
                Ok(answer) => return answer,
                Err(Expired) if self.runtime.now() >= deadline => return Answer::Failed,
                Err(Expired) => self.questions.deliver(&self.runtime),
            }
        }
    }

    /// Hands answers to those who wait for them, whenever control says that there are some.
    pub(super) fn listen_for_answers(self: &Rc<Self>) {
        let wake = self.questions.asker.borrow_mut().as_mut().and_then(Asker::take_wake);
        let Some(wake) = wake else { return };
        let wake = Rc::new(self.runtime.adopt(wake));
        *self.questions.wake.borrow_mut() = Some(wake.clone());
        let worker = self.clone();
        self.runtime.spawn(async move {
            while let Ok(Some(_)) = wake.receive().await {
                worker.questions.deliver(&worker.runtime);
            }
            worker.questions.give_up(&worker.runtime);
        });
    }
}

impl Questions {
    fn begin(&self, question: Question) -> Option<Place<'_>> {
        let kind = question.kind();
        let open_count = self.open_count(kind);
        if open_count.get() >= limits::QUESTIONS_OF_KIND_OPEN_MAX {
            return None;
        }
        let mut asker = self.asker.borrow_mut();
        let asker = asker.as_mut()?;
        let asked = Asked { kind, state: State::Awaited(Waiter::Nobody) };
        let slot = self.asked.borrow_mut().insert(asked).ok()?;
        if asker.push(Ticket(slot.to_bits()), question).is_err() {
            self.asked.borrow_mut().remove(slot);
            return None;
        }
        open_count.set(open_count.get() + 1);
        Some(Place { questions: self, slot })
    }

    fn open_count(&self, kind: Kind) -> &Cell<usize> {
        &self.open_counts[kind as usize]
    }

    /// Whether control can be woken, and wakes this worker in turn.
    fn wake_control(&self) -> bool {
        let wake = self.wake.borrow();
        let Some(wake) = wake.as_ref() else { return false };
        // A byte that is still to be sent wakes control for this question too.
        if wake.queued_bytes() == 0 {
            wake.push(Segment::Static(&[1]));
        }
        true
    }

    /// Hands out the answers that have come.
    fn deliver(&self, runtime: &Runtime) {
        loop {
            let answered = self.asker.borrow_mut().as_mut().and_then(Asker::pop);
            let Some((Ticket(bits), answer)) = answered else { return };
            if let Some(slot) = Slot::from_bits(bits) {
                self.hand(slot, answer, runtime);
            }
        }
    }

    /// Hands an answer to whoever waits for it.
    fn hand(&self, slot: Slot, answer: Answer, runtime: &Runtime) {
        let mut asked = self.asked.borrow_mut();
        let Some(own) = asked.get_mut(slot) else { return };
        let open_count = self.open_count(own.kind);
        match &mut own.state {
            State::Awaited(task) => {
                runtime.wake(std::mem::take(task));
                own.state = State::Answered(Some(answer));
            }
            State::Left => {
                asked.remove(slot);
                // What the answer holds is dropped when no table is borrowed.
                drop(asked);
            }
            // Control answers once.
            State::Answered(_) => return,
        }
        open_count.set(open_count.get().saturating_sub(1));
    }

    /// Nobody will answer any more.
    fn give_up(&self, runtime: &Runtime) {
        self.deliver(runtime);
        *self.asker.borrow_mut() = None;
        *self.wake.borrow_mut() = None;
        let slots: Vec<Slot> = self.asked.borrow().iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.hand(slot, Answer::Failed, runtime);
        }
    }
}

impl Place<'_> {
    fn poll(&self, runtime: &Runtime, context: &Context<'_>) -> Poll<Answer> {
        match self.questions.asked.borrow_mut().get_mut(self.slot).map(|own| &mut own.state) {
            Some(State::Awaited(task)) => {
                *task = runtime.waiter(context);
                Poll::Pending
            }
            Some(State::Answered(answer)) => Poll::Ready(answer.take().unwrap_or(Answer::Failed)),
            Some(State::Left) | None => Poll::Ready(Answer::Failed),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut asked = self.questions.asked.borrow_mut();
        let Some(own) = asked.get_mut(self.slot) else { return };
        if let State::Awaited(_) = own.state {
            // Its place is free when control has answered.
            own.state = State::Left;
            return;
        }
        // What it held is dropped when no table is borrowed.
        let own = asked.remove(self.slot);
        drop(asked);
        drop(own);
    }
}
