//! The search for the highest rate that meets an objective: a state machine that says which trial
//! is next and hears how it went. It has no clock and makes no load.
//!
//! The rate is doubled until trials fail, the bracket is halved until it is as narrow as was asked
//! for, and the rate that is left is tried again, freshly, so that what chance had chosen does not
//! vouch for itself. Near the limit a trial is a coin: each rate is decided by the majority of
//! several, except where the server fell behind, which is plain from one. An upper end that one
//! trial decided, or that stays while all below it is met, is tested again before the end.

use crate::limits;

use super::knee::{self, Knee};
use super::statistics::{self, Bounds};
use super::threshold;
use super::trial::Trial;

use serde::Serialize;

use std::fmt;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The first rate.
    pub start: f64,
    /// The lowest rate that is tried.
    pub rate_min: f64,
    /// The highest.
    pub rate_max: f64,
    /// How far the ends of the bracket may be apart at last, as a share of the rate.
    pub precision: f64,
    /// Trials that decide a rate by their majority; odd.
    pub trials: u32,
    /// Fresh trials at the rate that is told; odd.
    pub confirmations: u32,
    /// Seconds of a trial, its warm-up included.
    pub seconds: f64,
    /// Seconds of rest before a trial: twice as long after one that failed, four times after one
    /// that saturated the server.
    pub cool_down_s: f64,
    /// Seconds of everything; the search ends honestly before the trial that would exceed them.
    pub budget_s: f64,
    /// Of the arrivals; each trial has its own.
    pub seed: u64,
}

/// The next trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// What it is for.
    pub phase: Phase,
    /// Requests a second.
    pub rate: f64,
    /// Rest before it.
    pub cool_down_s: f64,
    /// Of its arrivals.
    pub seed: u64,
}

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// To find a rate that meets the objective and one that does not.
    Bracket,
    /// To bring the two together.
    Halve,
    /// To test the upper one again, which chance may have decided.
    Doubt,
    /// To confirm the lower one.
    Confirm,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// A trial, whose outcome is to be heard.
    Trial(Step),
    /// Nothing more.
    End(Box<Answer>),
}

/// How the search ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// In which way.
    pub end: End,
    /// The rate that was found, if one was.
    pub highest: Option<Highest>,
    /// Where latency bends.
    pub knee: Option<Knee>,
    /// All trials in their order.
    pub trials: Vec<Heard>,
}

/// A trial that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// What it was for.
    pub step: Step,
    /// What it showed.
    pub trial: Trial,
}

/// The ways in which a search ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The server's limit lies between two rates that were tried.
    Found,
    /// No rate failed up to the highest that was allowed.
    NeverFailed,
    /// The generator could not make more; the server's limit lies higher.
    GeneratorLimit,
    /// The server was saturated at the lowest rate already.
    SaturatedAtLowest,
    /// The lowest rate did not meet the objective, or not reliably.
    FailedAtLowest,
    /// Time or trials ran out first.
    OutOfTime,
}

/// The highest rate that met the objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Highest {
    /// Requests a second.
    pub rate: f64,
    /// Fresh trials at it that met the objective.
    pub met: u32,
    /// Of so many.
    pub count: u32,
    /// The share of such trials that would meet it, with 95 % confidence from here (Clopper and
    /// Pearson)
    pub share_low: f64,
    /// up to here.
    pub share_high: f64,
    /// The interval in which the rate of even odds lies with 95 % confidence; none where no trial
    /// failed.
    pub interval: Option<(f64, f64)>,
    /// The lowest rate above it that did not meet the objective.
    pub failed_at: Option<f64>,
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    phase: Phase,
    tally: Tally,
    low: Option<f64>,
    high: Option<High>,
    /// What a saturated trial achieved: about the server's capacity, and the first guess between.
    hint: Option<f64>,
    /// How often the rate to be confirmed was taken back.
    retreats: u32,
    rest: f64,
    spent_s: f64,
    trials: Vec<Heard>,
    end: Option<(End, Option<Tally>)>,
}

/// The upper end of the bracket.
#[derive(Clone, Copy, Debug)]
struct High {
    rate: f64,
    /// Decided by one trial, or never again approached from above: to be tested again.
    is_doubtful: bool,
    /// How often the lower end came closer since.
    approached: u32,
    /// The generator was the limit there.
    by_generator: bool,
}

