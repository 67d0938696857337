//! `frys bench`: loads a server and says what its clients would see.

mod load;
mod once;
mod search;
mod find;
mod side;
mod compare;
mod tune;

use crate::bench::child;

use clap::{Args, Subcommand};

use std::process::ExitCode;

/// The arguments of `frys bench`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    judge: Option<Judge>,
    #[command(flatten)]
    once: once::RunArguments,
}

/// What drives the load and judges what it finds.
#[derive(Subcommand, Debug)]
enum Judge {
    /// Find the highest rate at which an objective holds
    ///
    /// Doubles the rate until trials fail, halves what lies between, and confirms what is left by
    /// fresh trials. Exit status 0 when a rate was found, 1 when none meets the objective, 2 when
    /// the search could not tell.
    Find(find::Arguments),
    /// Compare two servers, binaries or configurations by trials in turn
    ///
    /// The target's host and port give way to each side's own. Exit status 1 when B is worse in
    /// something, 2 when there was no comparison.
    Compare(compare::Arguments),
    /// Rank settings of a configuration by the highest rate at which an objective holds
    ///
    /// A gateway is started for each on loopback; the configuration is read, not changed. Exit
    /// status 1 when no setting meets the objective, 2 when it could not be tried.
    Tune(tune::Arguments),
}

/// Does what the arguments say.
pub fn run(arguments: &Arguments) -> ExitCode {
    if matches!(arguments.judge, Some(Judge::Compare(_) | Judge::Tune(_)))
        && let Err(error) = child::watch()
    {
        eprintln!("frys bench: signals cannot be heard: {error}");
        return ExitCode::from(2);
    }
    match &arguments.judge {
        Some(Judge::Find(arguments)) => find::run(arguments),
        Some(Judge::Compare(arguments)) => compare::run(arguments),
        Some(Judge::Tune(arguments)) => tune::run(arguments),
        None => once::run(&arguments.once),
    }
}
