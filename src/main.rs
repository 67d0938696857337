//! The `frys` command.

use std::process::ExitCode;

/// Blocks and tables of many sizes come and go with connections; `docs/adr/0002` has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    frys_gateway::cli::main()
}
