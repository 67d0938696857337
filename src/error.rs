//! What a caller of the library is told when a configuration or a start is refused.

use std::fmt;
use std::fmt::Write as _;
use std::io;
use thiserror::Error;

/// One thing that is wrong with a configuration.
///
/// `Display` writes `file:line:column: key.path: message (did you mean `x`?)` and, when the fault
/// lies in a file, the line itself with the place underlined; then the other place in the same way,
/// where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key it is about, as in `routes[3].path`; empty when it is about the whole file.
    pub path: String,
    /// Where the key stands; `None` for a configuration that was built in Rust.
    pub location: Option<Location>,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The known name that is nearest to an unknown one.
    pub nearest: Option<String>,
    /// The other place, of two that cannot both be.
    pub related: Option<Related>,
}

/// What a fault stands against: the first of two keys of one name, the route that ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Its key, as [`Fault::path`].
    pub path: String,
    /// What is there, as in “the other route”.
    pub note: String,
    /// Where it stands; `None` for a configuration that was built in Rust.
    pub location: Option<Location>,
}

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// The line of what is behind the place's last character.
    pub end_line: u32,
    /// Its column.
    pub end_column: u32,
    /// The text of the line; a line longer than 240 characters is cut around the column.
    pub source_line: String,
    /// Characters of `source_line` before the place: `column - 1` unless the line was cut.
    pub caret: u32,
    /// Characters of `source_line` that are the place, at least 1: one that goes on in the next
    /// line is underlined to the end of its first.
    pub width: u32,
}

impl Fault {
    /// A fault of a key, without a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Fault {
        let (path, message) = (path.into(), message.into());
        Fault { path, location: None, message, nearest: None, related: None }
    }

    /// The same fault, with the other place that it stands against.
    #[must_use]
    pub fn against(self, path: impl Into<String>, note: impl Into<String>) -> Fault {
        let related = Related { path: path.into(), note: note.into(), location: None };
        Fault { related: Some(related), ..self }
    }
}

