//! Texts that nobody may see: tokens, passwords, keys.

use super::steady;
use crate::http::field::MASK;
use crate::limits;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text that is used and never shown: not by `Debug`, not by a fault, not by the admin.
///
/// It is read when it is made, so that a gateway does not start, and does not reload, with a
/// secret that is not there. Two are equal when they come from the same place and hold the same
/// text: a secret that was changed where it lies is a change of the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    source: SecretSource,
    text: Arc<str>,
}

/// Where a secret was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// It stands in the configuration itself, for everybody to see who may read that.
    Inline,
    /// An environment variable: `{ env = "NAME" }`.
    Env(String),
    /// A file, without one line end at its end: `{ file = "/run/secrets/name" }`.
    File(PathBuf),
    /// A systemd credential, `LoadCredential=` of the unit: `{ credential = "name" }`.
    Credential(String),
}

/// A secret cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInvalid {
    source: SecretSource,
    what: String,
}

impl SecretInvalid {
    /// Where it was looked for.
    pub(super) fn source(&self) -> &SecretSource {
        &self.source
    }
}

impl Secret {
    /// A secret that is in the configuration itself.
    pub fn inline(text: impl Into<String>) -> Secret {
        Secret { source: SecretSource::Inline, text: text.into().into() }
    }

    /// The value of an environment variable.
    ///
    /// # Errors
    /// [`SecretInvalid`] when it is not set, empty, not UTF-8, or `***`, which is what is shown in
    /// place of secrets.
    pub fn env(name: impl Into<String>) -> Result<Secret, SecretInvalid> {
        let name = name.into();
        let read = match env::var(&name) {
            Ok(text) => Ok(text),
            Err(env::VarError::NotPresent) => Err("it is not set".to_owned()),
            Err(env::VarError::NotUnicode(_)) => Err(NOT_TEXT.to_owned()),
        };
        Secret::of(SecretSource::Env(name), read)
    }

    /// What a file holds, without one line end at its end.
    ///
    /// # Errors
    /// [`SecretInvalid`] when the file cannot be read, is empty, not UTF-8, `***`, or longer than
    /// 64 KiB.
    pub fn file(path: impl Into<PathBuf>) -> Result<Secret, SecretInvalid> {
        let path = path.into();
        let read = read(&path);
        Secret::of(SecretSource::File(path), read)
    }

    /// A credential that systemd hands to the service, from the folder that `CREDENTIALS_DIRECTORY`
    /// names.
    ///
    /// # Errors
    /// [`SecretInvalid`] as for [`Secret::file`], when the name is no file's, and when there is no
    /// such folder: the unit has no `LoadCredential=`.
    pub fn credential(name: impl Into<String>) -> Result<Secret, SecretInvalid> {
        let name = name.into();
        let is_name = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let read = match env::var_os("CREDENTIALS_DIRECTORY") {
            _ if !is_name => Err("a credential's name has no `/`".to_owned()),
            Some(folder) => read(&Path::new(&folder).join(&name)),
            None => Err("there is no `CREDENTIALS_DIRECTORY`: the service was not started by \
                         systemd with `LoadCredential=`"
                .to_owned()),
        };
        Secret::of(SecretSource::Credential(name), read)
    }

    /// Stands for a secret that cannot be had where only what is written is looked at.
    pub(super) fn standing_in(source: SecretSource, text: impl Into<String>) -> Secret {
        Secret { source, text: text.into().into() }
    }

    /// Where it was read.
    pub fn source(&self) -> &SecretSource {
        &self.source
    }

    /// The text itself, for what uses it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    fn of(source: SecretSource, read: Result<String, String>) -> Result<Secret, SecretInvalid> {
        match read {
            Ok(text) if text.is_empty() => {
                Err(SecretInvalid { source, what: "it is empty".to_owned() })
            }
            Ok(text) if text == MASK => Err(SecretInvalid { source, what: MASKED.to_owned() }),
            Ok(text) => Ok(Secret { source, text: text.into() }),
            Err(what) => Err(SecretInvalid { source, what }),
        }
    }
}

