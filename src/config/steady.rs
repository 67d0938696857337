//! Files read whole, and not while somebody writes them.

use crate::limits::FILE_READS_COUNT_MAX;
use std::fs::{File, Metadata};
use std::io::{Error, Read, Result};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What a regular file holds: all of it, or `bytes_max` and one byte more, which tells one that is
/// too long.
///
/// A file that is written meanwhile is read again: half a list of networks is a list as well.
///
/// # Errors
/// It cannot be read, or each time it was another one at the end than at the beginning. A pipe or a
/// device, which could keep the reader waiting for ever, is neither waited for nor read.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let bound = (bytes_max as u64).saturating_add(1);
    for _ in 0..FILE_READS_COUNT_MAX {
        // Without the flag opening a pipe waits for its writer.
        let mut file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let before = file.metadata()?;
        if !before.is_file() {
            return Err(Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.by_ref().take(bound).read_to_end(&mut bytes)?;
        let after = file.metadata()?;
        // What the kernel makes up has no length.
        let is_whole = after.len() == 0 || bytes.len() as u64 == after.len().min(bound);
        if is_whole && stamp(&before) == stamp(&after) {
            return Ok(bytes);
        }
    }
    Err(Error::other("it is being written"))
}

/// What changes when a file is written.
fn stamp(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn reads_all_or_a_byte_too_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, "abcd").expect("a file");
        for (most, want) in [(4, "abcd"), (5, "abcd"), (3, "abcd"), (2, "abc"), (0, "a")] {
            assert_eq!(read(&path, most).expect("it is there"), want.as_bytes(), "{most}");
        }
        fs::write(&path, "").expect("a file");
        assert_eq!(read(&path, usize::MAX).expect("it is there"), b"");
    }

    #[test]
    fn nobody_waits_for_a_pipe_or_a_device() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo starts").success());
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            let refused = read(path, 7).expect_err("no file").to_string();
            assert_eq!(refused, "it is not a regular file", "{}", path.display());
        }
        assert!(read(Path::new("/no/such"), 7).is_err());
        // Of no length, and yet not empty.
        assert!(!read(Path::new("/proc/self/status"), usize::MAX).expect("it is there").is_empty());
    }

    #[test]
    fn nobody_sees_half_of_what_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let texts = ["a".repeat(400_000), "b".repeat(300_000)];
        fs::write(&path, &texts[0]).expect("a file");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    texts.iter().for_each(|text| fs::write(&path, text).expect("a file"));
                }
            });
            for _ in 0..2_000 {
                // It may be read between the emptying and the writing, or never be still.
                let Ok(bytes) = read(&path, usize::MAX) else { continue };
                assert_eq!(bytes.first(), bytes.last(), "{} bytes of two texts", bytes.len());
            }
            is_over.store(true, Ordering::Relaxed);
        });
        // Once it is still it can be read.
        assert_eq!(read(&path, usize::MAX).expect("it is there"), texts[1].as_bytes());
    }
}
