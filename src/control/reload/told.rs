//! Faults of a configuration as `frys check` and the admin tell them.

use serde_json::{Value, json};

use crate::config::{Fault, Location, Related};
use crate::error::ConfigError;

/// What becomes of a configuration with this fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is refused.
    Fault,
    /// It is taken.
    Warning,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
        }
    }
}

/// What `frys check` prints of a configuration with faults, but for the last line's end.
pub fn listed(error: &ConfigError, name: &str) -> String {
    let count = error.faults.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("{error}\n{name}: {count} fault{plural} found")
}

/// A fault as an object; what is not known is `null`.
pub fn written(fault: &Fault, severity: Severity) -> Value {
    let Fault { path, location, message, nearest, related } = fault;
    let mut object = place(location.as_ref());
    object["severity"] = severity.word().into();
    object["path"] = path.as_str().into();
    object["message"] = message.as_str().into();
    object["nearest"] = json!(nearest);
    object["related"] = match related {
        Some(Related { path, note, location }) => {
            let mut object = place(location.as_ref());
            object["path"] = path.as_str().into();
            object["note"] = note.as_str().into();
            object
        }
        None => Value::Null,
    };
    object
}

/// `end` is the place behind the last character.
fn place(location: Option<&Location>) -> Value {
    let file = location.map(|at| &at.file);
    let line = location.map(|at| at.line);
    let column = location.map(|at| at.column);
    let end = location.map(|at| json!({ "line": at.end_line, "column": at.end_column }));
    json!({ "file": file, "line": line, "column": column, "end": end })
}