/// What a small file holds.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let bytes = steady::read(path, limits::SECRET_BYTES_MAX).map_err(unreadable)?;
    if bytes.len() > limits::SECRET_BYTES_MAX {
        return Err(format!("longer than {} bytes", limits::SECRET_BYTES_MAX));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| NOT_TEXT.to_owned())?;
    // Editors and `echo` end a line that is no part of the secret.
    let length = text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest).len());
    text.truncate(length.unwrap_or(text.len()));
    Ok(text)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.source)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Inline => f.write_str("inline"),
            SecretSource::Env(name) => write!(f, "env {name}"),
            SecretSource::File(path) => write!(f, "file {}", path.display()),
            SecretSource::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

impl fmt::Display for SecretInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret of {}: {}", self.source, self.what)
    }
}

impl std::error::Error for SecretInvalid {}

/// Why [`MASK`] is refused where a secret stands: what was shown came back as it was shown.
pub(super) const MASKED: &str = "`***` is no secret: it is what `GET /config` shows in place of \
                                 one; write the secret, or where it is read";

const NOT_TEXT: &str = "it is not UTF-8";

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, bytes).expect("a file");
        (folder, path)
    }

    #[test]
    fn a_file_is_read_without_its_line_end() {
        for (bytes, want) in [
            (&b"abc"[..], "abc"),
            (b"abc\n", "abc"),
            (b"abc\r\n", "abc"),
            (b"abc\n\n", "abc\n"),
            (b"a\nb ", "a\nb "),
        ] {
            let (_folder, path) = written(bytes);
            assert_eq!(Secret::file(path).expect("a secret").expose(), want);
        }
    }

    #[test]
    fn refuses_files_that_are_no_secret() {
        for (bytes, want) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b"***\n", "is no secret"),
            (b"\xff", "not UTF-8"),
            (&vec![b'a'; limits::SECRET_BYTES_MAX + 1], "longer than"),
        ] {
            let (_folder, path) = written(bytes);
            let error = Secret::file(path).expect_err(want).to_string();
            assert!(error.contains(want), "{error}");
        }
        let (_folder, path) = written(&vec![b'a'; limits::SECRET_BYTES_MAX]);
        assert!(Secret::file(path).is_ok());
        assert!(Secret::file("/nowhere/token").expect_err("missing").to_string().contains("read"));
        assert!(Secret::file("/dev/zero").is_err());
    }

    #[test]
    fn an_environment_variable_is_read() {
        // Cargo sets it for tests.
        let secret = Secret::env("CARGO_PKG_NAME").expect("set");
        assert_eq!(secret.expose(), "frys-gateway");
        let error = Secret::env("FRYS_NO_SUCH_VARIABLE").expect_err("not set").to_string();
        assert_eq!(error, "the secret of env FRYS_NO_SUCH_VARIABLE: it is not set");
    }

    #[test]
    fn a_credential_is_a_plain_name() {
        for name in ["", "a/b", "/etc/passwd", "..", "."] {
            let error = Secret::credential(name).expect_err(name).to_string();
            assert!(error.contains("has no `/`"), "{error}");
        }
    }

    #[test]
    fn is_never_shown() {
        let secret = Secret::inline("hush");
        assert_eq!(format!("{secret:?}"), "Secret(inline)");
        assert!(!format!("{:?}", Some(&secret)).contains("hush"));
    }

    #[test]
    fn is_its_source_and_its_text() {
        let (_folder, path) = written(b"one");
        let before = Secret::file(&path).expect("a secret");
        assert_eq!(before, Secret::file(&path).expect("a secret"));
        assert_ne!(before, Secret::inline("one"));
        std::fs::write(&path, "two").expect("a file");
        assert_ne!(before, Secret::file(&path).expect("a secret"));
    }
}
