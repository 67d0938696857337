//! `frys bench`: loads a server and says what its clients would see.

mod load;
mod search;
mod find;
mod side;
mod compare;
mod tune;

use crate::bench::plan::Pace;
use crate::bench::report::{Arrivals, Report};
use crate::bench::run::{self, Progress};
use crate::config::units;

use self::load::LoadArguments;

use clap::{Args, Subcommand, ValueEnum};

use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `frys bench`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    judge: Option<Judge>,
    #[command(flatten)]
    load: LoadArguments,
    /// Requests a second, sent when they are due whatever the server does (an open loop); without
    /// it each connection waits for its answer first (a closed loop, as wrk and hey)
    #[arg(long, short, value_name = "NUMBER")]
    rate: Option<f64>,
    /// How an open loop's requests are spread over time
    #[arg(long, value_enum, default_value_t = Spread::Constant)]
    arrivals: Spread,
    /// What counts
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    duration: Duration,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
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

/// How the requests of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Spread {
    /// At equal distances
    Constant,
    /// At random, as many independent clients send them
    Poisson,
}

/// Does what the arguments say.
pub fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.judge {
        Some(Judge::Find(arguments)) => return find::run(arguments),
        Some(Judge::Compare(arguments)) => return compare::run(arguments),
        Some(Judge::Tune(arguments)) => return tune::run(arguments),
        None => {}
    }
    match measure(arguments) {
        Ok(report) => {
            println!("{}", serde_json::to_string_pretty(&report).expect("plain numbers and texts"));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("frys bench: {fault}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Report, Box<dyn std::error::Error>> {
    let arrivals = match arguments.arrivals {
        Spread::Constant => Arrivals::Constant,
        Spread::Poisson => Arrivals::Poisson,
    };
    let pace = match arguments.rate {
        Some(rate) => Pace::Open { rate, arrivals },
        None => Pace::Closed,
    };
    let load = arguments.load.load(pace, arguments.duration)?;
    let report = run::run(&load, &mut |progress| match progress {
        Progress::Counting | Progress::Ending | Progress::Piece(_) => {}
    })?;
    Ok(report)
}
