//! From a worker to control and back: what a filter asks for.
//!
//! Two bounded rings and one pair of sockets that wakes either side. A question carries a ticket;
//! its answer finds the one who asked by it, or nobody where he has gone. Every question that
//! control took is answered once, so that a worker which bounds its open questions needs no further
//! bound here: neither ring can be full then.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};
use socket2::SockRef;

use crate::jwt::{KeySet, KeySource};
use crate::limits;
use crate::snapshot::filter::{ForwardTarget, PasswordHash};

/// What a filter asks control for.
pub enum Question {
    /// Runs beside control's thread, and may block.
    Task(Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>),
    /// Whether a password is the one of a hash.
    Password(Password),
    /// What the server of a `forward_auth` says to a request.
    Forward(Forward),
    /// The newest keys of a place: a token names one that is not among those that are known.
    Keys(Arc<KeySource>),
}

/// What kind of question it is. The questions of each kind have places of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`Question::Task`].
    Task,
    /// A [`Question::Password`].
    Password,
    /// A [`Question::Forward`].
    Forward,
    /// A [`Question::Keys`].
    Keys,
}

/// A password and what it is held against.
pub struct Password {
    /// What it must fit.
    pub hash: Arc<PasswordHash>,
    /// Says which password of which user it is, without telling it: equal questions are worked out
    /// once.
    pub digest: [u8; 32],
    /// What the client sent.
    pub password: Box<[u8]>,
}

/// A request to the server of a `forward_auth`.
pub struct Forward {
    /// Where to.
    pub target: Arc<ForwardTarget>,
    /// The fields of its head, each a line `Name: value` with its CRLF.
    pub lines: Vec<u8>,
}

/// What control says.
pub enum Answer {
    /// What a [`Question::Task`] came to.
    Task(Box<dyn Any + Send>),
    /// Whether the password of a [`Question::Password`] is right.
    Password(bool),
    /// What the server of a [`Question::Forward`] said.
    Forward(Box<Forwarded>),
    /// The keys of a [`Question::Keys`], as new as they can be had now; nothing where no fetch has
    /// succeeded yet.
    Keys(Option<Arc<KeySet>>),
    /// Nobody answered in time, as many questions are open as may be, what was asked for failed, or
    /// there is no control.
    Failed,
}

/// The answer of the server of a `forward_auth`.
#[derive(Debug, Default)]
pub struct Forwarded {
    /// Its status.
    pub status: u16,
    /// Its fields in their order; names in lower case.
    pub fields: Vec<(Box<str>, Box<[u8]>)>,
    /// Its body; none where that is longer than [`limits::FORWARD_BODY_BYTES_MAX`].
    pub body: Option<Vec<u8>>,
}

/// Who asked: nothing that control looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// The worker's end.
pub struct Asker {
    questions: Producer<(Ticket, Question)>,
    answers: Consumer<(Ticket, Answer)>,
    wake: Option<OwnedFd>,
}

/// Control's end.
pub struct Desk {
    questions: Consumer<(Ticket, Question)>,
    answers: Producer<(Ticket, Answer)>,
    wake: UnixStream,
}

/// Both ends for one worker.
///
/// # Errors
/// When the process may open no further file descriptors.
pub fn pair() -> io::Result<(Asker, Desk)> {
    let (questions_in, questions_out) = RingBuffer::new(limits::QUESTIONS_OPEN_MAX);
    let (answers_in, answers_out) = RingBuffer::new(limits::QUESTIONS_OPEN_MAX);
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let asker = Asker { questions: questions_in, answers: answers_out, wake: Some(far.into()) };
    Ok((asker, Desk { questions: questions_out, answers: answers_in, wake: near }))
}

impl Question {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Question::Task(_) => Kind::Task,
            Question::Password(_) => Kind::Password,
            Question::Forward(_) => Kind::Forward,
            Question::Keys(_) => Kind::Keys,
        }
    }

    /// Milliseconds after which nobody waits for the answer any more.
    pub fn limit_ms(&self) -> u64 {
        match self {
            Question::Task(_) => limits::TASK_MS_MAX,
            Question::Password(_) => limits::PASSWORD_MS_MAX,
            // Control's own bound comes first, and says more.
            Question::Forward(forward) => forward.target.timeout_ms + limits::ASK_GRACE_MS,
            Question::Keys(_) => limits::KEYS_ASKED_MS_MAX,
        }
    }
}

impl Asker {
    /// Puts a question into the ring. Who does so also wakes control.
    ///
    /// # Errors
    /// The question itself: the ring is full, or control is gone.
    pub fn push(&mut self, ticket: Ticket, question: Question) -> Result<(), Question> {
        if self.questions.is_abandoned() {
            return Err(question);
        }
        self.questions.push((ticket, question)).map_err(|full| match full {
            rtrb::PushError::Full((_, question)) => question,
        })
    }

    /// The next answer, if there is one.
    pub fn pop(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.pop().ok()
    }

    /// The socket that becomes readable when answers wait, and over which a byte wakes control. Its
    /// end of stream means that control is gone. Given out once; where nobody takes it, answers are
    /// looked for now and then.
    pub fn take_wake(&mut self) -> Option<OwnedFd> {
        self.wake.take()
    }
}

impl Desk {
    /// The next question, if there is one.
    pub fn pop(&mut self) -> Option<(Ticket, Question)> {
        self.questions.pop().ok()
    }

    /// Puts an answer into the ring; [`Desk::wake`] says so.
    pub fn push(&mut self, ticket: Ticket, answer: Answer) {
        // Full only for a worker that asks more than it may, who has no claim to be answered.
        let _ = self.answers.push((ticket, answer));
    }

