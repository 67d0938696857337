//! `frys bench find`: the highest rate at which an objective holds.

use crate::bench::find::{Answer, Heard, Next, Search};
use crate::bench::units as show;

use super::load::LoadArguments;
use super::search::{self, SearchArguments};

use clap::Args;
use serde::Serialize;

use std::process::ExitCode;

/// The arguments of `frys bench find`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Print the result as JSON; the trials are still told of on standard error
    #[arg(long)]
    json: bool,
}

/// The result as JSON.
#[derive(Serialize)]
struct Found<'a> {
    objective: String,
    /// In words.
    says: String,
    #[serde(flatten)]
    answer: &'a Answer,
}

/// Does what the arguments say.
pub fn run(arguments: &Arguments) -> ExitCode {
    match find(arguments) {
        Ok(answer) => {
            tell(arguments, &answer);
            ExitCode::from(search::status(&answer))
        }
        Err(fault) => {
            eprintln!("frys bench find: {fault}");
            ExitCode::from(2)
        }
    }
}

fn find(arguments: &Arguments) -> Result<Answer, Box<dyn std::error::Error>> {
    let (pace, duration) = arguments.search.first_pace();
    let load = arguments.load.load(pace, duration)?;
    let mut search = Search::new(arguments.search.settings(&load)?)?;
    eprintln!("{}", search::head());
    loop {
        match search.next() {
            Next::Trial(step) => {
                let (trial, _) = arguments.search.trial(&load, &step)?;
                eprintln!("{}", search::row(&Heard { step, trial: trial.clone() }));
                search.hear(trial);
            }
            Next::End(answer) => return Ok(*answer),
        }
    }
}

fn tell(arguments: &Arguments, answer: &Answer) {
    let objective = arguments.search.objective().to_string();
    if arguments.json {
        let says = answer.to_string();
        let result = Found { objective, says, answer };
        println!("{}", serde_json::to_string_pretty(&result).expect("plain numbers and texts"));
        return;
    }
    println!("{objective}: {answer}");
    match answer.knee {
        Some(knee) => {
            let p99 = show::time(knee.p99_us);
            println!("knee: latency bends upward from {:.0}/s on (p99 {p99} there)", knee.rate);
        }
        None => println!("knee: none to be seen among the rates that were tried"),
    }
}
