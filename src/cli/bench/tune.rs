//! `frys bench tune`: which settings of a configuration meet an objective at the highest rate.

use crate::bench::find::{Answer, Heard, Next, Search};
use crate::bench::knob::{self, Base, Knob, Setting, Standing, Tried};
use crate::bench::page::document::{Document, NamedRun, Table};
use crate::bench::plan::Load;
use crate::bench::report::Report;
use crate::bench::units as show;

use super::load::LoadArguments;
use super::search::{self, SearchArguments};
use super::side::{self, Common, Server, UpstreamChoice};

use clap::Args;
use serde::Serialize;

use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `frys bench tune`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    load: LoadArguments,
    /// The configuration to start from; it is not changed
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A key and the values to try, such as `workers=1,2` or `runtime.buffers=256,1024`; several
    /// knobs are tried in every combination
    #[arg(long = "knob", value_name = "KEY=VALUES", required = true)]
    knobs: Vec<Knob>,
    /// Where gateways that are started here send requests: `included` for the test upstream in
    /// this process, `file` for where the configuration says, or a URL
    #[arg(long, value_name = "UPSTREAM", default_value = "included")]
    upstream: UpstreamChoice,
    /// The cores that the gateways run on, such as `0,1`
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    server_cores: Vec<usize>,
    #[command(flatten)]
    search: SearchArguments,
    /// Print the result as JSON; the trials are still told of on standard error
    #[arg(long)]
    json: bool,
    /// Write the result as a page that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// One setting under way.
struct Stand {
    setting: Setting,
    server: Server,
    load: Load,
    search: Search,
    /// Of the last trial that met the objective.
    report: Option<Report>,
}

#[derive(Serialize)]
struct Ranked<'a> {
    setting: String,
    standing: Standing,
    /// The lines that make it, as TOML.
    lines: String,
    /// In words.
    says: String,
    answer: &'a Answer,
}

/// Does what the arguments say. The status is 1 where no setting meets the objective.
pub fn run(arguments: &Arguments) -> ExitCode {
    match tune(arguments) {
        Ok(ranked) => {
            tell(arguments, &ranked);
            let is_met = ranked.iter().any(|(_, standing)| *standing != Standing::None);
            ExitCode::from(u8::from(!is_met))
        }
        Err(fault) => {
            eprintln!("frys bench tune: {fault}");
            ExitCode::from(2)
        }
    }
}

type Fault = Box<dyn std::error::Error>;

fn tune(arguments: &Arguments) -> Result<Vec<(Tried, Standing)>, Fault> {
    let base = side::base(&arguments.config)?;
    let settings = knob::settings(&arguments.knobs)?;
    // All of them before the first trial: a mistyped key costs no hour.
    settings.iter().try_for_each(|setting| base.check(setting))?;
    // Checked for a server that is not yet there.
    let (pace, duration) = arguments.search.first_pace();
    let load = arguments.load.moved(side::NOWHERE)?.load(pace, duration)?;
    arguments.search.check(&load)?;
    eprintln!("objective: {}", arguments.search.told());
    let common = Common::new(&arguments.server_cores, &arguments.upstream, None)?;
    let mut stands = start(arguments, &base, settings, &common, &load)?;
    eprintln!("{}  setting", search::head());
    let mut round = 0_usize;
    loop {
        // One trial of each in turn, forward and backward, so that what drifts favours none.
        let mut order: Vec<usize> = (0..stands.len()).collect();
        if !round.is_multiple_of(2) {
            order.reverse();
        }
        round += 1;
        let mut is_over = true;
        for index in order {
            is_over &= !step(arguments, &mut stands[index])?;
        }
        if is_over {
            break;
        }
    }
    let runs: Vec<NamedRun> = stands
        .iter_mut()
        .filter_map(|stand| {
            let report = stand.report.take()?;
            Some(NamedRun { name: stand.setting.to_string(), report })
        })
        .collect();
    let tried = stands.into_iter().filter_map(|stand| match stand.search.next() {
        Next::End(answer) => Some(Tried { setting: stand.setting, answer: *answer }),
        Next::Trial(_) => None,
    });
    let ranked = knob::rank(tried.collect());
    if let Some(path) = &arguments.html {
        search::write(path, &page(arguments, &ranked, runs))?;
    }
    Ok(ranked)
}