/// The trials at one rate, in one phase.
#[derive(Clone, Copy, Debug)]
struct Tally {
    rate: f64,
    met: u32,
    failed: u32,
    limited: u32,
    saturated: u32,
}

/// Why settings are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsInvalid(&'static str);

impl Settings {
    /// Settings for a first rate, with the command's defaults.
    pub fn new(start: f64) -> Settings {
        Settings {
            start,
            rate_min: 1.0,
            rate_max: limits::BENCH_RATE_MAX,
            precision: 0.02,
            trials: 3,
            confirmations: 5,
            seconds: 6.0,
            cool_down_s: 0.5,
            budget_s: 600.0,
            seed: 1,
        }
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// [`SettingsInvalid`], which names the command's option.
    pub fn check(&self) -> Result<(), SettingsInvalid> {
        let is_rate = |rate: f64| (RATE_MIN..=limits::BENCH_RATE_MAX).contains(&rate);
        let is_between = (self.rate_min..=self.rate_max).contains(&self.start);
        let is_count = |count: u32| count % 2 == 1 && count <= limits::BENCH_REPEATS_MAX;
        let is_time = |one: f64| (0.0..=limits::BENCH_SECONDS_MAX as f64).contains(&one);
        let rules = [
            (is_rate(self.rate_min), "--rate-min: a rate lies between 0.0001 and 100,000,000/s"),
            (is_rate(self.rate_max), "--rate-max: a rate lies between 0.0001 and 100,000,000/s"),
            (self.rate_min <= self.rate_max, "--rate-max: it is below --rate-min"),
            (is_between, "--start: it lies between --rate-min and --rate-max"),
            (
                (0.001..=0.5).contains(&self.precision),
                "--precision: the precision is between 0.1 % and 50 %",
            ),
            (is_count(self.trials), "--trials: trials are an odd number up to 99"),
            (
                is_count(self.confirmations),
                "--confirmations: confirmations are an odd number up to 99",
            ),
            (self.seconds > 0.0, "--duration: a trial takes time"),
            (is_time(self.seconds), "--duration: a trial takes at most a day"),
            (is_time(self.cool_down_s), "--cool-down: a rest takes at most a day"),
            (is_time(self.budget_s), "--budget: a search takes at most a day"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, message)) => Err(SettingsInvalid(message)),
            None => Ok(()),
        }
    }
}

impl Search {
    /// A search that has not begun.
    ///
    /// # Errors
    /// [`SettingsInvalid`] where a number is out of its range.
    pub fn new(settings: Settings) -> Result<Search, SettingsInvalid> {
        settings.check()?;
        Ok(Search {
            settings,
            phase: Phase::Bracket,
            tally: Tally::at(settings.start),
            low: None,
            high: None,
            hint: None,
            retreats: 0,
            rest: 0.0,
            spent_s: 0.0,
            trials: Vec::new(),
            end: None,
        })
    }

    /// What is to be done next. Asked again before the outcome was heard, it says the same.
    pub fn next(&self) -> Next {
        let cool_down_s = self.rest * self.settings.cool_down_s;
        let after_s = self.spent_s + cool_down_s + self.settings.seconds;
        let is_over =
            after_s > self.settings.budget_s || self.trials.len() >= limits::BENCH_TRIALS_MAX;
        match self.end {
            Some((end, confirmed)) => Next::End(Box::new(self.answer(end, confirmed))),
            None if is_over => Next::End(Box::new(self.answer(End::OutOfTime, self.best()))),
            None => Next::Trial(Step {
                number: self.trials.len() + 1,
                phase: self.phase,
                rate: self.tally.rate,
                cool_down_s,
                seed: self.settings.seed.wrapping_add(self.trials.len() as u64),
            }),
        }
    }

    /// The outcome of the trial that was next.
    pub fn hear(&mut self, trial: Trial) {
        let Next::Trial(step) = self.next() else { return };
        self.spent_s += step.cool_down_s + self.settings.seconds;
        self.rest = match (trial.met, trial.saturated) {
            (true, _) => 1.0,
            (false, false) => 2.0,
            (false, true) => 4.0,
        };
        self.tally.count(&trial);
        self.trials.push(Heard { step, trial: trial.clone() });
        match self.phase {
            Phase::Bracket => self.bracket(&trial),
            Phase::Halve => self.halve(&trial),
            Phase::Doubt => self.doubt(),
            Phase::Confirm => self.confirm(),
        }
    }

