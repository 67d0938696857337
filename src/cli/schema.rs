//! `frys schema`: the JSON Schema of a configuration, for editors.

use crate::config::schema;

use std::io::{self, Write};
use std::process::ExitCode;

/// Prints the schema.
pub fn run() -> ExitCode {
    match io::stdout().write_all(schema().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}
