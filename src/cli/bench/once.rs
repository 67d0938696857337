//! `frys bench TARGET`: one run, shown while it goes on and reported at its end.

use crate::bench::gateway::{self, Admin, Scrape, ScrapeFault};
use crate::bench::objective::Objective;
use crate::bench::page::{self, document::Document};
use crate::bench::plan::Pace;
use crate::bench::report::{Arrivals, Report};
use crate::bench::run::{self, Progress};
use crate::bench::table;
use crate::config::units;

use super::load::LoadArguments;

use clap::{Args, ValueEnum};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The arguments of one run.
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    load: LoadArguments,
    /// Requests a second, sent when they are due whatever the server does (an open loop); without
    /// it each connection waits for its answer first (a closed loop, as wrk and hey)
    #[arg(long, short, value_name = "NUMBER")]
    rate: Option<f64>,
    /// How an open loop's requests are spread over time [default: constant]
    #[arg(long, value_enum, requires = "rate")]
    arrivals: Option<Spread>,
    /// What counts
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    duration: Duration,
    /// The objective, such as 'p99<5ms,errors<0.1%'; exit status 1 where it was not met
    #[arg(long, value_name = "TERMS")]
    slo: Option<Objective>,
    /// The admin of a Frys gateway under load: its stages and CPU time stand beside the client's
    /// figures
    #[arg(long, value_name = "ADDRESS", value_parser = admin)]
    gateway: Option<Admin>,
    /// Exit status 1 where the generator and not the server may have been the limit
    #[arg(long)]
    strict: bool,
    /// Print the result as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write the result as a page that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// No line of progress
    #[arg(long, short)]
    quiet: bool,
}

/// How the requests of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spread {
    /// At equal distances
    Constant,
    /// At random, as many independent clients send them
    Poisson,
}

impl From<Spread> for Arrivals {
    fn from(spread: Spread) -> Arrivals {
        match spread {
            Spread::Constant => Arrivals::Constant,
            Spread::Poisson => Arrivals::Poisson,
        }
    }
}

/// Runs once and reports.
pub fn run(arguments: &RunArguments) -> ExitCode {
    let report = measure(arguments);
    match report.and_then(|report| tell(arguments, &report).map(|()| report)) {
        Ok(report) => {
            let is_met = report.objective.as_ref().is_none_or(|verdict| verdict.met);
            let is_believed = !(arguments.strict && report.client.is_limit);
            let is_answered = report.seen.requests > 0 || report.objective.is_some();
            ExitCode::from(match (is_met && is_believed, is_answered) {
                (true, true) => 0,
                (false, _) => 1,
                // Nothing is known of a server that answered nothing.
                (true, false) => 2,
            })
        }
        Err(fault) => {
            eprintln!("frys bench: {fault}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &RunArguments) -> Result<Report, Box<dyn Error>> {
    let pace = match arguments.rate {
        Some(rate) => {
            Pace::Open { rate, arrivals: arguments.arrivals.unwrap_or(Spread::Constant).into() }
        }
        None => Pace::Closed,
    };
    if let Some(objective) = &arguments.slo
        && objective.needs_rate()
        && arguments.rate.is_none()
    {
        return Err("--slo: a share of the asked rate needs --rate".into());
    }
    let load = arguments.load.load(pace, arguments.duration)?;
    let mut joined = Joined { admin: arguments.gateway.as_ref(), before: None };
    // Whether it answers at all is known before the run is made.
    joined.scrape()?;
    let plan = &load.plan;
    let mut line = Line::new(arguments.quiet, plan.warm_up, plan.duration);
    let mut fault = None;
    let stop = stop_by_signal()?;
    let mut report = run::run_until(&load, &stop, &mut |progress| {
        if matches!(progress, Progress::Counting)
            && let Err(error) = joined.scrape()
        {
            fault = Some(error);
        }
        line.show(progress);
    })?;
    line.clear();
    // The client's figures stand, whatever became of the gateway's.
    if let Err(fault) = fault.map_or_else(|| joined.join(&mut report), Err) {
        report.client.warnings.push(format!("--gateway: {fault}"));
    }
    report.objective = arguments.slo.as_ref().map(|objective| objective.judge(&report));
    Ok(report)
}

fn tell(arguments: &RunArguments, report: &Report) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &arguments.html {
        let title = format!("frys bench {}", report.asked.targets[0].url);
        let text = page::html(&Document::of_run(&title, report.clone()));
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(report)? + "\n"
    } else {
        table::table(report)
    };
    match io::stdout().write_all(text.as_bytes()) {
        // `frys bench … | head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Set by the first SIGINT or SIGTERM, after which the run reports what it saw until then; the
/// second ends the process at once.
fn stop_by_signal() -> io::Result<Arc<AtomicBool>> {
    let stop: Arc<AtomicBool> = Arc::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, 2, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

fn admin(text: &str) -> Result<Admin, String> {
    Admin::parse(text).map_err(|fault| fault.to_string())
}

/// The gateway's figures before and after.
struct Joined<'a> {
    admin: Option<&'a Admin>,
    before: Option<Scrape>,
}

impl Joined<'_> {
    fn scrape(&mut self) -> Result<(), ScrapeFault> {
        if let Some(admin) = self.admin {
            self.before = Some(admin.scrape()?);
        }
        Ok(())
    }

    fn join(&self, report: &mut Report) -> Result<(), ScrapeFault> {
        let (Some(admin), Some(before)) = (self.admin, &self.before) else { return Ok(()) };
        let mut side = admin.scrape()?.since(before)?;
        if side.requests == 0 && report.seen.requests > 0 {
            let warning = "--gateway: it counted no request: is it the one under load?";
            report.client.warnings.push(warning.to_owned());
        }
        gateway::beside(&mut side, &report.seen.latency);
        report.gateway = Some(side);
        Ok(())
    }
}

/// The line of progress, on a terminal only: it is written over and over.
struct Line {
    is_shown: bool,
    warm_up: Duration,
    duration: Duration,
    begin: Instant,
    shown: Option<Instant>,
    errors: u64,
}

impl Line {
    fn new(quiet: bool, warm_up: Duration, duration: Duration) -> Line {
        let is_shown = !quiet && io::stderr().is_terminal();
        let begin = Instant::now();
        let line = Line { is_shown, warm_up, duration, begin, shown: None, errors: 0 };
        line.write(&table::Progress {
            is_warm_up: true,
            of_s: warm_up.as_secs_f64(),
            ..table::Progress::default()
        });
        line
    }

    fn show(&mut self, progress: &Progress) {
        let Progress::Piece(piece) = progress else { return };
        self.errors += piece.errors;
        let now = Instant::now();
        let is_due = self.shown.is_none_or(|shown| now - shown >= LINE_EVERY);
        if !is_due {
            return;
        }
        self.shown = Some(now);
        self.write(&table::Progress {
            is_warm_up: false,
            at_s: (now - self.begin).saturating_sub(self.warm_up).as_secs_f64(),
            of_s: self.duration.as_secs_f64(),
            rate: piece.requests as f64 / piece.seconds,
            p99_us: (piece.requests > 0).then_some(piece.p99_us),
            errors: self.errors,
        });
    }

    fn write(&self, progress: &table::Progress) {
        if self.is_shown {
            eprint!("\r{}", table::progress(progress));
        }
    }

    fn clear(&self) {
        if self.is_shown {
            eprint!("\r{:LINE_COLUMNS$}\r", "");
        }
    }
}

/// Twice a second is as fast as it is read.
const LINE_EVERY: Duration = Duration::from_millis(500);
const LINE_COLUMNS: usize = 78;
