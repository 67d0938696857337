//! What a worker asks control, in virtual time; the test plays control.

use crate::world::{Shared, World};

use frys_gateway::bridge::question::{Answer, Desk, Password, Question, Ticket, pair};
use frys_gateway::limits::{QUESTIONS_OF_KIND_OPEN_MAX, TASK_MS_MAX};
use frys_gateway::runtime::Instant;
use frys_gateway::snapshot::filter::PasswordHash;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

fn task() -> Question {
    Question::Task(Box::new(|| Box::new(())))
}

/// Who was told what, in the order of the telling.
type Told = Rc<RefCell<Vec<(usize, Option<u64>)>>>;

/// Asks as so many exchanges would, each in a task of its own; what each was told, in the order of
/// the telling.
fn ask(shared: &Rc<Shared>, count: usize) -> Told {
    let told = Told::default();
    for number in 0..count {
        let (worker, told) = (shared.worker.clone(), told.clone());
        shared.runtime.spawn(async move {
            let answer = worker.ask(task(), Instant::NEVER).await;
            told.borrow_mut().push((number, number_of(answer)));
        });
    }
    told
}

fn number_of(answer: Answer) -> Option<u64> {
    match answer {
        Answer::Task(told) => told.downcast().ok().map(|number| *number),
        Answer::Password(_) | Answer::Forward(_) | Answer::Keys(_) | Answer::Failed => None,
    }
}

async fn pause(shared: &Shared, milliseconds: u64) {
    shared.runtime.sleep_until(shared.runtime.now().plus_ms(milliseconds)).await;
}

fn asked(desk: &mut Desk) -> Vec<Ticket> {
    std::iter::from_fn(|| desk.pop()).map(|(ticket, _)| ticket).collect()
}

/// Answers the oldest question.
fn answer(desk: &mut Desk, number: u64) {
    if let Some((ticket, _)) = desk.pop() {
        desk.push(ticket, Answer::Task(Box::new(number)));
    }
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, want: T) -> Result<(), String> {
    if found == want { Ok(()) } else { Err(format!("{found:?} instead of {want:?}")) }
}