impl Location {
    /// The line, and what is underlined in it.
    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source_line.is_empty() {
            return Ok(());
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(self.caret as usize);
        let marks = "^".repeat(self.width.max(1) as usize);
        write!(f, "\n  {number} | {}\n  {margin} | {indent}{marks}", self.source_line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Location { file, line, column, .. }) = &self.location {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write_visible(f, &self.message)?;
        if let Some(nearest) = &self.nearest {
            f.write_str(" (did you mean `")?;
            write_visible(f, nearest)?;
            f.write_str("`?)")?;
        }
        if let Some(location) = &self.location {
            location.write_source(f)?;
        }
        let Some(Related { note, location: Some(location), .. }) = &self.related else {
            return Ok(());
        };
        write!(f, "\n  {}:{}:{}: ", location.file, location.line, location.column)?;
        write_visible(f, note)?;
        location.write_source(f)
    }
}

/// Writes a text that may quote the file: what would move a terminal's cursor is escaped, and a
/// quoted text as long as the file is cut.
fn write_visible(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (at, character) in text.chars().enumerate() {
        if at == MESSAGE_CHARACTERS_MAX {
            return f.write_str("…");
        }
        if character.is_control() {
            write!(f, "{}", character.escape_default())?;
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}

/// A configuration was refused: nothing of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Everything that is wrong with it, in the order of the file; never empty.
    pub faults: Vec<Fault>,
}

impl From<Fault> for ConfigError {
    fn from(fault: Fault) -> ConfigError {
        ConfigError { faults: vec![fault] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The gateway did not start, or one of its threads ended before it was asked to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration was refused.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// An address cannot be listened on: taken, not this machine's, or a port below 1024 without
    /// the right to it.
    #[error("cannot listen on {address}: {source}{}", listen_hint(source))]
    Listen {
        /// As in the configuration: `host:port` or `unix:/path`.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused io_uring.
    #[error("{fault}")]
    Runtime {
        /// Which of kernel, sysctl, seccomp or memlock refused it, and what to do.
        fault: String,
    },
    /// A worker's thread panicked; the process cannot serve as configured.
    #[error("worker {worker} panicked: {message}")]
    WorkerPanicked {
        /// Its number, from 0.
        worker: usize,
        /// What it said.
        message: String,
    },
    /// The control plane (admin, name resolution, access log, signals) could not start or ended.
    #[error("{what}: {source}")]
    Control {
        /// Which part, as in “cannot write the access log to /var/log/frys.log”.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for {what}: {source}")]
    Thread {
        /// What it was for.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A new configuration did not come into use; the one before stays, but for
/// [`ReloadError::Unacknowledged`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadError {
    /// Something is wrong with it, or needs a restart.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A new address cannot be listened on.
    #[error("cannot listen on {address}: {message}")]
    Listen {
        /// As in the configuration.
        address: String,
        /// What the kernel said.
        message: String,
    },
    /// There is no file to read again.
    #[error("the configuration was made by a program: there is no file to read again")]
    NoFile,
    /// A worker has not taken the configuration before yet, or too many reloads wait.
    #[error("the reload before is not over: try again in a moment")]
    Busy,
    /// The gateway ends.
    #[error("the gateway is draining: it takes no new configuration")]
    Ending,
    /// It was sent to all workers, and these did not answer in time. They use it as soon as they
    /// come to it; the others do already.
    #[error("generation {generation} was sent, and the workers {workers:?} did not answer in time")]
    Unacknowledged {
        /// Its number.
        generation: u64,
        /// Their numbers.
        workers: Vec<usize>,
    },
}

/// What to do about the usual refusals of an address.
fn listen_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "; another process has it: `ss -ltnp` says which",
        io::ErrorKind::AddrNotAvailable => "; no interface of this machine has that address",
        io::ErrorKind::PermissionDenied => {
            "; a port below 1024 needs CAP_NET_BIND_SERVICE, a socket file a writable folder"
        }
        _ => "",
    }
}

/// As much of a message as is shown: the longest own one lists 30 variables of the access log.
const MESSAGE_CHARACTERS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_quotes_cannot_move_the_cursor() {
        let nearest = Some("a\u{1b}b".into());
        let fault = Fault { nearest, ..Fault::new("id", "`\u{1b}[2J\n` is wrong") };
        let want = "id: `\\u{1b}[2J\\n` is wrong (did you mean `a\\u{1b}b`?)";
        assert_eq!(fault.to_string(), want);
    }

    #[test]
    fn a_message_is_not_as_long_as_what_it_quotes() {
        let fault = Fault::new("", "x".repeat(1_000_000));
        assert_eq!(fault.to_string().chars().count(), MESSAGE_CHARACTERS_MAX + 1);
    }

    #[test]
    fn a_fault_shows_its_place_and_its_line() {
        let fault = Fault {
            path: "limits.feilds".into(),
            location: Some(Location {
                file: "frys.toml".into(),
                line: 12,
                column: 3,
                end_line: 12,
                end_column: 9,
                source_line: "  feilds = 3".into(),
                caret: 2,
                width: 6,
            }),
            message: "unknown key".into(),
            nearest: Some("fields".into()),
            related: None,
        };
        let want = "frys.toml:12:3: limits.feilds: unknown key (did you mean `fields`?)\n  \
                    12 |   feilds = 3\n     |   ^^^^^^";
        assert_eq!(fault.to_string(), want);
    }

    #[test]
    fn a_fault_shows_the_other_place() {
        let at = |file: &str, line| Location {
            file: file.into(),
            line,
            column: 1,
            end_line: line,
            end_column: 3,
            source_line: "id = 1".into(),
            caret: 0,
            width: 2,
        };
        let mut fault = Fault::new("b", "is there already").against("a", "the first");
        assert_eq!(fault.to_string(), "b: is there already");
        fault.location = Some(at("b.toml", 7));
        if let Some(related) = &mut fault.related {
            related.location = Some(at("a.toml", 10));
        }
        let want = "b.toml:7:1: b: is there already\n  7 | id = 1\n    | ^^\n  \
                    a.toml:10:1: the first\n  10 | id = 1\n     | ^^";
        assert_eq!(fault.to_string(), want);
    }

    #[test]
    fn an_error_prints_every_fault() {
        let faults = vec![Fault::new("a", "one"), Fault::new("", "two")];
        assert_eq!(ConfigError { faults }.to_string(), "a: one\ntwo");
    }

    #[test]
    fn a_taken_port_says_how_to_find_who_has_it() {
        let source = io::Error::from(io::ErrorKind::AddrInUse);
        let error = StartError::Listen { address: "127.0.0.1:80".into(), source };
        assert!(error.to_string().contains("ss -ltnp"));
    }
}
