//! The gateway as a whole: check, bind, start one worker a core and the control thread, drain.

use crate::bridge::log;
use crate::bridge::mailbox::{self, Receiver};
use crate::bridge::metrics::WorkerBlock;
use crate::config::{AccessLogOutput, GatewayConfig, ListenAddress, Workers};
use crate::control::{self, Command, Commands, Housekeeping, WorkerHandle};
use crate::error::{ConfigError, StartError};
use crate::limits;
use crate::proxy::worker::{Parts, Worker};
use crate::runtime::{self, Runtime, affinity};
use crate::snapshot;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{Builder, JoinHandle};

/// A gateway: one configuration, its workers and its control thread.
///
/// Several can run in one process. Nothing is bound or started before [`Gateway::start`].
#[derive(Debug)]
pub struct Gateway {
    config: Arc<GatewayConfig>,
    handle: Handle,
    commands: mpsc::Receiver<Command>,
}
