//! System calls that no ring operation and no safe library offers: moving bytes between a socket
//! and a pipe without bringing them into this process, asking how old a connection is, and what an
//! open file is without waiting for whoever stores it; and the call that gives memory back.
#![allow(unsafe_code)] // The six calls have no safe wrapper among the dependencies.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::Errno;
use super::file::{Kind, Metadata};

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

/// What an open file is, as far as it is known here: a file system of the network is not asked
/// again, since the open has just asked.
pub(crate) fn metadata(file: BorrowedFd<'_>) -> Result<Metadata, Errno> {
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
    let mask = libc::STATX_TYPE | libc::STATX_SIZE | libc::STATX_MTIME | libc::STATX_INO;
    let (fd, path) = (file.as_raw_fd(), c"".as_ptr());
    // SAFETY: the descriptor is open while it is borrowed, the path is a C string, and `found` has
    // the room that the kernel writes to; all outlive the call.
    let done = unsafe { libc::statx(fd, path, flags, mask, found.as_mut_ptr()) };
    if done != 0 {
        return Err(Errno::of(&io::Error::last_os_error()));
    }
    // SAFETY: every field is an integer, for which zero and whatever the kernel wrote are values.
    let found = unsafe { found.assume_init() };
    let kind = match u32::from(found.stx_mode) & libc::S_IFMT {
        libc::S_IFREG => Kind::Regular,
        libc::S_IFDIR => Kind::Folder,
        _ => Kind::Other,
    };
    Ok(Metadata {
        kind,
        bytes: found.stx_size,
        modified_seconds: found.stx_mtime.tv_sec,
        modified_nanos: found.stx_mtime.tv_nsec,
        inode: found.stx_ino,
    })
}

/// Takes `O_NONBLOCK` off an open file. With it the ring would believe that reading never waits, on
/// file systems too that cannot read without waiting.
pub(crate) fn let_wait(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the descriptor is open while it is borrowed, and no memory is passed.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, 0) };
    if done == 0 { Ok(()) } else { Err(Errno::of(&io::Error::last_os_error())) }
}

/// Gives pages that the allocator keeps for later, and that hold nothing, back to the system: what
/// reading a large configuration took. Takes a while; not for a worker's thread.
pub(crate) fn give_back_memory() {
    // Another C library has another allocator, and gives back by itself what it gives back.
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no memory, and the allocator's own locks order it with every other thread.
    unsafe {
        libc::malloc_trim(0);
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
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
    fn an_open_file_tells_what_it_is() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"twelve bytes").unwrap();
        let found = metadata(file.as_fd()).unwrap();
        let expected = file.metadata().unwrap();
        assert_eq!((found.kind, found.bytes), (Kind::Regular, 12));
        assert_eq!(found.modified_seconds, expected.mtime());
        assert_eq!(i64::from(found.modified_nanos), expected.mtime_nsec());
        assert_eq!(found.inode, expected.ino());
        let folder = std::fs::File::open("/").unwrap();
        assert_eq!(metadata(folder.as_fd()).unwrap().kind, Kind::Folder);
        let (reader, _writer) = io::pipe().unwrap();
        assert_eq!(metadata(reader.as_fd()).unwrap().kind, Kind::Other);
    }

    #[test]
    fn a_file_that_was_opened_not_to_wait_waits() {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).custom_flags(libc::O_NONBLOCK).open("/etc/passwd").unwrap();
        let flags = || {
            let path = format!("/proc/self/fdinfo/{}", file.as_raw_fd());
            let text = std::fs::read_to_string(path).unwrap();
            let digits = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            i32::from_str_radix(digits.trim(), 8).unwrap()
        };
        assert_ne!(flags() & libc::O_NONBLOCK, 0);
        let_wait(file.as_fd()).unwrap();
        assert_eq!(flags() & libc::O_NONBLOCK, 0);
    }

    #[test]
    fn a_pipe_can_be_made_larger() {
        let (_reader, writer) = io::pipe().unwrap();
        assert!(resize_pipe(&writer, 128 * 1024).unwrap() >= 128 * 1024);
    }
}
