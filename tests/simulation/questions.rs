//! What a worker asks control, in virtual time; the test plays control.

use crate::world::{Shared, World};

use frys_gateway::bridge::question::{Answer, Desk, Question, Ticket, pair};
use frys_gateway::limits::{QUESTIONS_OPEN_MAX, TASK_MS_MAX};

use std::cell::RefCell;
use std::rc::Rc;

fn task() -> Question {
    Question::Task(Box::new(|| Box::new(())))
}

/// Asks as so many exchanges would, each in a task of its own; what each was told, in the order of
/// the telling.
fn ask(shared: &Rc<Shared>, count: usize) -> Rc<RefCell<Vec<(usize, Option<u64>)>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    for number in 0..count {
        let (worker, told) = (shared.worker.clone(), told.clone());
        shared.runtime.spawn(async move {
            let answer = worker.ask(task()).await;
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
        let gone = timer.limit(shared.worker.ask(task())).await;
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
        let told = ask(&shared, QUESTIONS_OPEN_MAX + 5);
        pause(&shared, 5).await;
        let refused = told.take();
        same(refused.len(), 5)?;
        same(refused.iter().all(|(_, number)| number.is_none()), true)?;
        // Each answer makes room for one more question.
        let tickets = asked(&mut desk);
        desk.push(tickets[0], Answer::Failed);
        pause(&shared, 20).await;
        same(shared.worker.questions_open_count(), QUESTIONS_OPEN_MAX - 1)?;
        ask(&shared, 1);
        pause(&shared, 5).await;
        same(asked(&mut desk).len(), 1)
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
