//! What a worker asks control, and who waits for which answer.

use crate::bridge::question::{Answer, Asker, Question, Ticket};
use crate::limits;
use crate::memory::{Slab, Slot};
use crate::runtime::{Expired, Runtime, Segment, Socket, Waiter};

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
    /// Those who wait.
    waiting: RefCell<Slab<Waiting>>,
    /// Questions that control has not answered, also of those who wait no more.
    open_count: Cell<usize>,
}

#[derive(Default)]
struct Waiting {
    answer: Option<Answer>,
    task: Waiter,
}

/// One who waits; his place is free again when this is dropped, and a later answer finds nobody.
struct Place<'a> {
    questions: &'a Questions,
    slot: Slot,
}

impl Default for Questions {
    fn default() -> Self {
        Questions {
            asker: RefCell::default(),
            wake: RefCell::default(),
            waiting: Slab::new(limits::QUESTIONS_OPEN_MAX).into(),
            open_count: Cell::new(0),
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
        self.questions.open_count.get()
    }

    /// Asks control, and waits for what it says: not for ever, and not at all where as many
    /// questions are open as may be. Dropping the future lets go of the question; its answer
    /// reaches nobody.
    pub async fn ask(&self, question: Question) -> Answer {
        let limit_ms = question.limit_ms();
        let Some(place) = self.questions.begin(question) else { return Answer::Failed };
        let is_woken = self.questions.wake_control();
        let timer = self.runtime.timer();
        let deadline = self.runtime.now().plus_ms(limit_ms);
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
        if self.open_count.get() >= limits::QUESTIONS_OPEN_MAX {
            return None;
        }
        let mut asker = self.asker.borrow_mut();
        let asker = asker.as_mut()?;
        let slot = self.waiting.borrow_mut().insert(Waiting::default()).ok()?;
        let place = Place { questions: self, slot };
        asker.push(Ticket(slot.to_bits()), question).ok()?;
        self.open_count.set(self.open_count.get() + 1);
        Some(place)
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
            self.open_count.set(self.open_count.get().saturating_sub(1));
            let mut waiting = self.waiting.borrow_mut();
            let found = Slot::from_bits(bits).and_then(|slot| waiting.get_mut(slot));
            let Some(found) = found else { continue };
            found.answer = Some(answer);
            runtime.wake(std::mem::take(&mut found.task));
        }
    }

    /// Nobody will answer any more.
    fn give_up(&self, runtime: &Runtime) {
        self.deliver(runtime);
        *self.asker.borrow_mut() = None;
        *self.wake.borrow_mut() = None;
        let slots: Vec<Slot> = self.waiting.borrow().iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(waiting) = self.waiting.borrow_mut().get_mut(slot) {
                waiting.answer.get_or_insert(Answer::Failed);
                runtime.wake(std::mem::take(&mut waiting.task));
            }
        }
    }
}

impl Place<'_> {
    fn poll(&self, runtime: &Runtime, context: &Context<'_>) -> Poll<Answer> {
        let mut waiting = self.questions.waiting.borrow_mut();
        match waiting.get_mut(self.slot) {
            Some(Waiting { answer: Some(_), .. }) => {
                let answer = waiting.get_mut(self.slot).and_then(|own| own.answer.take());
                Poll::Ready(answer.unwrap_or(Answer::Failed))
            }
            Some(own) => {
                own.task = runtime.waiter(context);
                Poll::Pending
            }
            None => Poll::Ready(Answer::Failed),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // What it held is dropped when no table is borrowed.
        let own = self.questions.waiting.borrow_mut().remove(self.slot);
        drop(own);
    }
}