    /// Doubles, or goes down from a first rate that was too high.
    fn bracket(&mut self, trial: &Trial) {
        let is_first = self.tally.met + self.tally.failed == 1;
        if is_first && trial.met || self.is_met() {
            self.low = Some(self.tally.rate);
            let is_top = self.tally.rate >= self.settings.rate_max;
            match self.high {
                Some(_) => self.narrow(),
                None if is_top => self.go(Phase::Confirm, self.tally.rate),
                None => self.go(Phase::Bracket, self.tally.rate * GROWTH),
            }
        } else if trial.saturated || self.is_failed() {
            self.fail(trial);
            if self.low.is_some() {
                self.narrow();
            } else if self.tally.rate <= self.settings.rate_min {
                let saturated = self.tally.saturated > 0;
                let end = if saturated { End::SaturatedAtLowest } else { End::FailedAtLowest };
                self.end = Some((self.or_generator(end), None));
            } else {
                let rate = self.tally.rate;
                // A little below its capacity, if that is told; a broken server achieves nothing.
                let guess = self.hint.unwrap_or(0.0).clamp(rate / 16.0, rate / GROWTH);
                self.go(Phase::Bracket, if self.hint.is_some() { guess } else { rate / GROWTH });
            }
        }
    }

    fn halve(&mut self, trial: &Trial) {
        if self.is_met() {
            self.low = Some(self.tally.rate);
            if let Some(high) = &mut self.high {
                high.approached += 1;
                high.is_doubtful |= high.approached == APPROACHES_MAX;
            }
            self.narrow();
        } else if trial.saturated || self.is_failed() {
            self.fail(trial);
            self.narrow();
        }
    }

    /// The next rate between the ends, or what comes after it.
    fn narrow(&mut self) {
        let (Some(low), Some(high)) = (self.low, self.high) else { return };
        if high.rate / low > 1.0 + self.settings.precision {
            let middle = (low * high.rate).sqrt();
            // Neither end must be met by the guess, or nothing would be gained.
            let margin = (high.rate / low).powf(0.1);
            let within = |guess: &f64| *guess > low * margin && *guess < high.rate / margin;
            let guess = self.hint.take().filter(within);
            self.go(Phase::Halve, guess.unwrap_or(middle));
        } else if high.is_doubtful {
            self.go(Phase::Doubt, high.rate);
        } else {
            self.go(Phase::Confirm, low);
        }
    }

    /// Whether the upper end fails again. If not, it was a stall of another making, and the search
    /// goes on upward.
    fn doubt(&mut self) {
        if self.is_met() {
            self.low = Some(self.tally.rate);
            self.high = None;
            // As wide a step as the doubtful end had been above what met the objective.
            let step = 1.0 + 2.0 * self.settings.precision;
            self.go(Phase::Bracket, self.tally.rate * step);
        } else if self.is_failed() {
            if let Some(high) = &mut self.high {
                high.is_doubtful = false;
            }
            self.narrow();
        }
    }

    fn confirm(&mut self) {
        let Tally { rate, met, failed, .. } = self.tally;
        let count = self.settings.confirmations;
        if failed > count / 2 {
            self.retreat(rate);
        } else if met + failed == count {
            let end = match self.high {
                Some(high) if high.by_generator => End::GeneratorLimit,
                Some(_) => End::Found,
                None => End::NeverFailed,
            };
            self.end = Some((end, Some(self.tally)));
        }
    }

    /// The rate had been met by luck: down, by larger steps each time.
    fn retreat(&mut self, rate: f64) {
        let by_generator = self.tally.limited > 0;
        self.high = Some(High { rate, is_doubtful: false, approached: 0, by_generator });
        let step = self.settings.precision * f64::from(1 << self.retreats.min(20));
        self.retreats += 1;
        let lower = (rate * (1.0 - step.min(0.5))).max(self.settings.rate_min);
        if rate <= self.settings.rate_min {
            self.end = Some((self.or_generator(End::FailedAtLowest), None));
        } else {
            self.go(Phase::Confirm, lower);
        }
    }