fn run(scene: impl AsyncFnOnce(Rc<Shared>, Desk) -> Result<(), String>) {
    let outcome = World::new(1, true).run_scene(async |shared| {
        let (mut asker, desk) = pair().map_err(|error| error.to_string())?;
        // A socket of the kernel has no place on the simulated network: the worker looks by itself.
        drop(asker.take_wake());
        shared.worker.ask_through(asker);
        // Until the worker has its first configuration, in place of which tests put theirs.
        pause(&shared, 20).await;
        scene(shared, desk).await
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn each_is_told_what_it_asked_for() {
    run(async |shared, mut desk| {
        let told = ask(&shared, 3);
        pause(&shared, 20).await;
        let tickets = asked(&mut desk);
        same(tickets.len(), 3)?;
        for (number, ticket) in tickets.iter().enumerate().rev() {
            desk.push(*ticket, Answer::Task(Box::new(number as u64 * 10)));
        }
        shared.wait("the answers", || told.borrow().len() == 3).await?;
        told.borrow_mut().sort_unstable();
        same(told.take(), vec![(0, Some(0)), (1, Some(10)), (2, Some(20))])?;
        same(shared.worker.questions_open_count(), 0)
    });
}

#[test]
fn nobody_waits_for_ever_and_a_late_answer_reaches_nobody() {
    run(async |shared, mut desk| {
        let first = ask(&shared, 1);
        pause(&shared, TASK_MS_MAX + 20).await;
        same(first.take(), vec![(0, None)])?;
        let late = asked(&mut desk);
        // The next one sits in the same place.
        let second = ask(&shared, 1);
        pause(&shared, 20).await;
        desk.push(late[0], Answer::Task(Box::new(1_u64)));
        pause(&shared, 20).await;
        same(second.borrow().len(), 0)?;
        answer(&mut desk, 2);
        shared.wait("the answer", || second.borrow().len() == 1).await?;
        same(second.take(), vec![(0, Some(2))])
    });
}

#[test]
fn who_goes_lets_go_of_the_question() {
    run(async |shared, mut desk| {
        let timer = shared.runtime.timer();
        timer.set(shared.runtime.now().plus_ms(5));
        let gone = timer.limit(shared.worker.ask(task(), Instant::NEVER)).await;
        if gone.is_ok() {
            return Err("answered by nobody".to_owned());
        }
        same(shared.worker.questions_open_count(), 1)?;
        answer(&mut desk, 1);
        let told = ask(&shared, 1);
        pause(&shared, 20).await;
        same(told.borrow().len(), 0)?;
        answer(&mut desk, 2);
        shared.wait("the answer", || told.borrow().len() == 1).await?;
        same(told.take(), vec![(0, Some(2))])?;
        same(shared.worker.questions_open_count(), 0)
    });
}

#[test]
fn more_than_may_be_open_are_turned_away_at_once() {
    run(async |shared, mut desk| {
        let told = ask(&shared, QUESTIONS_OF_KIND_OPEN_MAX + 5);
        pause(&shared, 5).await;
        let refused = told.take();
        same(refused.len(), 5)?;
        same(refused.iter().all(|(_, number)| number.is_none()), true)?;
        // Each answer makes room for one more question.
        let tickets = asked(&mut desk);
        desk.push(tickets[0], Answer::Failed);
        pause(&shared, 20).await;
        same(shared.worker.questions_open_count(), QUESTIONS_OF_KIND_OPEN_MAX - 1)?;
        ask(&shared, 1);
        pause(&shared, 5).await;
        same(asked(&mut desk).len(), 1)
    });
}

#[test]
fn those_of_one_kind_leave_the_others_their_places() {
    run(async |shared, mut desk| {
        let told = ask(&shared, QUESTIONS_OF_KIND_OPEN_MAX + 1);
        pause(&shared, 5).await;
        same(told.take().len(), 1)?;
        asked(&mut desk);
        let right = Rc::new(RefCell::new(None));
        let (worker, heard) = (shared.worker.clone(), right.clone());
        shared.runtime.spawn(async move {
            let hash = Arc::new(PasswordHash { text: "$2y$".into() });
            let password =
                Password { hash, digest: [7; 32], password: b"secret".as_slice().into() };
            let answer = worker.ask(Question::Password(password), Instant::NEVER).await;
            *heard.borrow_mut() = Some(matches!(answer, Answer::Password(true)));
        });
        pause(&shared, 5).await;
        let Some((ticket, Question::Password(_))) = desk.pop() else {
            return Err("the password was not asked for".to_owned());
        };
        desk.push(ticket, Answer::Password(true));
        shared.wait("the answer", || right.borrow().is_some()).await?;
        same(right.take(), Some(true))
    });
}

#[test]
fn without_control_there_is_no_answer() {
    run(async |shared, desk| {
        drop(desk);
        let told = ask(&shared, 1);
        pause(&shared, 1).await;
        same(told.take(), vec![(0, None)])
    });
}

#[cfg(feature = "authentication")]
mod guarded {
    use super::*;
    use crate::world::config;

    use frys_gateway::bridge::question::Forwarded;
    use frys_gateway::bridge::reason::Reason;
    use frys_gateway::config::{
        ForwardAuthConfig, GatewayConfig, Middleware, Route, StaticResponse,
    };
    use frys_gateway::runtime::{Segment, Socket};

    use std::time::Duration;

    /// A route behind another server, with an answer of its own.
    fn behind_a_server(body: &str) -> GatewayConfig {
        let mut config = config(true);
        let auth = ForwardAuthConfig { url: "http://auth/".into(), ..ForwardAuthConfig::default() };
        config.routes = vec![Route {
            id: "guarded".into(),
            path: "/guarded".into(),
            respond: Some(StaticResponse {
                body: Some(body.to_owned()),
                ..StaticResponse::default()
            }),
            middlewares: vec![Middleware::ForwardAuth(auth)],
            ..Route::default()
        }];
        config
    }

    /// Sends a request, and waits until it has led to a question.
    async fn begin(shared: &Shared, desk: &mut Desk) -> Result<(Socket, Ticket), String> {
        let socket = shared.runtime.connect(&shared.gateway).await.map_err(|e| e.to_string())?;
        let mut block = shared.runtime.blocks().take();
        block.extend_from_slice(b"GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n");
        socket.push(Segment::Block(block));
        for _ in 0..1_000 {
            if let Some((ticket, question)) = desk.pop() {
                let Question::Forward(forward) = question else { return Err("another".into()) };
                let lines = String::from_utf8_lossy(&forward.lines).into_owned();
                same(lines.contains("X-Forwarded-Uri: /guarded\r\n"), true)?;
                return Ok((socket, ticket));
            }
            pause(shared, 1).await;
        }
        Err("nothing was asked".to_owned())
    }

    fn yes() -> Answer {
        Answer::Forward(Box::new(Forwarded { status: 204, ..Forwarded::default() }))
    }

    /// What came of the request.
    async fn answer(socket: &Socket) -> Result<String, String> {
        let mut received = Vec::new();
        loop {
            match socket.receive().await {
                Ok(Some(lease)) => received.extend_from_slice(&lease),
                end @ (Ok(None) | Err(_)) => return Err(format!("{end:?} after {received:?}")),
            }
            let text = String::from_utf8_lossy(&received).into_owned();
            if text.split_once("\r\n\r\n").is_some_and(|(_, body)| !body.is_empty()) {
                return Ok(text);
            }
        }
    }

    /// Answers a question for which nobody waits any more; the next one is not disturbed by that.
    async fn late(shared: &Shared, desk: &mut Desk, ticket: Ticket) -> Result<(), String> {
        same(shared.worker.questions_open_count(), 1)?;
        desk.push(ticket, yes());
        let (socket, ticket) = begin(shared, desk).await?;
        desk.push(ticket, yes());
        same(answer(&socket).await?.ends_with("in"), true)?;
        same(shared.worker.questions_open_count(), 0)
    }

    #[test]
    fn a_reload_leaves_questions_to_those_who_asked() {
        run(async |shared, mut desk| {
            shared.worker.install(shared.compile(behind_a_server("old"))?);
            let (socket, ticket) = begin(&shared, &mut desk).await?;
            shared.worker.install(shared.compile(behind_a_server("new"))?);
            let (other, other_ticket) = begin(&shared, &mut desk).await?;
            desk.push(other_ticket, yes());
            desk.push(ticket, yes());
            let (old, new) = (answer(&socket).await?, answer(&other).await?);
            same((old.ends_with("old"), new.ends_with("new")), (true, true))?;
            same(shared.worker.questions_open_count(), 0)
        });
    }

    #[test]
    fn a_server_that_says_nothing_ends_the_wait() {
        run(async |shared, mut desk| {
            shared.worker.install(shared.compile(behind_a_server("in"))?);
            let asked_at = shared.runtime.now();
            let (socket, _) = begin(&shared, &mut desk).await?;
            let text = answer(&socket).await?;
            same(text.starts_with("HTTP/1.1 503 "), true)?;
            let waited_ms = shared.runtime.now().nanos_since(asked_at) / 1_000_000;
            same((1_000..2_000).contains(&waited_ms), true)
        });
    }

    #[test]
    fn an_exchange_that_is_cut_off_lets_go_of_its_question() {
        run(async |shared, mut desk| {
            shared.worker.install(shared.compile(behind_a_server("in"))?);
            let (socket, ticket) = begin(&shared, &mut desk).await?;
            let mut next = behind_a_server("in");
            next.reload.max_generation_age = Some(Duration::from_millis(100));
            shared.worker.install(shared.compile(next)?);
            let is_cut = || shared.block.reason_count(Reason::GenerationExpired) == 1;
            // Before the wait for the server would be over.
            shared.wait("the exchange", is_cut).await?;
            drop(socket);
            late(&shared, &mut desk, ticket).await
        });
    }

    #[test]
    fn the_time_for_the_whole_exchange_ends_the_wait() {
        run(async |shared, mut desk| {
            let mut config = behind_a_server("in");
            config.routes[0].timeouts.total = Some(Duration::from_millis(100));
            shared.worker.install(shared.compile(config)?);
            let asked_at = shared.runtime.now();
            let (socket, ticket) = begin(&shared, &mut desk).await?;
            let text = answer(&socket).await?;
            same(text.starts_with("HTTP/1.1 504 "), true)?;
            same(shared.block.reason_count(Reason::TotalTimeout), 1)?;
            let waited_ms = shared.runtime.now().nanos_since(asked_at) / 1_000_000;
            same((100..200).contains(&waited_ms), true)?;
            late(&shared, &mut desk, ticket).await
        });
    }

    #[test]
    fn a_client_that_resets_its_connection_waits_no_more() {
        run(async |shared, mut desk| {
            shared.worker.install(shared.compile(behind_a_server("in"))?);
            let asked_at = shared.runtime.now();
            let (socket, ticket) = begin(&shared, &mut desk).await?;
            socket.abort();
            let is_over = || shared.block.reason_count(Reason::ClientClosed) == 1;
            shared.wait("the exchange", is_over).await?;
            let waited_ms = shared.runtime.now().nanos_since(asked_at) / 1_000_000;
            same(waited_ms < 500, true)?;
            late(&shared, &mut desk, ticket).await
        });
    }

    #[test]
    fn a_client_that_sends_no_more_is_still_answered() {
        run(async |shared, mut desk| {
            shared.worker.install(shared.compile(behind_a_server("in"))?);
            let (socket, ticket) = begin(&shared, &mut desk).await?;
            socket.shutdown_write();
            pause(&shared, 100).await;
            desk.push(ticket, yes());
            same(answer(&socket).await?.ends_with("in"), true)
        });
    }
}
