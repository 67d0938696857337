//! What `frys bench find` and `frys bench tune` have in common: how to search, how to make a trial,
//! and what is told of it.

use crate::bench::find::{Answer, End, Heard, Phase, Settings, Step};
use crate::bench::objective::{ERRORS_IMPLIED, Objective, errors_in_words};
use crate::bench::page;
use crate::bench::page::document::{Document, Sweep, SweepPoint};
use crate::bench::plan::{Load, Pace};
use crate::bench::report::Report;
use crate::bench::run::{self, RunFault};
use crate::bench::trial::Trial;
use crate::bench::units as show;
use crate::config::units;
use crate::limits;

use super::once::Spread;

use clap::Args;

use std::path::Path;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// How to search for a rate.
#[derive(Args, Clone, Debug)]
pub struct SearchArguments {
    /// What is to be met, such as `p99<5ms,errors<0.1%`; where it says nothing of errors,
    /// `errors<1%` is implied
    #[arg(long, value_name = "OBJECTIVE")]
    slo: Objective,
    /// The first rate [default: half of what a short closed loop reaches]
    #[arg(long, value_name = "RATE")]
    start: Option<f64>,
    /// The lowest rate that is tried
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    rate_min: f64,
    /// The highest rate that is tried
    #[arg(long, value_name = "RATE", default_value_t = limits::BENCH_RATE_MAX)]
    rate_max: f64,
    /// How close together a rate that meets it and one that does not are brought
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = percent)]
    precision: f64,
    /// Trials whose majority decides a rate; odd
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    trials: u32,
    /// Fresh trials at the rate that is told; odd
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    confirmations: u32,
    /// What counts of each trial
    #[arg(long, short, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    duration: Duration,
    /// Rest before a trial; twice as long after one that failed, four times after saturation
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = units::duration)]
    cool_down: Duration,
    /// What a search takes at most
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = units::duration)]
    budget: Duration,
    /// How the requests are spread over time
    #[arg(long, value_enum, default_value_t = Spread::Constant)]
    arrivals: Spread,
}

impl SearchArguments {
    /// The objective, with a bound for errors.
    pub fn objective(&self) -> Objective {
        self.slo.clone().with_errors()
    }

    /// The objective as it is told of, with what is implied.
    pub fn told(&self) -> String {
        let objective = self.objective();
        if objective == self.slo {
            return objective.to_string();
        }
        format!("{objective} ({ERRORS_IMPLIED} is implied)")
    }

    /// Checks what can be checked before any load is made.
    ///
    /// # Errors
    /// What is wrong, with its option's name.
    pub fn check(&self, load: &Load) -> Result<(), Box<dyn std::error::Error>> {
        bounded_by_time(load)?;
        let lowest = self.rate_min.min(self.rate_max);
        Ok(self.settings_from(self.start.unwrap_or(lowest), load).check()?)
    }

    /// A pace to check a load with before anything is started.
    pub fn first_pace(&self) -> (Pace, Duration) {
        let pace = match self.start {
            Some(rate) => self.pace(rate),
            None => Pace::Closed,
        };
        (pace, self.duration)
    }

    /// The settings of a search; without a first rate, a short closed loop is run for one.
    ///
    /// # Errors
    /// What kept the closed loop from being run.
    pub fn settings(&self, load: &Load) -> Result<Settings, Box<dyn std::error::Error>> {
        let start = match self.start {
            Some(rate) => rate,
            None => self.first_rate(load)?.clamp(self.rate_min, self.rate_max.max(self.rate_min)),
        };
        Ok(self.settings_from(start, load))
    }

    fn settings_from(&self, start: f64, load: &Load) -> Settings {
        Settings {
            start,
            rate_min: self.rate_min,
            rate_max: self.rate_max,
            precision: self.precision,
            trials: self.trials,
            confirmations: self.confirmations,
            seconds: (self.duration + load.plan.warm_up).as_secs_f64(),
            cool_down_s: self.cool_down.as_secs_f64(),
            budget_s: self.budget.as_secs_f64(),
            seed: load.plan.seed,
        }
    }

    /// Half of what a closed loop reaches: likely below the limit, and not far.
    fn first_rate(&self, load: &Load) -> Result<f64, Box<dyn std::error::Error>> {
        let duration = self.duration.min(FIRST_LOOK);
        eprintln!("a closed loop of {} first", units::show_duration(duration));
        let report = run::run(&load.paced(Pace::Closed, duration, load.plan.seed), &mut |_| ())?;
        let rate = report.seen.rate / 2.0;
        if rate > 0.0 {
            return Ok(rate);
        }
        let errors = errors_in_words(&report.seen.errors);
        Err(format!("the server answered nothing at all: {errors}").into())
    }

