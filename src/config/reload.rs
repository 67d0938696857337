//! How a running gateway comes to a new configuration.

use super::keys::{Key, Section};
use super::kind::{Form, Kind};
use std::path::PathBuf;
use std::time::Duration;

/// When the configuration is read again, and what becomes of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadConfig {
    /// Whether the file is read again when it changes. Default true: a wrong file changes nothing.
    pub watch: bool,
    /// How long exchanges may go on under an older configuration; then they are cut. Default none:
    /// a long download or an event stream is no fault.
    pub max_generation_age: Option<Duration>,
    /// Where the last configuration that was installed is kept, by its absolute path. Default
    /// none.
    pub last_known_good: Option<PathBuf>,
}

impl Default for ReloadConfig {
    fn default() -> ReloadConfig {
        ReloadConfig { watch: true, max_generation_age: None, last_known_good: None }
    }
}

pub(crate) static SECTION: Section = Section {
    title: "[reload]",
    text: "How a running gateway comes to a new configuration: `docs/reload.md`.",
    keys: &[
        Key {
            name: "watch",
            kind: Kind::Boolean,
            default: "true",
            text: "Whether the file is read again when it changes. On, since a wrong file changes \
                   nothing. SIGHUP and the admin read it again in any case.",
        },
        Key {
            name: "max_generation_age",
            kind: Kind::Either(&[Kind::Duration, Kind::OneOf(&["none"])]),
            default: "\"none\"",
            text: "How long exchanges may go on under an older configuration; then they are cut, \
                   with the reason `generation_expired`. Off, since a long download or an event \
                   stream is no fault.",
        },
        Key {
            name: "last_known_good",
            kind: Kind::Text(Form::FILE),
            default: "[none]",
            text: "An absolute path, where each configuration that was installed is kept as JSON, \
                   readable by its owner alone; `frys run --last-known-good` starts from it.",
        },
    ],
    choices: &[],
    later: &[],
    meant: &[],
};
