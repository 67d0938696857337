//! The kernel's error numbers, by name.

use std::fmt;
use std::io;

/// One of the kernel's error numbers, positive.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// Nothing is there now.
    pub const AGAIN: Errno = Errno(libc::EAGAIN);
    /// A signal came first.
    pub const INTERRUPTED: Errno = Errno(libc::EINTR);
    /// No buffer or slot was left.
    pub const NO_BUFFERS: Errno = Errno(libc::ENOBUFS);
    /// The operation was taken back.
    pub const CANCELLED: Errno = Errno(libc::ECANCELED);
    /// The peer will read no more.
    pub const BROKEN_PIPE: Errno = Errno(libc::EPIPE);
    /// The peer cut the connection.
    pub const RESET: Errno = Errno(libc::ECONNRESET);
    /// Nobody listens at that address.
    pub const REFUSED: Errno = Errno(libc::ECONNREFUSED);
    /// The process or the worker has no descriptor left.
    pub const TOO_MANY_FILES: Errno = Errno(libc::EMFILE);
    /// The descriptor or the runtime is closed.
    pub const CLOSED: Errno = Errno(libc::EBADF);

    /// The symbolic name, or `None` for a number that has none here.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }

    /// The number behind a standard error; `EIO` for one that did not come from the kernel.
    pub fn of(error: &io::Error) -> Errno {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Errno {}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.0)
    }
}

macro_rules! names {
    ($($name:ident)*) => { &[$((libc::$name, stringify!($name))),*] };
}

/// What sockets, rings and files are known to answer with.
const NAMES: &[(i32, &str)] = names! {
    EPERM ENOENT EINTR EIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST EINVAL ENFILE EMFILE
    ENOSPC EPIPE ENOSYS ENOTSOCK EMSGSIZE EOPNOTSUPP EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
    ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ETIMEDOUT ECONNREFUSED
    EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ECANCELED ETIME EPROTO
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_by_name_or_number() {
        assert_eq!(Errno::RESET.to_string(), "ECONNRESET");
        assert_eq!(Errno(9999).to_string(), "errno 9999");
    }
}
