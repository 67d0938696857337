//! An open socket or file, of the kernel or of the simulated network. Dropping it closes it.

use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use socket2::{SockAddr, SockRef};

use super::Errno;
use super::file::Metadata;
use super::kernel;
use super::operation::Address;
use super::simulated::End;

#[derive(Debug)]
pub(crate) enum Descriptor {
    Kernel(OwnedFd),
    /// Tests and `__simulation` only; elsewhere the type has no value.
    #[allow(dead_code)]
    Simulated(End),
}

impl Descriptor {
    /// A socket of the kernel that can be connected to `address`, and the address as it reads it.
    pub(crate) fn for_address(address: &Address) -> Result<(Descriptor, SockAddr), Errno> {
        let (domain, target) = match address {
            Address::Tcp(address) => {
                (socket2::Domain::for_address(*address), SockAddr::from(*address))
            }
            Address::Unix(path) => {
                (socket2::Domain::UNIX, SockAddr::unix(path).map_err(|error| Errno::of(&error))?)
            }
        };
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM.nonblocking(), None)
            .map_err(|error| Errno::of(&error))?;
        if let Address::Tcp(_) = address {
            socket.set_tcp_nodelay(true).map_err(|error| Errno::of(&error))?;
        }
        Ok((Descriptor::Kernel(socket.into()), target))
    }

    /// The number that the kernel knows it by; -1, which the kernel refuses, when simulated.
    pub(crate) fn raw(&self) -> RawFd {
        match self {
            Descriptor::Kernel(fd) => fd.as_raw_fd(),
            Descriptor::Simulated(_) => -1,
        }
    }

    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Descriptor::Kernel(fd) => SockRef::from(fd).peer_addr().ok()?.as_socket(),
            Descriptor::Simulated(end) => end.peer_address(),
        }
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Descriptor::Kernel(fd) => SockRef::from(fd).local_addr().ok()?.as_socket(),
            Descriptor::Simulated(end) => end.local_address(),
        }
    }

    /// What an open file is.
    pub(crate) fn metadata(&self) -> Result<Metadata, Errno> {
        match self {
            Descriptor::Kernel(fd) => kernel::metadata(fd.as_fd()),
            Descriptor::Simulated(end) => end.metadata(),
        }
    }

    /// Lets reading a file, which was opened without waiting, wait in the ring.
    pub(crate) fn let_wait(&self) -> Result<(), Errno> {
        match self {
            Descriptor::Kernel(fd) => kernel::let_wait(fd.as_fd()),
            Descriptor::Simulated(_) => Ok(()),
        }
    }

    /// Milliseconds since a TCP connection that has sent nothing was established; `None` of others.
    pub(crate) fn silent_ms(&self) -> Option<u32> {
        match self {
            Descriptor::Kernel(fd) => kernel::silent_ms(fd.as_fd()).ok(),
            Descriptor::Simulated(_) => None,
        }
    }

    /// Whether neither bytes nor the end of the stream wait in the kernel. The simulated network
    /// has no bytes that a receive would not have told of.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Descriptor::Kernel(fd) => {
                let looked = SockRef::from(fd).peek(&mut [MaybeUninit::uninit()]);
                looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            }
            Descriptor::Simulated(_) => true,
        }
    }

    /// Says that no more bytes will be sent. An error means that the peer is gone already.
    pub(crate) fn shutdown_write(&self) {
        match self {
            Descriptor::Kernel(fd) => {
                // A peer that is gone needs no end of stream; receiving will tell.
                let _ = SockRef::from(fd).shutdown(std::net::Shutdown::Write);
            }
            Descriptor::Simulated(end) => end.shutdown_write(),
        }
    }

    /// Makes the close that follows cut the connection instead of ending it in order.
    pub(crate) fn reset_on_close(&self) {
        match self {
            Descriptor::Kernel(fd) => {
                // Refused on a Unix socket, which has nothing to linger.
                let _ = SockRef::from(fd).set_linger(Some(Duration::ZERO));
            }
            Descriptor::Simulated(end) => end.reset_on_close(),
        }
    }
}
