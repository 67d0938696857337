//! From a new configuration to one that every worker serves: who asks for it, and what comes of it.
//!
//! It is read, checked and compiled on a thread beside control's, so that neither a worker nor the
//! admin server waits ([`load`]). Then, on control's own, sockets are bound, new names asked for,
//! and the snapshot goes out ([`install`]). Until that moment nothing has changed, and whatever is
//! wrong before it leaves the running configuration as it is.

pub mod changes;
pub mod install;
pub mod keep;
pub mod load;
mod told;

pub use changes::{ChangedNames, Changes, NameList};
pub use load::{Candidate, Source, Written};
pub use told::{Severity, listed, written};

use tokio::sync::oneshot;

use crate::config::{Format, GatewayConfig};
use crate::error::ReloadError;

/// Where a new configuration comes from.
pub enum Input {
    /// The file that the gateway was started with, read again.
    File,
    /// A text that was sent.
    Text {
        /// What it says.
        text: String,
        /// How it is written.
        format: Format,
    },
    /// A tree that was made in Rust.
    Built(Box<GatewayConfig>),
}

/// Who asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The file changed.
    Watch,
    /// SIGHUP.
    Signal,
    /// The admin server.
    Admin,
    /// The program that embeds the gateway.
    Program,
}

impl Trigger {
    /// The word for the log.
    pub const fn label(self) -> &'static str {
        match self {
            Trigger::Watch => "file",
            Trigger::Signal => "signal",
            Trigger::Admin => "admin",
            Trigger::Program => "program",
        }
    }
}

/// What a reload came to, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every worker serves it.
    Installed,
    /// Something is wrong with it.
    Refused,
    /// It was sent to the workers, and one of them does not answer.
    Unacknowledged,
}

impl Outcome {
    /// Each, in the order of its number.
    pub const ALL: [Outcome; 3] = [Outcome::Installed, Outcome::Refused, Outcome::Unacknowledged];

    /// The word for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Outcome::Installed => "installed",
            Outcome::Refused => "refused",
            Outcome::Unacknowledged => "unacknowledged",
        }
    }
}

/// A configuration that every worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// Its number.
    pub generation: u64,
    /// How it differs from the one before.
    pub changes: Changes,
}

/// What faults of a text that was sent are found in.
pub const SENT: &str = "the request's body";

/// What a reload is answered with.
pub type Answer = Result<Reloaded, ReloadError>;

/// An order to come to a new configuration.
pub struct Request {
    /// Which.
    pub input: Input,
    /// By whom.
    pub trigger: Trigger,
    /// Who waits for what comes of it.
    pub answer: Option<oneshot::Sender<Answer>>,
}
