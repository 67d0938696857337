//! `frys bench find`: the highest rate at which an objective holds.

use crate::bench::find::{Answer, Heard, Next, Search};
use crate::bench::page::document::{Document, NamedRun};
use crate::bench::plan::Load;
use crate::bench::report::Report;
use crate::bench::trial::Trial;
use crate::bench::units as show;

use super::load::LoadArguments;
use super::search::{self, SearchArguments};

use clap::Args;
use serde::Serialize;

use std::path::PathBuf;
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
    /// Write the result as a page that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
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
    arguments.search.check(&load)?;
    eprintln!("objective: {}", arguments.search.told());
    let mut search = Search::new(arguments.search.settings(&load)?)?;
    let mut kept = Kept::default();
    eprintln!("{}", search::head());
    loop {
        match search.next() {
            Next::Trial(step) => {
                let (trial, report) = arguments.search.trial(&load, &step)?;
                kept.keep(&trial, report);
                eprintln!("{}", search::row(&Heard { step, trial: trial.clone() }));
                search.hear(trial);
            }
            Next::End(answer) => {
                if let Some(path) = &arguments.html {
                    search::write(path, &page(arguments, &load, &answer, kept))?;
                }
                return Ok(*answer);
            }
        }
    }
}

/// The reports that a page shows whole.
#[derive(Default)]
struct Kept {
    /// Of the last trial that met the objective, in the end at the rate that is told.
    met: Option<Report>,
    /// Of the last that did not.
    failed: Option<Report>,
}

impl Kept {
    fn keep(&mut self, trial: &Trial, report: Report) {
        let place = if trial.met { &mut self.met } else { &mut self.failed };
        *place = Some(report);
    }
}

fn page(arguments: &Arguments, load: &Load, answer: &Answer, kept: Kept) -> Document {
    let named = [("met", kept.met), ("failed", kept.failed)].into_iter();
    let runs = named.filter_map(|(word, report)| {
        let report = report?;
        let rate = show::rate(report.asked.rate.unwrap_or_default());
        Some(NamedRun { name: format!("{rate}, {word}"), report })
    });
    let url = load.plan.targets.first().map_or("", |target| &target.url);
    Document {
        title: format!("frys bench find {url}"),
        runs: runs.collect(),
        sweep: Some(search::sweep(&arguments.search.objective(), answer)),
        table: None,
        notes: vec![answer.to_string()],
    }
}

fn tell(arguments: &Arguments, answer: &Answer) {
    if arguments.json {
        let objective = arguments.search.objective().to_string();
        let says = answer.to_string();
        let result = Found { objective, says, answer };
        println!("{}", serde_json::to_string_pretty(&result).expect("plain numbers and texts"));
        return;
    }
    println!("{}: {answer}", arguments.search.told());
    match answer.knee {
        Some(knee) => {
            let p99 = show::time(knee.p99_us);
            println!("knee: latency bends upward from {:.0}/s on (p99 {p99} there)", knee.rate);
        }
        None => println!("knee: none to be seen among the rates that were tried"),
    }
}
