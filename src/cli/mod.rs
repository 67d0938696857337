//! The `frys` command: one file a subcommand.

mod admin;
mod bench;
mod capture;
mod check;
mod demo;
mod diff;
mod explain;
mod fmt;
#[cfg(feature = "authentication")]
mod hash;
#[cfg(not(feature = "authentication"))]
#[path = "hash_absent.rs"]
mod hash;
mod traffic;
mod run;
mod schema;

use clap::{Parser, Subcommand};

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// An HTTP proxy and API gateway for bare-metal Linux: one io_uring loop on each core.
#[derive(Parser)]
#[command(name = "frys", version = VERSION, long_version = LONG_VERSION, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a configuration until SIGTERM or SIGINT
    ///
    /// The first signal lets requests in flight finish within drain_timeout; a second SIGINT ends
    /// at once. SIGHUP reads the configuration again, as does a change of its file; SIGUSR1 opens
    /// the access log's file anew.
    Run {
        /// The configuration: .toml, .yaml, .yml or .json
        #[arg(long, short, value_name = "FILE")]
        config: PathBuf,
        /// Where the last configuration that worked is kept, to start from when this one is refused
        #[arg(long, value_name = "FILE")]
        last_known_good: Option<PathBuf>,
    },
    /// Say everything that is wrong with a configuration
    ///
    /// Exit status 0 when nothing is, 1 otherwise, 2 when it cannot be written.
    Check {
        /// The configuration: .toml, .yaml, .yml or .json
        #[arg(long, short, value_name = "FILE")]
        config: PathBuf,
        /// How faults are written: as text, or as an array of objects
        #[arg(long, value_enum, default_value = "text")]
        format: check::Output,
    },
    /// Say why a request goes where it goes
    ///
    /// By a file, or by a running gateway, which also knows the requests of the recent past. Exit
    /// status 0 when a route takes the request, 1 when none does, 2 when there is nothing to
    /// explain.
    Explain(explain::Arguments),
    /// Write the requests of a running gateway as JSON lines, for `frys diff --traffic`
    Capture(capture::Arguments),
    /// Print the JSON Schema of a configuration, with which an editor completes and checks it
    Schema,
    /// Write configurations in their canonical form, with every comment
    ///
    /// Exit status 0; with --check 1 when a file would change; 2 when one cannot be read.
    Fmt(fmt::Arguments),
    /// Print the hash of a key or a password, read from standard input, for a configuration
    Hash(hash::Arguments),
    /// Say what would change if one configuration took another's place
    ///
    /// With --traffic: which recorded requests it would send elsewhere. Exit status 0 when nothing
    /// would change, 1 when something would, 2 when there is nothing to compare.
    Diff {
        /// A JSON access log, or what `frys capture` wrote; `-` is standard input
        #[arg(long, value_name = "LOG")]
        traffic: Option<PathBuf>,
        /// The configuration as it is
        #[arg(value_name = "A")]
        old: PathBuf,
        /// The configuration as it would be
        #[arg(value_name = "B")]
        new: PathBuf,
        /// How the difference is written: as text, or as one object
        #[arg(long, value_enum, default_value = "text")]
        format: check::Output,
    },
    /// Load a server and say what its clients would see
    ///
    /// Exit status 0 when the run was made and met its objective, 1 when it did not meet it, 2 when
    /// there was no run.
    Bench(Box<bench::Arguments>),
    /// Start two upstreams on loopback and a gateway in front of them, until Ctrl-C
    Demo {
        /// The gateway's port; another one is taken where it is in use
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// The admin's port; another one is taken where it is in use
        #[arg(long, default_value_t = 9901)]
        admin_port: u16,
    },
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { config, last_known_good } => run::run(&config, last_known_good.as_deref()),
        Command::Check { config, format } => check::run(&config, format),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Capture(arguments) => capture::run(&arguments),
        Command::Schema => schema::run(),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Hash(arguments) => hash::run(&arguments),
        Command::Diff { traffic: Some(log), old, new, format } => {
            traffic::run(&log, &old, &new, format)
        }
        Command::Diff { traffic: None, old, new, format } => diff::run(&old, &new, format),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Demo { port, admin_port } => demo::run(port, admin_port),
    }
}

/// Writes to standard output, and gives the exit status: the one that is told, or 2 where nobody
/// can read it. A reader that has read enough, such as `head`, is no fault.
fn say(text: impl Display, status: ExitCode) -> ExitCode {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => status,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => status,
        Err(error) => {
            eprintln!("frys: cannot write: {error}");
            ExitCode::from(2)
        }
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("FRYS_COMMIT"),
    "\ntarget: ",
    env!("FRYS_TARGET"),
    "\nfeatures: ",
    env!("FRYS_FEATURES"),
);