    fn fail(&mut self, trial: &Trial) {
        let by_generator = self.tally.limited > 0;
        let is_doubtful = self.tally.failed == 1;
        let rate = self.tally.rate;
        self.high = Some(High { rate, is_doubtful, approached: 0, by_generator });
        self.hint =
            (trial.saturated && trial.achieved > 0.0).then_some(HINT_SHARE * trial.achieved);
    }

    fn go(&mut self, phase: Phase, rate: f64) {
        let rate = rate.clamp(self.settings.rate_min, self.settings.rate_max);
        self.phase = phase;
        self.tally = Tally::at(rate);
    }

    fn is_met(&self) -> bool {
        self.tally.met > self.settings.trials / 2
    }

    fn is_failed(&self) -> bool {
        self.tally.failed > self.settings.trials / 2
    }

    fn or_generator(&self, end: End) -> End {
        let by_generator = self.high.is_some_and(|high| high.by_generator);
        if by_generator { End::GeneratorLimit } else { end }
    }

    /// What is known of the highest rate that was met so far.
    fn best(&self) -> Option<Tally> {
        let rate = self.low?;
        let same = self.trials.iter().filter(|heard| heard.trial.rate == rate);
        let mut tally = Tally::at(rate);
        same.for_each(|heard| tally.count(&heard.trial));
        Some(tally)
    }

    fn answer(&self, end: End, tally: Option<Tally>) -> Answer {
        let heard: Vec<Trial> = self.trials.iter().map(|heard| heard.trial.clone()).collect();
        let highest = tally.map(|tally| {
            let count = tally.met + tally.failed;
            let share = statistics::share_interval(tally.met.into(), count.into(), CONFIDENCE);
            let interval = threshold::interval(&heard, CONFIDENCE);
            Highest {
                rate: tally.rate,
                met: tally.met,
                count,
                share_low: share.low,
                share_high: share.high,
                interval: interval.map(|Bounds { low, high }| (low, high)),
                failed_at: self.high.map(|high| high.rate),
            }
        });
        Answer { end, highest, knee: knee::knee(&heard), trials: self.trials.clone() }
    }
}

impl Tally {
    fn at(rate: f64) -> Tally {
        Tally { rate, met: 0, failed: 0, limited: 0, saturated: 0 }
    }

    fn count(&mut self, trial: &Trial) {
        if trial.met {
            self.met += 1;
        } else {
            self.failed += 1;
            self.limited += u32::from(trial.is_limit);
            self.saturated += u32::from(trial.saturated);
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_silent = self.trials.last().is_some_and(|heard| heard.trial.achieved == 0.0);
        let what = match self.end {
            End::Found => "found",
            End::NeverFailed => "no rate failed up to the highest that was allowed",
            End::GeneratorLimit => "the generator was the limit; the server may carry more",
            End::SaturatedAtLowest if is_silent => {
                "the server answered nothing at all, even at the lowest rate"
            }
            End::SaturatedAtLowest => "the server was saturated at the lowest rate already",
            End::FailedAtLowest => "the lowest rate did not meet the objective reliably",
            End::OutOfTime => "the time ran out before the search was done",
        };
        let Some(highest) = &self.highest else { return formatter.write_str(what) };
        let Highest { rate, met, count, share_low, .. } = highest;
        let share = share_low * 100.0;
        write!(formatter, "{what}: at {rate:.0}/s {met} of {count} trials met the objective")?;
        write!(formatter, " (with 95 % confidence at least {share:.0} % of such trials would)")?;
        if let Some((low, high)) = highest.interval {
            write!(formatter, "; even odds lie between {low:.0} and {high:.0}/s")?;
        }
        match highest.failed_at {
            Some(failed) => write!(formatter, "; {failed:.0}/s did not meet it"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SettingsInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for SettingsInvalid {}

/// Confidence of what is said of the rate.
const CONFIDENCE: f64 = 0.95;

/// The lowest rate that can be asked for: one request in three hours.
const RATE_MIN: f64 = 1e-4;

/// From one rate to the next while none failed.
const GROWTH: f64 = 2.0;

/// Rates in a row that met the objective while the upper end stayed, after which it is doubted: one
/// in eight right upper ends is, too.
const APPROACHES_MAX: u32 = 3;

/// What of the capacity that a saturated server showed is tried first.
const HINT_SHARE: f64 = 0.95;

#[cfg(test)]
#[path = "find/tests.rs"]
mod tests;
