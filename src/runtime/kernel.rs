//! System calls that no ring operation and no safe library offers: moving bytes between a socket
//! and a pipe without bringing them into this process.
#![allow(unsafe_code)] // splice(2) and one fcntl(2) have no safe wrapper among the dependencies.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::Errno;

/// Moves at most `bytes_max` bytes from one end to the other, one of which is a pipe. Blocks on
/// neither when the socket is non-blocking. Zero is the end of the stream.
pub(crate) fn splice(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    bytes_max: usize,
) -> Result<usize, Errno> {
    let (from, to) = (from.as_raw_fd(), to.as_raw_fd());
    let no_offset = std::ptr::null_mut();
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    // SAFETY: both descriptors are open while they are borrowed, and no memory is passed.
    let moved = unsafe { libc::splice(from, no_offset, to, no_offset, bytes_max, flags) };
    usize::try_from(moved).map_err(|_| Errno::of(&io::Error::last_os_error()))
}

/// Asks for a pipe that holds `bytes`. Returns what it holds.
pub(crate) fn resize_pipe(pipe: impl AsFd, bytes: usize) -> Result<usize, Errno> {
    let wanted = i32::try_from(bytes).unwrap_or(i32::MAX);
    // SAFETY: the descriptor is open while it is borrowed, and no memory is passed.
    let size = unsafe { libc::fcntl(pipe.as_fd().as_raw_fd(), libc::F_SETPIPE_SZ, wanted) };
    usize::try_from(size).map_err(|_| Errno::of(&io::Error::last_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn bytes_go_through_a_pipe_and_an_empty_socket_does_not_block() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let (here, mut there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let nothing = splice(here.as_fd(), writer.as_fd(), 100);
        assert_eq!(nothing, Err(Errno(libc::EAGAIN)));
        there.write_all(b"through").unwrap();
        assert_eq!(splice(here.as_fd(), writer.as_fd(), 100), Ok(7));
        assert_eq!(splice(reader.as_fd(), here.as_fd(), 7), Ok(7));
        let mut read = [0; 7];
        there.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"through");
        drop(there);
        assert_eq!(splice(here.as_fd(), writer.as_fd(), 100), Ok(0));
        writer.write_all(b"x").unwrap();
        assert_eq!(reader.read(&mut read).unwrap(), 1);
    }

    #[test]
    fn a_pipe_can_be_made_larger() {
        let (_reader, writer) = io::pipe().unwrap();
        assert!(resize_pipe(&writer, 128 * 1024).unwrap() >= 128 * 1024);
    }
}
