//! Files of a real disk through a real ring.

use super::*;
use crate::limits;
use crate::runtime::{Options, Segment};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::pin;
use std::thread::JoinHandle;
use tempfile::TempDir;

fn runtime() -> Runtime {
    Runtime::new(&Options::default()).expect("a ring")
}

fn folder(path: &Path) -> Folder {
    Folder::new(Arc::new(fs::File::open(path).expect("a folder").into()))
}

fn path(runtime: &Runtime, path: &str) -> Block {
    let mut block = runtime.blocks().take();
    block.extend_from_slice(path.as_bytes());
    block.push(0);
    block
}

/// Runs `test` with a folder of its own; nothing may be left of what it opened.
fn run<T>(test: impl AsyncFnOnce(&Runtime, &Folder, &Path) -> T) -> T {
    let (runtime, root) = (runtime(), TempDir::new().expect("a folder"));
    let below = folder(root.path());
    let outcome = runtime.block_on(test(&runtime, &below, root.path()));
    runtime.shutdown();
    runtime.check().expect("the books balance");
    let counters = runtime.counters();
    let left = (counters.operations_in_flight, counters.files_open, counters.blocks_out);
    assert_eq!(left, (0, 0, 0), "{counters:?}");
    assert_eq!(counters.stale_completions, 0);
    outcome
}

async fn errno(runtime: &Runtime, below: &Folder, name: &str) -> Option<i32> {
    runtime.open(below, path(runtime, name)).await.err().map(|errno| errno.0)
}

#[test]
fn a_part_of_a_file_is_read_behind_what_the_block_holds() {
    run(async |runtime, below, root| {
        fs::write(root.join("a"), b"0123456789").unwrap();
        let file = runtime.open(below, path(runtime, "a")).await.unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!((metadata.kind, metadata.bytes), (Kind::Regular, 10));
        let mut block = runtime.blocks().take();
        block.extend_from_slice(b"head ");
        let block = file.read(block, Part { offset: 2, bytes: 3 }).await.unwrap();
        assert_eq!(block.as_slice(), b"head 234");
        let block = file.read(block, Part { offset: 8, bytes: 100 }).await.unwrap();
        assert_eq!(block.as_slice(), b"head 23489", "up to the end of the file");
    });
}

#[test]
fn nothing_outside_of_the_folder_is_opened() {
    run(async |runtime, below, root| {
        let inside = root.join("inside");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("a"), b"a").unwrap();
        symlink("a", inside.join("beside")).unwrap();
        symlink("../inside/a", inside.join("round")).unwrap();
        symlink("../../etc/passwd", inside.join("above")).unwrap();
        symlink("/etc/passwd", root.join("absolute")).unwrap();
        symlink("/proc/self/fd/0", root.join("magic")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        for (name, expected) in [
            ("inside/a", None),
            ("inside/beside", None),
            ("inside/round", None),
            ("inside/above", Some(libc::EXDEV)),
            ("absolute", Some(libc::EXDEV)),
            ("magic", Some(libc::EXDEV)),
            ("../x", Some(libc::EXDEV)),
            ("inside/../../x", Some(libc::EXDEV)),
            ("/etc/passwd", Some(libc::EXDEV)),
            ("circle", Some(libc::ELOOP)),
            ("missing", Some(libc::ENOENT)),
            ("inside/a/b", Some(libc::ENOTDIR)),
            ("", Some(libc::ENOENT)),
        ] {
            assert_eq!(errno(runtime, below, name).await, expected, "{name}");
        }
    });
    let runtime = runtime();
    let proc = folder(Path::new("/proc/self"));
    let magic = runtime.block_on(async { errno(&runtime, &proc, "fd/0").await });
    assert_eq!(magic, Some(libc::ELOOP), "a link of the kernel's own");
}

#[test]
fn a_fifo_and_a_folder_open_at_once_and_say_what_they_are() {
    run(async |runtime, below, root| {
        nix::unistd::mkfifo(&root.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let file = runtime.open(below, path(runtime, "fifo")).await.unwrap();
        assert_eq!(file.metadata().unwrap().kind, Kind::Other);
        let file = runtime.open(below, path(runtime, ".")).await.unwrap();
        assert_eq!(file.metadata().unwrap().kind, Kind::Folder);
        let block = file.read(runtime.blocks().take(), Part { offset: 0, bytes: 1 }).await;
        assert_eq!(block.err(), Some(Errno(libc::EISDIR)));
    });
}

#[test]
fn a_path_without_its_end_is_refused() {
    run(async |runtime, below, _| {
        let mut unended = runtime.blocks().take();
        unended.extend_from_slice(b"a");
        let refused = runtime.open(below, unended).await.err();
        assert_eq!(refused, Some(Errno(libc::EINVAL)));
    });
}

/// Polls once and drops.
async fn poll_once(future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _ = future.as_mut().poll(context).is_ready();
        Poll::Ready(())
    })
    .await;
}

