//! System calls that no ring operation and no safe library offers: moving bytes between a socket
//! and a pipe without bringing them into this process, and asking how old a connection is.
#![allow(unsafe_code)] // The three calls have no safe wrapper among the dependencies.

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

/// Milliseconds since a TCP connection that has sent nothing yet was established, in the kernel's
/// ticks (1 to 10 ms).
pub(crate) fn silent_ms(socket: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut info = [0_u32; TCP_INFO_WORDS];
    let mut bytes = size_of_val(&info) as libc::socklen_t;
    let (fd, level, name) = (socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO);
    // SAFETY: the descriptor is open while it is borrowed, `info` has the `bytes` that the kernel
    // may write, any of which make valid words, and both outlive the call.
    let done = unsafe { libc::getsockopt(fd, level, name, info.as_mut_ptr().cast(), &mut bytes) };
    match done {
        0 => Ok(info[TCP_INFO_LAST_DATA_SENT]),
        _ => Err(Errno::of(&io::Error::last_os_error())),
    }
}

/// Words of the kernel's `struct tcp_info` up to `tcpi_last_data_sent`: eight single bytes, nine
/// words from `tcpi_rto` to `tcpi_fackets`, and itself. The kernel cuts what does not fit.
const TCP_INFO_WORDS: usize = TCP_INFO_LAST_DATA_SENT + 1;
/// When data was last sent; before any was, when the handshake ended.
const TCP_INFO_LAST_DATA_SENT: usize = 2 + 9;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

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
    fn a_connection_tells_how_long_it_was_silent_also_when_it_was_spoken_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let begun = Instant::now();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        for passed_ms in [20, 50] {
            client.write_all(b"speaks").unwrap();
            while silent_ms(server.as_fd()).unwrap() < passed_ms {
                assert!(begun.elapsed() < Duration::from_secs(10), "not {passed_ms} ms in 10 s");
            }
            // The tick in which it was established may have been over almost at once.
            assert!(
                begun.elapsed() + Duration::from_millis(10)
                    > Duration::from_millis(passed_ms.into())
            );
        }
        assert!(silent_ms(UnixStream::pair().unwrap().0.as_fd()).is_err());
    }

    #[test]
    fn a_pipe_can_be_made_larger() {
        let (_reader, writer) = io::pipe().unwrap();
        assert!(resize_pipe(&writer, 128 * 1024).unwrap() >= 128 * 1024);
    }
}
