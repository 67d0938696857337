//! What authentication has control do: check passwords, ask other servers.

mod forwards;
mod passwords;

use crate::bridge::question::{Answer, Forward, Password};
use crate::control::client::Clients;

/// What it is done with.
#[derive(Default)]
pub struct Access {
    passwords: passwords::Passwords,
    clients: Clients,
}

impl Access {
    /// Whether a password is right.
    pub async fn password(&self, question: Password) -> Answer {
        self.passwords.check(question).await
    }

    /// What the server of a `forward_auth` says.
    pub async fn forward(&self, question: Forward) -> Answer {
        forwards::ask(&self.clients, question).await
    }
}