#[test]
fn what_is_dropped_in_the_middle_closes_and_leaves_nothing() {
    run(async |runtime, below, root| {
        fs::write(root.join("a"), vec![7; 1 << 20]).unwrap();
        let (here, _there) = UnixStream::pair().unwrap();
        let socket = runtime.adopt(here.into());
        for round in 0..100 {
            drop(runtime.open(below, path(runtime, "a")));
            poll_once(runtime.open(below, path(runtime, "a"))).await;
            let file = runtime.open(below, path(runtime, "a")).await.unwrap();
            let part = Part { offset: 0, bytes: 1 << 20 };
            poll_once(file.read(runtime.chunks().take(), part)).await;
            let busy = file.read(runtime.chunks().take(), part).await.err();
            assert_eq!(busy, Some(Errno(libc::EBUSY)), "one operation at a time");
            drop(file);
            let file = runtime.open(below, path(runtime, "a")).await.unwrap();
            if round % 2 == 0 {
                runtime.yield_now().await;
            }
            let pipe = runtime.pipe();
            poll_once(file.send(&socket, 0, 1 << 20, &pipe)).await;
        }
        // Reads of the files that were dropped are still to be heard of.
        while runtime.counters().files_open > 0 {
            runtime.sleep_until(runtime.now().plus_ms(1)).await;
        }
        socket.abort();
    });
}

/// What a reader in a thread of its own has read, which ends when the loop has closed its socket.
async fn ended(runtime: &Runtime, reader: JoinHandle<std::io::Result<Vec<u8>>>) -> Vec<u8> {
    while !reader.is_finished() {
        runtime.sleep_until(runtime.now().plus_ms(1)).await;
    }
    reader.join().unwrap().unwrap()
}

#[test]
fn a_file_is_sent_whole_through_a_pipe_and_in_blocks() {
    run(async |runtime, below, root| {
        let long_bytes = 3 * limits::FILE_TRANSFER_BYTES_MIN as usize + 12_345;
        let body: Vec<u8> = (0..long_bytes).map(|number| (number * 7 / 3) as u8).collect();
        fs::write(root.join("a"), &body).unwrap();
        let file = runtime.open(below, path(runtime, "a")).await.unwrap();
        for (offset, bytes) in [(0, long_bytes), (3, 100_000), (5, long_bytes - 5), (7, 1)] {
            let (here, mut there) = UnixStream::pair().unwrap();
            let reader = std::thread::spawn(move || {
                let mut read = Vec::new();
                there.read_to_end(&mut read).map(|_| read)
            });
            let socket = runtime.adopt(here.into());
            socket.push(Segment::Static(b"head "));
            let pipe = runtime.pipe();
            let sent = file.send(&socket, offset as u64, bytes as u64, &pipe).await;
            assert_eq!(sent, Ok(bytes as u64));
            socket.drained(0).await.unwrap();
            drop(socket);
            let read = ended(runtime, reader).await;
            assert_eq!(&read[..5], b"head ");
            assert!(read[5..] == body[offset..offset + bytes], "{offset} {bytes}");
        }
    });
}

#[test]
fn a_file_that_is_shorter_than_it_was_ends_what_is_sent() {
    run(async |runtime, below, root| {
        fs::File::create(root.join("a")).unwrap().write_all(&[7; 100_000]).unwrap();
        let file = runtime.open(below, path(runtime, "a")).await.unwrap();
        for wanted_bytes in [200_000, 1 << 20] {
            let (here, mut there) = UnixStream::pair().unwrap();
            let reader = std::thread::spawn(move || {
                let mut read = Vec::new();
                there.read_to_end(&mut read).map(|_| read)
            });
            let socket = runtime.adopt(here.into());
            let pipe = runtime.pipe();
            let sent = file.send(&socket, 0, wanted_bytes, &pipe).await;
            assert_eq!(sent, Ok(100_000));
            socket.drained(0).await.unwrap();
            drop(socket);
            assert_eq!(ended(runtime, reader).await.len(), 100_000);
        }
    });
}

#[test]
fn a_reader_that_is_gone_is_the_side_that_failed() {
    run(async |runtime, below, root| {
        fs::write(root.join("a"), vec![7; 4 << 20]).unwrap();
        let file = runtime.open(below, path(runtime, "a")).await.unwrap();
        for bytes in [4 << 20, limits::FILE_TRANSFER_BYTES_MIN - 1] {
            let (here, there) = UnixStream::pair().unwrap();
            let socket = runtime.adopt(here.into());
            drop(there);
            let pipe = runtime.pipe();
            let fault = file.send(&socket, 0, bytes, &pipe).await.unwrap_err();
            assert_eq!(fault.side, crate::runtime::Side::Sink, "{fault}");
        }
    });
}