    /// Wakes the worker.
    pub fn wake(&self) {
        // A full socket already holds a wake-up, and a closed one has nobody to wake: neither is a
        // fault. MSG_NOSIGNAL because an embedding program may not ignore SIGPIPE.
        let _ = SockRef::from(&self.wake).send_with_flags(&[1], libc::MSG_NOSIGNAL);
    }

    /// A second handle on the socket that becomes readable when questions wait; its end of stream
    /// says that the worker ended.
    ///
    /// # Errors
    /// When the process may open no further file descriptors.
    pub fn listen(&self) -> io::Result<UnixStream> {
        self.wake.try_clone()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Task(_) => f.write_str("Task"),
            Question::Password(_) => f.write_str("Password"),
            Question::Forward(_) => f.write_str("Forward"),
            Question::Keys(source) => write!(f, "Keys({source:?})"),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Task(_) => f.write_str("Task"),
            Answer::Password(is_right) => write!(f, "Password({is_right})"),
            Answer::Forward(told) => write!(f, "Forward({})", told.status),
            Answer::Keys(set) => write!(f, "Keys({set:?})"),
            Answer::Failed => f.write_str("Failed"),
        }
    }
}

const _: () = assert!(Kind::Keys as usize + 1 == limits::QUESTION_KINDS_COUNT);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn task(number: u64) -> Question {
        Question::Task(Box::new(move || Box::new(number)))
    }

    fn run(question: Question) -> Answer {
        let Question::Task(task) = question else { panic!("only tasks are asked here") };
        Answer::Task(task())
    }

    fn number(answer: Answer) -> u64 {
        let Answer::Task(told) = answer else { panic!("{answer:?}") };
        *told.downcast::<u64>().expect("a number")
    }

    #[test]
    fn an_answer_comes_back_with_its_ticket() {
        let (mut asker, mut desk) = pair().expect("descriptors");
        asker.push(Ticket(7), task(70)).expect("room");
        asker.push(Ticket(8), task(80)).expect("room");
        let first = desk.pop().expect("asked");
        let (ticket, question) = desk.pop().expect("asked");
        assert!(desk.pop().is_none());
        desk.push(ticket, run(question));
        desk.push(first.0, Answer::Failed);
        let (ticket, answer) = asker.pop().expect("answered");
        assert_eq!((ticket, number(answer)), (Ticket(8), 80));
        assert!(matches!(asker.pop(), Some((Ticket(7), Answer::Failed))));
        assert!(asker.pop().is_none());
    }

    #[test]
    fn gives_the_question_back_when_full_or_alone() {
        let (mut asker, mut desk) = pair().expect("descriptors");
        for open in 0..limits::QUESTIONS_OPEN_MAX as u64 {
            assert!(asker.push(Ticket(open), task(open)).is_ok());
        }
        assert!(matches!(asker.push(Ticket(0), task(0)), Err(Question::Task(_))));
        assert!(desk.pop().is_some());
        assert!(asker.push(Ticket(0), task(0)).is_ok());
        drop(desk);
        assert!(asker.push(Ticket(1), task(1)).is_err());
    }

    #[test]
    fn either_end_sees_that_the_other_has_gone() {
        let (mut asker, desk) = pair().expect("descriptors");
        let mut worker = UnixStream::from(asker.take_wake().expect("not yet taken"));
        assert!(asker.take_wake().is_none());
        let mut control = desk.listen().expect("descriptors");
        control.set_nonblocking(false).expect("a socket");
        worker.write_all(&[1]).expect("control is there");
        assert_eq!(control.read(&mut [0; 8]).expect("a wake-up"), 1);
        desk.wake();
        assert_eq!(worker.read(&mut [0; 8]).expect("a wake-up"), 1);
        drop((desk, control));
        assert_eq!(worker.read(&mut [0; 8]).expect("an orderly end"), 0);
    }

    /// Two threads, as fast as they can, with as many open questions as there may be: each is
    /// answered once, with its own answer.
    #[test]
    fn no_answer_is_lost_or_mixed_up_between_threads() {
        const QUESTIONS_COUNT: u64 = 200_000;
        let (mut asker, mut desk) = pair().expect("descriptors");
        let mut wake = UnixStream::from(asker.take_wake().expect("not yet taken"));
        let mut control = desk.listen().expect("descriptors");
        control.set_nonblocking(false).expect("a socket");
        let answering = std::thread::spawn(move || {
            let mut late = Vec::new();
            while control.read(&mut [0; 64]).expect("a wake-up") > 0 {
                while let Some((ticket, question)) = desk.pop() {
                    // Every third waits for later ones, so that answers come out of order.
                    match ticket.0 % 3 {
                        0 => late.push((ticket, run(question))),
                        _ => desk.push(ticket, run(question)),
                    }
                }
                for (ticket, answer) in late.drain(..) {
                    desk.push(ticket, answer);
                }
                desk.wake();
            }
        });
        let (mut asked, mut answered, mut sum) = (0, 0, 0_u64);
        while answered < QUESTIONS_COUNT {
            let is_free = |asked| asked - answered < limits::QUESTIONS_OPEN_MAX as u64;
            while asked < QUESTIONS_COUNT && is_free(asked) {
                asker.push(Ticket(asked), task(asked * 2)).expect("room for all that are open");
                asked += 1;
            }
            wake.write_all(&[1]).expect("control is there");
            assert!(wake.read(&mut [0; 64]).expect("a wake-up") > 0);
            while let Some((ticket, answer)) = asker.pop() {
                assert_eq!(number(answer), ticket.0 * 2);
                sum += ticket.0;
                answered += 1;
            }
        }
        drop((asker, wake));
        answering.join().expect("no panic");
        assert_eq!(sum, QUESTIONS_COUNT * (QUESTIONS_COUNT - 1) / 2);
    }
}
