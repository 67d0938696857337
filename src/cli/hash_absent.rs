//! A build without the feature `authentication`: nothing to hash for.

use clap::Args;

use std::process::ExitCode;

/// Nothing.
#[derive(Args)]
pub struct Arguments {}

/// Says so.
pub fn run(_: &Arguments) -> ExitCode {
    eprintln!("frys: this program was built without the feature `authentication`");
    ExitCode::FAILURE
}
