//! The command line of a floor, and what each does before its engine starts.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

use clap::Parser;
use socket2::{Domain, Socket, Type};

/// What every floor is told.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// Where clients connect; port 0 is one of the kernel's choice.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where every request goes.
    #[arg(long, value_name = "ADDRESS")]
    pub upstream: SocketAddr,
    /// The core that the one thread is pinned to.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub core: usize,
}

/// Pins the thread, listens, and says where. Accepted sockets inherit `TCP_NODELAY`; the engine
/// decides whether they block.
///
/// # Errors
/// The core is not there or not allowed, or the address is taken.
pub fn start(arguments: &Arguments) -> io::Result<TcpListener> {
    if !frys_gateway::runtime::pin(arguments.core) {
        return Err(io::Error::other(format!("core {} cannot be used", arguments.core)));
    }
    let socket = Socket::new(Domain::for_address(arguments.listen), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&arguments.listen.into())?;
    socket.listen(BACKLOG_CONNECTIONS)?;
    let listener = TcpListener::from(socket);
    announce(listener.local_addr()?)?;
    Ok(listener)
}

/// Says on standard output that clients may come.
///
/// # Errors
/// Standard output is closed.
pub fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {address}")?;
    out.flush()
}

/// Connections that the listener lets wait: as many as the gateway's.
const BACKLOG_CONNECTIONS: i32 = 8192;
