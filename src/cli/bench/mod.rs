//! `frys bench`: loads a server and says what its clients would see.

mod load;

use crate::bench::plan::Pace;
use crate::bench::report::{Arrivals, Report};
use crate::bench::run::{self, Progress};
use crate::config::units;

use self::load::LoadArguments;

use clap::{Args, ValueEnum};

use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `frys bench`.
#[derive(Args, Debug)]
pub struct Arguments {
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
