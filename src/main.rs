//! The `frys` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    frys_gateway::cli::main()
}
