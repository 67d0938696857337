//! Files with one thing a line, beside a configuration: keys, users, certificates.

use super::steady;
use crate::limits;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file's text, read when this is made; it is not shown, since it may hold secrets.
///
/// Two are equal when they come from the same place and hold the same text: a file that was changed
/// is a change of the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct TextFile {
    path: PathBuf,
    text: Arc<str>,
}

/// A file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFileInvalid {
    path: PathBuf,
    what: String,
}

impl TextFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`TextFileInvalid`] when the path is not absolute, or the file cannot be read, is not UTF-8
    /// or is longer than 16 MiB.
    pub fn read(path: impl Into<PathBuf>) -> Result<TextFile, TextFileInvalid> {
        let path = path.into();
        match contents(&path) {
            Ok(text) => Ok(TextFile { path, text: text.into() }),
            Err(what) => Err(TextFileInvalid { path, what }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it held when it was read.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Its lines with their numbers from 1, without blank ones and those that begin with `#`.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    }
}

fn contents(path: &Path) -> Result<String, String> {
    if !path.is_absolute() {
        return Err("the path is not absolute".to_owned());
    }
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let bytes = steady::read(path, limits::TEXT_FILE_BYTES_MAX).map_err(unreadable)?;
    if bytes.len() > limits::TEXT_FILE_BYTES_MAX {
        return Err(format!("it is longer than {} bytes", limits::TEXT_FILE_BYTES_MAX));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

impl fmt::Debug for TextFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextFile({})", self.path.display())
    }
}

impl fmt::Display for TextFileInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

impl std::error::Error for TextFileInvalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_its_place_and_its_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        std::fs::write(&path, "# why\n\n a \nb\n").expect("a file");
        let before = TextFile::read(&path).expect("a text");
        assert_eq!(before.lines().collect::<Vec<_>>(), [(3, "a"), (4, "b")]);
        assert_eq!(before, TextFile::read(&path).expect("a text"));
        assert!(
            !format!("{before:?}").contains('b')
                || before.path().display().to_string().contains('b')
        );
        std::fs::write(&path, "c").expect("a file");
        assert_ne!(before, TextFile::read(&path).expect("a text"));
    }

    #[test]
    fn refuses_what_is_no_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        for (bytes, want) in [
            (&b"\xff"[..], "not UTF-8"),
            (&vec![b'a'; limits::TEXT_FILE_BYTES_MAX + 1], "longer than"),
        ] {
            std::fs::write(&path, bytes).expect("a file");
            let fault = TextFile::read(&path).expect_err(want).to_string();
            assert!(fault.contains(want), "{fault}");
        }
        std::fs::write(&path, vec![b'a'; limits::TEXT_FILE_BYTES_MAX]).expect("a file");
        assert!(TextFile::read(&path).is_ok());
        assert!(TextFile::read("keys").expect_err("relative").to_string().contains("absolute"));
        assert!(TextFile::read("/nowhere/keys").is_err());
        assert!(TextFile::read("/dev/zero").is_err());
    }
}
