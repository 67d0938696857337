//! Where the admin server listens: a TCP address, or a Unix socket that only its owner may open.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::limits::ADMIN_CONNECTIONS_MAX;

/// Read and write for the owner alone: statistics name routes and upstreams.
const SOCKET_MODE: u32 = 0o600;

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of the socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(formatter, "{address}"),
            Address::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// A socket that listens; a Unix socket's file is removed with it.
pub struct Bound {
    listener: Listener,
    address: Address,
    file: Option<SocketFile>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Listens.
///
/// A socket file that nobody answers on is left over from a process that was killed, and is
/// replaced; one that is answered on, or a file that is no socket, is not touched.
///
/// # Errors
/// The system's, and [`io::ErrorKind::AddrInUse`] if another process answers on the Unix socket.
pub fn bind(address: &Address) -> io::Result<Bound> {
    match address {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address)?;
            let address = Address::Tcp(listener.local_addr()?);
            Ok(Bound { listener: Listener::Tcp(listener), address, file: None })
        }
        Address::Unix(path) => {
            remove_stale(path)?;
            let listener = bind_unix(path)?;
            let file = SocketFile::of(path)?;
            let address = Address::Unix(path.clone());
            Ok(Bound { listener: Listener::Unix(listener), address, file: Some(file) })
        }
    }
}

impl Bound {
    /// Where it listens, with the port that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The same for tokio; call it within a runtime.
    pub(super) fn into_tokio(self) -> io::Result<Accepting> {
        let listener = match self.listener {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                AcceptingListener::Tcp(tokio::net::TcpListener::from_std(listener)?)
            }
            Listener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                AcceptingListener::Unix(tokio::net::UnixListener::from_std(listener)?)
            }
        };
        Ok(Accepting { listener, _file: self.file })
    }
}

/// The listener within a runtime.
pub(super) struct Accepting {
    listener: AcceptingListener,
    _file: Option<SocketFile>,
}

enum AcceptingListener {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

/// What a connection is read from and written to.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl Stream for tokio::net::TcpStream {}
impl Stream for tokio::net::UnixStream {}

impl Accepting {
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.listener {
            AcceptingListener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            AcceptingListener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// A socket's file, removed on drop unless another socket has taken its path.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// The file that was just bound.
    ///
    /// # Errors
    /// The file is gone already.
    pub fn of(path: &Path) -> io::Result<SocketFile> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.into(), device: metadata.dev(), inode: metadata.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode);
        if is_ours {
            // If it cannot be removed, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket file of a process that is gone.
///
/// # Errors
/// Somebody answers on it, it is no socket, or it cannot be removed.
pub fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let text = format!("{} exists and is not a socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => {
            let text = format!("another process answers on {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // On Linux the file gets the mode that the socket has when it is bound, so there is no moment
    // at which others may open it, and the process's umask is left alone.
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(SOCKET_MODE))?;
    let socket = Socket::from(OwnedFd::from(file));
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(i32::try_from(ADMIN_CONNECTIONS_MAX).unwrap_or(i32::MAX))?;
    Ok(UnixListener::from(OwnedFd::from(socket)))
}
