//! What filters ask: each question is a task of its own, and is answered once.

use std::io;
use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::access::Access;
use crate::bridge::question::{Answer, Desk, Question, Ticket};
use crate::jwt::{KeySet, KeySource};
use crate::limits::{QUESTIONS_OPEN_MAX, TASKS_AT_ONCE_MAX};

/// Who answers the questions of all workers.
pub struct Services {
    access: Access,
    tasks: Semaphore,
    keys: Option<mpsc::Sender<KeysAsked>>,
}

/// Keys that are to be fetched anew.
pub struct KeysAsked {
    /// Where.
    pub source: Arc<KeySource>,
    /// Told them once they are as new as they can be had.
    pub done: oneshot::Sender<Option<Arc<KeySet>>>,
}

impl Services {
    /// `keys` is where key sets are fetched, if any are.
    pub fn new(keys: Option<mpsc::Sender<KeysAsked>>) -> Arc<Services> {
        let tasks = Semaphore::new(TASKS_AT_ONCE_MAX);
        Arc::new(Services { access: Access::default(), tasks, keys })
    }

    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Task(task) => {
                let Ok(_place) = self.tasks.acquire().await else { return Answer::Failed };
                // One that panics has no answer.
                spawn_blocking(task).await.map_or(Answer::Failed, Answer::Task)
            }
            Question::Password(password) => self.access.password(password).await,
            Question::Forward(forward) => self.access.forward(forward).await,
            Question::Keys(source) => {
                let Some(keys) = &self.keys else { return Answer::Failed };
                let (done, told) = oneshot::channel();
                // Full: as many sets are asked for as there may be.
                if keys.try_send(KeysAsked { source, done }).is_err() {
                    return Answer::Failed;
                }
                told.await.map_or(Answer::Failed, Answer::Keys)
            }
        }
    }
}

/// Answers one worker for as long as it lives; call it within a runtime.
///
/// # Errors
/// When the process may open no further file descriptors.
pub fn attend(services: &Arc<Services>, desk: Desk) -> io::Result<()> {
    let socket = UnixStream::from_std(desk.listen()?)?;
    tokio::spawn(serve(Arc::clone(services), desk, socket));
    Ok(())
}

async fn serve(services: Arc<Services>, mut desk: Desk, socket: UnixStream) {
    let (answers, mut answered) = mpsc::channel(QUESTIONS_OPEN_MAX);
    loop {
        tokio::select! {
            _ = socket.readable() => {
                if has_ended(&socket) {
                    return;
                }
                while let Some((ticket, question)) = desk.pop() {
                    let reply = Reply { ticket, answer: None, answers: answers.clone() };
                    let services = Arc::clone(&services);
                    tokio::spawn(async move {
                        let answer = services.answer(question).await;
                        reply.give(answer);
                    });
                }
            }
            Some((ticket, answer)) = answered.recv() => {
                desk.push(ticket, answer);
                while let Ok((ticket, answer)) = answered.try_recv() {
                    desk.push(ticket, answer);
                }
                desk.wake();
            }
        }
    }
}

/// The answer to one question; given when this is dropped, however that comes about.
struct Reply {
    ticket: Ticket,
    answer: Option<Answer>,
    answers: mpsc::Sender<(Ticket, Answer)>,
}

impl Reply {
    fn give(mut self, answer: Answer) {
        self.answer = Some(answer);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let answer = self.answer.take().unwrap_or(Answer::Failed);
        // There is room for the answers to all questions that may be open; closed where the worker
        // has ended.
        let _ = self.answers.try_send((self.ticket, answer));
    }
}

/// Reads what wakes over; whether the worker has gone.
fn has_ended(socket: &UnixStream) -> bool {
    let mut nothing = [0; 64];
    loop {
        match socket.try_read(&mut nothing) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::question::{Asker, pair};
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream as Wake;
    use std::time::{Duration, Instant};

    fn task(run: impl FnOnce() -> u64 + Send + 'static) -> Question {
        Question::Task(Box::new(move || Box::new(run())))
    }

    fn number(answer: Answer) -> Option<u64> {
        match answer {
            Answer::Task(told) => told.downcast().ok().map(|number| *number),
            Answer::Password(_) | Answer::Forward(_) | Answer::Keys(_) | Answer::Failed => None,
        }
    }

    /// Control on a thread of its own, and a worker's end that is this thread's.
    fn with_control(asked: impl FnOnce(&mut Asker, &Wake)) {
        let (mut asker, desk) = pair().expect("descriptors");
        let wake = Wake::from(asker.take_wake().expect("not yet taken"));
        wake.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        let control = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let socket = UnixStream::from_std(desk.listen().expect("descriptors"));
                serve(Services::new(None), desk, socket.expect("a socket")).await;
            });
        });
        asked(&mut asker, &wake);
        drop((asker, wake));
        control.join().expect("it ends with the worker, without a panic");
    }

    fn answers(asker: &mut Asker, mut wake: &Wake, count: usize) -> Vec<(u64, Option<u64>)> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut found = Vec::new();
        while found.len() < count {
            assert!(Instant::now() < deadline, "{found:?}");
            assert!(wake.read(&mut [0; 64]).expect("a wake-up in time") > 0);
            while let Some((ticket, answer)) = asker.pop() {
                found.push((ticket.0, number(answer)));
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn answers_every_question_once() {
        with_control(|asker, mut wake| {
            for ticket in 0..500 {
                asker.push(Ticket(ticket), task(move || ticket * 3)).expect("room");
            }
            wake.write_all(&[1]).expect("control is there");
            let want: Vec<_> = (0..500).map(|ticket| (ticket, Some(ticket * 3))).collect();
            assert_eq!(answers(asker, wake, 500), want);
        });
    }

    #[test]
    fn a_task_that_panics_is_answered_too() {
        with_control(|asker, mut wake| {
            asker.push(Ticket(1), task(|| panic!("meant"))).expect("room");
            asker.push(Ticket(2), task(|| 5)).expect("room");
            wake.write_all(&[1]).expect("control is there");
            assert_eq!(answers(asker, wake, 2), [(1, None), (2, Some(5))]);
        });
    }

    #[test]
    fn so_many_tasks_run_at_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        with_control(|asker, mut wake| {
            for ticket in 0..200 {
                let run = || {
                    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
                    std::thread::yield_now();
                    RUNNING.fetch_sub(1, Ordering::SeqCst);
                    running as u64
                };
                asker.push(Ticket(ticket), task(run)).expect("room");
            }
            wake.write_all(&[1]).expect("control is there");
            for (_, running) in answers(asker, wake, 200) {
                assert!(running.expect("it ran") <= TASKS_AT_ONCE_MAX as u64);
            }
        });
    }
}
