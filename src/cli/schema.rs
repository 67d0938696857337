//! `frys schema`: the JSON Schema of a configuration, for editors.

use super::say;
use crate::config::schema;

use std::process::ExitCode;

/// Prints the schema.
pub fn run() -> ExitCode {
    say(schema(), ExitCode::SUCCESS)
}
