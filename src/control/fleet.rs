//! The workers as control sees them: where to tell them something, and that they have ended.

use std::io;

use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::bridge::Message;
use crate::bridge::mailbox::{SendFault, Sender};

/// All workers of one gateway.
pub struct Fleet {
    workers: Vec<Worker>,
}

/// The ends of all workers of one gateway.
pub struct Ends(JoinSet<usize>);

struct Worker {
    mailbox: Sender,
    /// What the mailbox had no room for, oldest first: at most one snapshot, one drain, one stop,
    /// and the listeners of one reload, since the next one waits until the workers have answered.
    waiting: Vec<Message>,
}

impl Fleet {
    /// Watches these workers, in the order of their numbers; call it within a runtime.
    ///
    /// # Errors
    /// When the process may open no further file descriptors.
    pub fn new(mailboxes: Vec<Sender>) -> io::Result<(Fleet, Ends)> {
        let mut fleet = Fleet { workers: Vec::new() };
        let mut ends = JoinSet::new();
        for (number, mailbox) in mailboxes.into_iter().enumerate() {
            let watch = UnixStream::from_std(mailbox.end_watch()?)?;
            ends.spawn(async move {
                end_of(&watch).await;
                number
            });
            fleet.workers.push(Worker { mailbox, waiting: Vec::new() });
        }
        Ok((fleet, Ends(ends)))
    }

    /// Tells each worker, by its number; a snapshot replaces an older one that still waits.
    pub fn send(&mut self, mut message: impl FnMut(usize) -> Message) {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            let message = message(number);
            worker.waiting.retain(|waiting| !replaces(&message, waiting));
            worker.waiting.push(message);
            worker.deliver();
        }
    }

    /// Tries again what found no room.
    pub fn retry(&mut self) {
        self.workers.iter_mut().for_each(Worker::deliver);
    }

    /// Whether something found no room.
    pub fn is_behind(&self) -> bool {
        self.workers.iter().any(|worker| !worker.waiting.is_empty())
    }
}

impl Worker {
    fn deliver(&mut self) {
        while !self.waiting.is_empty() {
            match self.mailbox.send(self.waiting.remove(0)) {
                Ok(()) => {}
                Err(SendFault::Full(message)) => return self.waiting.insert(0, message),
                Err(SendFault::Ended) => self.waiting.clear(),
            }
        }
    }
}

fn replaces(new: &Message, waiting: &Message) -> bool {
    match new {
        Message::Install(_) => matches!(waiting, Message::Install(_)),
        Message::Drain { .. } => matches!(waiting, Message::Drain { .. }),
        Message::Stop => matches!(waiting, Message::Stop),
        Message::Listen(..) | Message::Unlisten(_) => false,
    }
}

impl Ends {
    /// How many have not ended.
    pub fn alive_count(&self) -> usize {
        self.0.len()
    }

    /// The number of the next worker that ends; waits forever if none is left.
    pub async fn next(&mut self) -> usize {
        match self.0.join_next().await {
            Some(ended) => ended.expect("the watch does not panic"),
            None => std::future::pending().await,
        }
    }
}

/// Waits until the worker lets go of its end, or is gone with it unread.
async fn end_of(watch: &UnixStream) {
    let mut nothing = [0; 64];
    loop {
        if watch.readable().await.is_err() {
            return;
        }
        match watch.try_read(&mut nothing) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