    /// Makes a trial, after its rest.
    ///
    /// # Errors
    /// As [`run::run`].
    pub fn trial(&self, load: &Load, step: &Step) -> Result<(Trial, Report), RunFault> {
        rest(Duration::from_secs_f64(step.cool_down_s));
        let load = load.paced(self.pace(step.rate), self.duration, step.seed);
        let mut report = run::run(&load, &mut |_| ())?;
        let verdict = self.objective().judge(&report);
        let trial = Trial::of(&report, &verdict);
        report.objective = Some(verdict);
        Ok((trial, report))
    }

    fn pace(&self, rate: f64) -> Pace {
        Pace::Open { rate, arrivals: self.arrivals.into() }
    }
}

/// Refuses `-n`: a trial that ends early would say nothing of its rate.
///
/// # Errors
/// Where the load is bounded by a number of requests.
pub fn bounded_by_time(load: &Load) -> Result<(), String> {
    if load.plan.requests_max == limits::BENCH_REQUESTS_MAX {
        return Ok(());
    }
    Err("-n: it bounds a single run; how long a trial is, is said by --duration".to_owned())
}

/// The heads of the columns of [`row`].
pub fn head() -> String {
    format!(
        "{:>3}  {:<8} {:>10} {:>10} {:>9} {:>9} {:>9} {:>8}",
        "", "phase", "rate/s", "achieved", "p50", "p99", "p99.9", "errors"
    )
}

/// A line for a trial.
pub fn row(heard: &Heard) -> String {
    let Heard { step, trial } = heard;
    let phase = match step.phase {
        Phase::Bracket => "bracket",
        Phase::Halve => "halve",
        Phase::Doubt => "doubt",
        Phase::Confirm => "confirm",
    };
    let word = match (trial.met, trial.is_limit, trial.saturated) {
        (true, _, _) => "met",
        (false, true, _) => "failed, the generator was the limit",
        (false, false, true) => "saturated",
        (false, false, false) => "failed",
    };
    format!(
        "{:>3}  {phase:<8} {:>10.0} {:>10.0} {:>9} {:>9} {:>9} {:>8}  {word}",
        step.number,
        step.rate,
        trial.achieved,
        show::time(trial.p50_us),
        show::time(trial.p99_us),
        show::time(trial.p999_us),
        show::share(trial.errors_share),
    )
}

/// The trials as a page's sweep.
pub fn sweep(objective: &Objective, answer: &Answer) -> Sweep {
    let point = |Heard { trial, .. }: &Heard| SweepPoint {
        rate: trial.rate,
        achieved: trial.achieved,
        p50_us: trial.p50_us,
        p99_us: trial.p99_us,
        p999_us: trial.p999_us,
        errors_share: trial.errors_share,
        met: trial.met,
    };
    Sweep {
        objective: objective.to_string(),
        points: answer.trials.iter().map(point).collect(),
        knee: answer.knee.map(|knee| knee.rate),
        highest: answer.highest.map(|highest| highest.rate),
        interval: answer.highest.and_then(|highest| highest.interval),
    }
}

/// Writes a page.
///
/// # Errors
/// The file's name and why it cannot be written.
pub fn write(path: &Path, document: &Document) -> Result<(), String> {
    let text = page::html(document);
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The exit status of a search: 0 for an answer, 1 where nothing meets the objective, 2 where the
/// search could not tell.
pub fn status(answer: &Answer) -> u8 {
    match (answer.end, answer.highest) {
        (End::Found | End::NeverFailed, _) => 0,
        (End::FailedAtLowest | End::SaturatedAtLowest, _) => 1,
        (End::GeneratorLimit | End::OutOfTime, _) => 2,
    }
}

/// Waits, whoever wakes this thread meanwhile.
pub fn rest(length: Duration) {
    let end = Instant::now() + length;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        park_timeout(left);
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
    number.map(|number| number / 100.0).ok_or_else(|| "written as `2%`".to_owned())
}

/// The closed loop before the search needs no more for half a rate.
const FIRST_LOOK: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_in_percent() {
        assert_eq!(percent("2%"), Ok(0.02));
        assert_eq!(percent("0.5 %"), Ok(0.005));
        assert!(percent("2").is_err() && percent("%").is_err());
    }

    #[test]
    fn a_row_says_why_a_trial_failed() {
        let step = Step { number: 3, phase: Phase::Halve, rate: 1000.0, cool_down_s: 0.0, seed: 1 };
        let row_of = |trial: Trial| row(&Heard { step, trial });
        assert!(row_of(Trial { met: true, ..Trial::default() }).ends_with("  met"));
        assert!(row_of(Trial::default()).ends_with("  failed"));
        assert!(row_of(Trial { saturated: true, ..Trial::default() }).ends_with("saturated"));
        assert!(row_of(Trial { is_limit: true, ..Trial::default() }).ends_with("the limit"));
        assert!(head().contains("p99.9"));
    }
}
