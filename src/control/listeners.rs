//! Where the gateway listens: sockets that are bound before any worker hears of them, so that a
//! taken address is told at once, and changes nothing.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use super::admin::{SocketFile, remove_stale};
use crate::bridge::mailbox::Acceptor;
use crate::config::ListenAddress;
use crate::limits::{BACKLOG_CONNECTIONS, LISTENERS_COUNT_MAX};

/// The addresses of one gateway.
#[derive(Default)]
pub struct Listeners {
    open: Vec<Open>,
    next: u32,
    workers_count: usize,
}

struct Open {
    number: u32,
    wanted: ListenAddress,
    bound: ListenAddress,
    /// Removed when it is let go of.
    _file: Option<SocketFile>,
}

/// Sockets of one address, one a worker.
pub struct Bound {
    /// What the workers call it.
    pub number: u32,
    /// By worker.
    pub acceptors: Vec<Acceptor>,
    wanted: ListenAddress,
    address: ListenAddress,
    file: Option<SocketFile>,
}

/// What a new configuration changes.
#[derive(Default)]
pub struct Change {
    /// Bound, and not accepted from.
    pub added: Vec<Bound>,
    /// To be closed.
    pub removed: Vec<u32>,
}

/// An address that cannot be had.
#[derive(Debug)]
pub struct Refused {
    /// Which.
    pub address: ListenAddress,
    /// Why.
    pub source: io::Error,
}

impl Listeners {
    /// None yet, for so many workers.
    pub fn new(workers_count: usize) -> Listeners {
        Listeners { workers_count, ..Listeners::default() }
    }

    /// Binds what is wanted and not open, for every worker: a TCP port once each (`SO_REUSEPORT`,
    /// so that the kernel spreads the connections), a Unix socket once for all. What is not taken
    /// over by [`Listeners::apply`] is closed again.
    ///
    /// # Errors
    /// The first address that cannot be had; then nothing was bound.
    pub fn change(&self, wanted: &[ListenAddress]) -> Result<Change, Refused> {
        let is_open = |address: &&ListenAddress| self.open.iter().any(|o| o.wanted == **address);
        let mut change = Change::default();
        for address in wanted.iter().filter(|address| !is_open(address)) {
            let refused = |source| Refused { address: address.clone(), source };
            if self.open.len() + change.added.len() >= LISTENERS_COUNT_MAX / 2 {
                // As many may still be closing.
                return Err(refused(io::Error::other("there are too many listeners")));
            }
            let number = self.next + u32::try_from(change.added.len()).unwrap_or(u32::MAX);
            change.added.push(self.bind(number, address).map_err(refused)?);
        }
        let gone = self.open.iter().filter(|open| !wanted.contains(&open.wanted));
        change.removed = gone.map(|open| open.number).collect();
        Ok(change)
    }

    /// Takes a change over; the sockets go to the workers.
    pub fn apply(&mut self, change: Change) -> Vec<(u32, Vec<Acceptor>)> {
        self.open.retain(|open| !change.removed.contains(&open.number));
        let added = change.added.into_iter().map(|bound| {
            let Bound { number, acceptors, wanted, address, file } = bound;
            self.next = self.next.max(number + 1);
            self.open.push(Open { number, wanted, bound: address, _file: file });
            (number, acceptors)
        });
        added.collect()
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<ListenAddress> {
        self.open.iter().map(|open| open.bound.clone()).collect()
    }

    /// What it was told, in the order of the addresses.
    pub fn wanted(&self) -> Vec<ListenAddress> {
        self.open.iter().map(|open| open.wanted.clone()).collect()
    }

    fn bind(&self, number: u32, wanted: &ListenAddress) -> io::Result<Bound> {
        let (address, acceptors, file) = match wanted {
            ListenAddress::Tcp(address) => {
                let (address, acceptors) = self.bind_tcp(*address)?;
                (ListenAddress::Tcp(address), acceptors, None)
            }
            ListenAddress::Unix(path) => {
                let (file, acceptors) = self.bind_unix(path)?;
                (wanted.clone(), acceptors, Some(file))
            }
        };
        Ok(Bound { number, acceptors, wanted: wanted.clone(), address, file })
    }

    fn bind_tcp(&self, mut address: SocketAddr) -> io::Result<(SocketAddr, Vec<Acceptor>)> {
        refuse_shared(address)?;
        let mut acceptors = Vec::new();
        for _ in 0..self.workers_count {
            let listener = tcp(address)?;
            // The port that the system chose for the first is everybody's.
            address = listener.local_addr()?;
            acceptors.push(Acceptor::Tcp(listener));
        }
        Ok((address, acceptors))
    }

    fn bind_unix(&self, path: &Path) -> io::Result<(SocketFile, Vec<Acceptor>)> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        let file = SocketFile::of(path)?;
        let clones = (0..self.workers_count).map(|_| listener.try_clone().map(Acceptor::Unix));
        Ok((file, clones.collect::<io::Result<_>>()?))
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
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp_address(text: &str) -> ListenAddress {
        ListenAddress::Tcp(text.parse().expect("an address"))
    }

    #[test]
    fn binds_what_is_new_and_closes_what_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let unix = ListenAddress::Unix(path.clone());
        let any = tcp_address("127.0.0.1:0");
        let mut listeners = Listeners::new(2);
        let added = listeners.apply(listeners.change(&[any.clone(), unix]).expect("free"));
        assert_eq!(
            added.iter().map(|(number, all)| (*number, all.len())).collect::<Vec<_>>(),
            [(0, 2), (1, 2)]
        );
        assert!(path.exists());
        let bound = listeners.addresses();
        let change = listeners.change(std::slice::from_ref(&any)).expect("nothing to bind");
        assert_eq!((change.added.len(), &*change.removed), (0, &[1][..]));
        assert!(listeners.apply(change).is_empty());
        assert!(!path.exists());
        assert_eq!(listeners.addresses(), bound[..1]);
    }

    #[test]
    fn a_taken_address_leaves_all_as_it_was() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
        let taken = ListenAddress::Tcp(holder.local_addr().expect("bound"));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listeners = Listeners::new(1);
        let wanted = [ListenAddress::Unix(path.clone()), taken.clone()];
        let refused = listeners.change(&wanted).err().expect("it is taken");
        assert_eq!(refused.address, taken);
        assert!(!path.exists());
    }
}
