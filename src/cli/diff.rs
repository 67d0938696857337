//! `frys diff A B`: what would change, as `diff` says it by its exit status.

use crate::config::difference::{Difference, KeyChange, Part, PartChange};
use crate::config::{ConfigError, Loaded};
use crate::gateway::Gateway;

use super::check::Output;
use super::say;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Compares two files that are right.
pub fn run(old: &Path, new: &Path, output: Output) -> ExitCode {
    let (old, new) = match (Gateway::check_file(old), Gateway::check_file(new)) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => return refused([old, new]),
    };
    let difference = Difference::between(&old, &new);
    let status = ExitCode::from(u8::from(!difference.is_empty()));
    match output {
        Output::Json => say(format_args!("{:#}\n", written(&difference)), status),
        Output::Text => say(format_args!("{difference}{}\n", summary(&difference)), status),
    }
}

fn refused(loaded: [Result<Loaded, ConfigError>; 2]) -> ExitCode {
    for error in loaded.into_iter().filter_map(Result::err) {
        eprintln!("{error}");
    }
    ExitCode::from(2)
}

fn summary(difference: &Difference) -> String {
    let count = difference.parts.len();
    let restarts = difference.parts.iter().filter(|part| part.needs_restart).count();
    match (count, restarts) {
        (0, _) => "nothing changes".to_owned(),
        (1, 0) => "one of its parts changes; a reload makes it".to_owned(),
        (count, 0) => format!("{count} of its parts change; a reload makes all of it"),
        (1, _) => {
            "one of its parts changes; it needs a restart, and a reload is refused as long as it \
             differs"
                .to_owned()
        }
        (count, restarts) => format!(
            "{count} of its parts change; {restarts} of them need a restart, and a reload is \
             refused as long as they differ"
        ),
    }
}

fn written(difference: &Difference) -> Value {
    let change =
        |KeyChange { key, old, new }: &KeyChange| json!({ "key": key, "old": old, "new": new });
    let part = |part: &Part| {
        let (word, keys) = match &part.change {
            PartChange::Added => ("added", Vec::new()),
            PartChange::Removed => ("removed", Vec::new()),
            PartChange::Changed(keys) => ("changed", keys.iter().map(change).collect()),
        };
        json!({
            "kind": part.kind.name(),
            "name": part.name,
            "change": word,
            "keys": keys,
            "needs_restart": part.needs_restart,
        })
    };
    let parts: Value = difference.parts.iter().map(part).collect();
    json!({ "parts": parts, "can_reload": difference.can_reload() })
}
