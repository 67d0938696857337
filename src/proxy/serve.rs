//! The stages of a request in order: the one file that names them all.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::runtime::Socket;

use super::balance::attempts::{Attempts, Target};
use super::exchange::{Client, Door, Exchange, Upstream};
use super::failure::Failure;
use super::pools::Pool;
use super::respond::Next;
use super::route::Taken;
use super::worker::Worker;
use super::{answer, files, filter, forward, parse, pool, record, respond, route};

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// Takes an accepted connection in, or turns it away where the worker has its share already.
pub fn admit(worker: &Rc<Worker>, socket: Socket, door: &Door) {
    match worker.seat() {
        Some(seat) => {
            let client = Client::new(worker, socket, seat, door);
            worker.runtime.spawn(connection(worker.clone(), client));
        }
        None => turn_away(worker, socket),
    }
}

/// Tells a client that is one too many so. Only so many are told at a time; the others are reset.
fn turn_away(worker: &Rc<Worker>, socket: Socket) {
    let Some(place) = worker.turned_away() else { return socket.abort() };
    respond::refuse(worker, &socket, Reason::ConnectionsFull);
    let worker = worker.clone();
    let runtime = worker.runtime.clone();
    runtime.spawn(async move {
        let timer = worker.runtime.timer();
        respond::linger(&worker, &socket, &timer).await;
        drop(place);
    });
}

/// Serves one client until either side ends the connection.
async fn connection(worker: Rc<Worker>, mut client: Client) {
    loop {
        match exchange(&worker, &mut client).await {
            Next::Request => {}
            end @ (Next::Close | Next::Linger | Next::Abort) => {
                return respond::close(&worker, client, end).await;
            }
        }
    }
}

async fn exchange(worker: &Worker, client: &mut Client) -> Next {
    if !parse::first_bytes(worker, client).await {
        return Next::Close;
    }
    let mut exchange = worker.begin();
    exchange.peer = client.address;
    exchange.is_trusted = client.trusted;
    exchange.facts.given_before_bytes = client.given_bytes();
    let number = exchange.generation.snapshot.generation;
    let outcome = {
        let mut running = pin!(request(worker, client, &mut exchange));
        poll_fn(|context| match worker.has_expired(number) {
            // What is under way is dropped where it stands, and its upstream's connection with it.
            true => Poll::Ready(Err(Failure::new(Reason::GenerationExpired))),
            false => running.as_mut().poll(context),
        })
        .await
    };
    let outcome = outcome.map_err(|failure| failure.reason);
    let next = respond::end(worker, client, &mut exchange, outcome);
    record::exchange(worker, client, &mut exchange);
    if exchange.facts.is_filtered || exchange.facts.varies {
        filter::end(worker, &mut exchange);
    }
    worker.end(exchange);
    next
}

async fn request(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    parse::request(worker, client, exchange).await?;
    let taken = route::find(worker, exchange)?;
    worker.stepped(&mut exchange.facts, Stage::Route);
    if exchange.facts.is_filtered {
        let reply = filter::request(worker, &client.socket, exchange).await?;
        worker.stepped(&mut exchange.facts, Stage::Filter);
        if let Some(reply) = reply {
            return answer::reply(worker, client, exchange, &reply).await;
        }
        exchange.facts.ready_at = worker.runtime.now();
    }
    route::admit(exchange)?;
    let cluster = match taken {
        Taken::Cluster(cluster) => cluster,
        Taken::Answer => return answer::run(worker, client, exchange).await,
        Taken::Files => {
            return match files::run(worker, client, exchange).await {
                Ok(()) => Ok(()),
                Err(failure) => instead(worker, client, exchange, failure).await,
            };
        }
    };
    if exchange.facts.reads_request {
        // In a box of its own: few routes read bodies.
        Box::pin(forward::hold(worker, client, exchange)).await?;
        exchange.facts.ready_at = worker.runtime.now();
    }
    let local = worker.local(&exchange.generation, cluster);
    let mut attempts = Attempts::new(worker, cluster, local);
    // Opening an upstream is the only step that is ever tried again: no answer has begun.
    let mut upstream = loop {
        worker.step(&mut exchange.facts);
        let target = attempts.pick(exchange)?;
        exchange.readdress(worker)?;
        worker.stepped(&mut exchange.facts, Stage::Balance);
        match open(worker, client, exchange, target, attempts.pool(target)).await {
            Ok(upstream) => break upstream,
            Err(failure) => attempts.next_or(exchange, target, failure)?,
        }
    };
    let relayed = forward::relay(worker, client, &mut upstream, exchange).await;
    attempts.ended(exchange, relayed.as_ref().err());
    match relayed {
        Ok(reusable) => {
            if reusable {
                pool::check_in(worker, upstream, exchange);
            }
            Ok(())
        }
        Err(failure) => {
            // What it still sends is of no use to anybody.
            drop(upstream);
            instead(worker, client, exchange, failure).await
        }
    }
}

/// Sends what a filter put in the place of an answer, if that is why there is a failure.
async fn instead(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
    failure: Failure,
) -> Result<(), Failure> {
    match exchange.passage.instead.take() {
        // In a box of its own: hardly any exchange needs the room.
        Some(reply) => Box::pin(answer::reply(worker, client, exchange, &reply)).await,
        None => Err(failure),
    }
}

async fn open(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    target: Target,
    pool: &Rc<Pool>,
) -> Result<Upstream, Failure> {
    let grant = pool::check_out(worker, client, exchange, pool, target.fresh).await?;
    let mut upstream = forward::connect(worker, client, exchange, grant).await?;
    forward::send(worker, client, &mut upstream, exchange).await?;
    Ok(upstream)
}
