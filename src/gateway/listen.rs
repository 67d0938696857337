//! Where the gateway listens: sockets bound before any worker starts, so that a taken address is
//! told at once.

use crate::config::ListenAddress;
use crate::control::admin::{SocketFile, remove_stale};
use crate::error::StartError;
use crate::limits;
use crate::runtime::{Errno, Listener, Runtime};

use socket2::{Domain, Protocol, Socket, Type};

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// A bound socket of one worker.
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// All sockets of a gateway that is about to start.
pub(crate) struct Sockets {
    /// The addresses, with the ports that the system chose.
    pub(crate) addresses: Vec<ListenAddress>,
    /// One list a worker.
    pub(crate) of_workers: Vec<Vec<Bound>>,
    /// To be removed at the end.
    pub(crate) files: Vec<SocketFile>,
}

impl Sockets {
    /// No socket yet, for so many workers.
    pub(crate) fn new(workers_count: usize) -> Self {
        let of_workers = (0..workers_count).map(|_| Vec::new()).collect();
        Self { addresses: Vec::new(), of_workers, files: Vec::new() }
    }

    /// Binds an address for every worker: a TCP port once each (`SO_REUSEPORT`, so that the kernel
    /// spreads the connections), a Unix socket once for all.
    pub(crate) fn listen(&mut self, address: &ListenAddress) -> Result<(), StartError> {
        let bound = match address {
            ListenAddress::Tcp(address) => self.listen_tcp(*address).map(ListenAddress::Tcp),
            ListenAddress::Unix(path) => self.listen_unix(path).map(|()| address.clone()),
        };
        let refused = |source| StartError::Listen { address: address.to_string(), source };
        self.addresses.push(bound.map_err(refused)?);
        Ok(())
    }

    fn listen_tcp(&mut self, mut address: SocketAddr) -> io::Result<SocketAddr> {
        refuse_shared(address)?;
        for listeners in &mut self.of_workers {
            let listener = tcp(address)?;
            // The port that the system chose for the first is everybody's.
            address = listener.local_addr()?;
            listeners.push(Bound::Tcp(listener));
        }
        Ok(address)
    }

    fn listen_unix(&mut self, path: &Path) -> io::Result<()> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        self.files.push(SocketFile::of(path)?);
        for listeners in &mut self.of_workers {
            listeners.push(Bound::Unix(listener.try_clone()?));
        }
        Ok(())
    }
}

impl Bound {
    /// Hands the socket to a worker's loop.
    pub(crate) fn open(self, runtime: &Runtime) -> Result<Listener, Errno> {
        match self {
            Bound::Tcp(listener) => runtime.listen(listener),
            Bound::Unix(listener) => runtime.listen_unix(listener),
        }
    }
}

/// `SO_REUSEPORT` would let a second gateway of the same user share the port in silence; a bind
/// without it says that the port is taken.
fn refuse_shared(address: SocketAddr) -> io::Result<()> {
    let probe = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Sockets that are closing, or that are bound and do not listen, are no obstacle.
    probe.set_reuse_address(true)?;
    if address.is_ipv6() {
        probe.set_only_v6(false)?;
    }
    probe.bind(&address.into())
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(limits::BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}
