//! `frys bench`: loads a server and says what its clients would see.

mod load;
mod once;

use clap::Args;

use std::process::ExitCode;

/// The arguments of `frys bench`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    once: once::RunArguments,
}

/// Does what the arguments say.
pub fn run(arguments: &Arguments) -> ExitCode {
    once::run(&arguments.once)
}