/// A gateway for each setting; the idle ones cost nothing.
fn start(
    arguments: &Arguments,
    base: &Base,
    settings: Vec<Setting>,
    common: &Common,
    load: &Load,
) -> Result<Vec<Stand>, Fault> {
    let program = side::own_binary()?;
    let mut stands: Vec<Stand> = Vec::new();
    let mut found = None;
    for setting in settings {
        let server = side::gateway(&program, base, &setting, common)?;
        let load = side::moved(load, server.address)?;
        // All begin at the same rate, so that they are led through the same steps.
        let settings = match found {
            Some(settings) => settings,
            None => *found.insert(arguments.search.settings(&load)?),
        };
        stands.push(Stand { setting, server, load, search: Search::new(settings)?, report: None });
    }
    Ok(stands)
}

/// Makes a setting's next trial, if it has one.
fn step(arguments: &Arguments, stand: &mut Stand) -> Result<bool, Fault> {
    let Next::Trial(step) = stand.search.next() else { return Ok(false) };
    let (trial, report) = arguments.search.trial(&stand.load, &step)?;
    if trial.met {
        stand.report = Some(report);
    }
    stand.server.check()?;
    let heard = Heard { step, trial: trial.clone() };
    eprintln!("{}  ({})", search::row(&heard), stand.setting);
    stand.search.hear(trial);
    Ok(true)
}

fn tell(arguments: &Arguments, ranked: &[(Tried, Standing)]) {
    if arguments.json {
        let each = ranked.iter().map(|(tried, standing)| Ranked {
            setting: tried.setting.to_string(),
            standing: *standing,
            lines: tried.setting.lines(),
            says: tried.answer.to_string(),
            answer: &tried.answer,
        });
        let each: Vec<Ranked<'_>> = each.collect();
        println!("{}", serde_json::to_string_pretty(&each).expect("plain numbers and texts"));
        return;
    }
    println!("{}, the highest rate first:", arguments.search.told());
    for (number, (tried, standing)) in ranked.iter().enumerate() {
        let word = word(*standing);
        println!("{:>3}. {}: {word}\n     {}", number + 1, tried.setting, tried.answer);
    }
    println!("{}", advice(ranked));
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Best => "best",
        Standing::AtRateMax => "reached --rate-max, as others did",
        Standing::NotToldApart => "not told apart from the best",
        Standing::Below => "below the best",
        Standing::None => "meets it at no rate",
    }
}

fn page(arguments: &Arguments, ranked: &[(Tried, Standing)], runs: Vec<NamedRun>) -> Document {
    let columns = ["setting", "rate that meets it", "interval", "trials", "standing"];
    let row = |(tried, standing): &(Tried, Standing)| {
        let highest = tried.answer.highest;
        let interval = highest.and_then(|highest| highest.interval);
        vec![
            tried.setting.to_string(),
            highest.map_or(show::NOTHING.to_owned(), |highest| show::rate(highest.rate)),
            interval.map_or(show::NOTHING.to_owned(), |(low, high)| {
                format!("{} to {}", show::rate(low), show::rate(high))
            }),
            tried.answer.trials.len().to_string(),
            word(*standing).to_owned(),
        ]
    };
    Document {
        title: format!("frys bench tune {}", arguments.config.display()),
        runs,
        table: Some(Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows: ranked.iter().map(row).collect(),
        }),
        notes: vec![arguments.search.told(), advice(ranked)],
        ..Document::default()
    }
}

/// What to say where the load was too little for a ranking.
fn draw(ranked: &[(Tried, Standing)], first: &Tried) -> String {
    let count = ranked.iter().filter(|(_, standing)| *standing == Standing::AtRateMax).count();
    let rate = show::rate(first.answer.highest.map_or(0.0, |highest| highest.rate));
    format!(
        "{count} settings met the objective up to --rate-max ({rate}): they cannot be told apart \
         below it, and their order says nothing; a higher --rate-max may rank them"
    )
}

/// What to do with it.
fn advice(ranked: &[(Tried, Standing)]) -> String {
    let best = match ranked.first() {
        Some((best, Standing::Best)) => best,
        Some((first, Standing::AtRateMax)) => return draw(ranked, first),
        Some((_, Standing::NotToldApart | Standing::Below | Standing::None)) | None => {
            return "no setting meets the objective".to_owned();
        }
    };
    if best.setting.is_file() {
        return "the configuration as it is: nothing to change".to_owned();
    }
    let file = ranked.iter().find(|(tried, _)| tried.setting.is_file());
    let doubt = match file {
        Some((_, Standing::NotToldApart)) => {
            "# not told apart from the configuration as it is: these lines may change nothing\n"
        }
        Some(_) | None => "",
    };
    format!("to paste in place of the keys of the same names:\n\n{doubt}{}", best.setting.lines())
}
