//! `frys bench compare`: two servers in turn, and whether they differ.

use crate::bench::compare::{self, Comparison, Difference, Failures, Side, Wanted};
use crate::bench::objective::{errors_in_words, errors_share, judged_latency};
use crate::bench::page::document::{Document, NamedRun, Table};
use crate::bench::plan::{Load, Pace};
use crate::bench::report::Report;
use crate::bench::run;
use crate::bench::statistics::{self, Bounds};
use crate::bench::units::time;
use crate::config::units;
use crate::limits;

use super::load::LoadArguments;
use super::once::Spread;
use super::search::{self, rest};
use super::side::{self, Common, NOWHERE, Server, Subject, UpstreamChoice};

use clap::Args;
use serde::Serialize;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `frys bench compare`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// `http://host:port` that serves already, a configuration, a binary (with --config), or
    /// `PORT=COMMAND`
    #[arg(value_name = "A")]
    a: Subject,
    /// What is compared with it
    #[arg(value_name = "B")]
    b: Subject,
    #[command(flatten)]
    load: LoadArguments,
    /// The configuration that binaries run
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where gateways that are started here send requests: `included` for the test upstream in
    /// this process, `file` for where the configuration says, or a URL
    #[arg(long, value_name = "UPSTREAM", default_value = "included")]
    upstream: UpstreamChoice,
    /// The cores that what is started here runs on, such as `0,1`
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    server_cores: Vec<usize>,
    /// Rounds, each with a trial of both
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    rounds: usize,
    /// What counts of each trial
    #[arg(long, short, value_name = "TIME", default_value = "3s", value_parser = units::duration)]
    duration: Duration,
    /// Rest before each trial
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = units::duration)]
    cool_down: Duration,
    /// Requests a second (an open loop); without it a closed loop
    #[arg(long, short, value_name = "NUMBER")]
    rate: Option<f64>,
    /// How an open loop's requests are spread over time
    #[arg(long, value_enum, default_value_t = Spread::Constant)]
    arrivals: Spread,
    /// Print the result as JSON; the rounds are still told of on standard error
    #[arg(long)]
    json: bool,
    /// Write the result as a page that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What one trial measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Figures {
    rate: f64,
    p50_us: f64,
    p99_us: f64,
    errors_share: f64,
    /// Of servers that were started here.
    cpu_us_per_request: Option<f64>,
    memory_kib: Option<f64>,
    is_limit: bool,
}

/// A trial of A and one of B.
type Round = (Figures, Figures);

#[derive(Serialize)]
struct Found<'a> {
    a: String,
    b: String,
    /// In words.
    says: Vec<String>,
    comparisons: &'a [Compared],
    errors: &'a Failures,
    rounds: &'a [Round],
    warnings: Vec<String>,
}

/// A figure's comparison, and what the medians say without knowing of rounds.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    comparison: Comparison,
    /// The bootstrap interval of the ratio of the medians.
    medians: Option<(f64, f64)>,
}

/// Does what the arguments say. The status is 1 where B is worse in something.
pub fn run(arguments: &Arguments) -> ExitCode {
    match rounds(arguments) {
        Ok((rounds, runs)) => {
            let compared = compared(arguments, &rounds);
            let failures = failures(arguments, &rounds);
            let says = says(&compared, &failures);
            tell(arguments, &compared, &failures, &rounds);
            if let Some(path) = &arguments.html
                && let Err(fault) = search::write(path, &page(arguments, &compared, says, runs))
            {
                eprintln!("frys bench compare: {fault}");
                return ExitCode::from(2);
            }
            let verdicts = compared.iter().map(|one| one.comparison.verdict);
            let mut verdicts = verdicts.chain([failures.verdict]);
            ExitCode::from(u8::from(verdicts.any(|one| one == Difference::Worse)))
        }
        Err(fault) => {
            eprintln!("frys bench compare: {fault}");
            ExitCode::from(2)
        }
    }
}

type Fault = Box<dyn std::error::Error>;

/// The figures of each round, and the reports of the last one.
fn rounds(arguments: &Arguments) -> Result<(Vec<Round>, Vec<NamedRun>), Fault> {
    let range = limits::BENCH_ROUNDS_MIN..=limits::BENCH_ROUNDS_MAX;
    if !range.contains(&arguments.rounds) {
        let (least, most) = (range.start(), range.end());
        return Err(format!("--rounds: {} is not from {least} to {most}", arguments.rounds).into());
    }
    // Checked for a server that is not yet there.
    let load = arguments.load.moved(NOWHERE)?.load(pace(arguments), arguments.duration)?;
    search::bounded_by_time(&load)?;
    for subject in [&arguments.a, &arguments.b] {
        subject.check(arguments.config.as_deref())?;
    }
    let is_any_gateway = arguments.a.is_gateway() || arguments.b.is_gateway();
    let choice = if is_any_gateway { &arguments.upstream } else { &UpstreamChoice::File };
    let common = Common::new(&arguments.server_cores, choice, arguments.config.as_deref())?;
    let subjects = [&arguments.a, &arguments.b];
    let mut rounds = Vec::new();
    let mut last = [None, None];
    for round in 0..arguments.rounds {
        let mut pair = [Figures::default(); 2];
        for side in compare::order(round) {
            let index = match side {
                Side::A => 0,
                Side::B => 1,
            };
            rest(arguments.cool_down);
            // A new process each time: how its memory happens to lie is part of the noise, and
            // would otherwise pass for a difference.
            let mut server = subjects[index].start(&common)?;
            let load = side::moved(&load, server.address)?;
            // Both sides of a round are sent the same.
            let seed = load.plan.seed.wrapping_add(round as u64);
            let (figures, report) = trial(arguments, &load, seed, &mut server)?;
            pair[index] = figures;
            last[index] = Some(report);
        }
        eprintln!("round {:>3}  A {}  B {}", round + 1, line(&pair[0]), line(&pair[1]));
        rounds.push((pair[0], pair[1]));
        if rounds.len() == SILENT_ROUNDS {
            check_answers(arguments, &rounds, &last, 1)?;
        }
    }
    check_answers(arguments, &rounds, &last, limits::BENCH_ROUNDS_MIN)?;
    let named = ["A", "B"].into_iter().zip(last);
    let runs = named
        .filter_map(|(name, report)| Some(NamedRun { name: name.to_owned(), report: report? }));
    Ok((rounds, runs.collect()))
}

/// Whether each side answered in at least so many rounds.
fn check_answers(
    arguments: &Arguments,
    rounds: &[Round],
    last: &[Option<Report>; 2],
    least: usize,
) -> Result<(), String> {
    let answers: [fn(&Round) -> f64; 2] = [|round| round.0.rate, |round| round.1.rate];
    let sides = [("A", &arguments.a), ("B", &arguments.b)];
    let mut silent = Vec::new();
    for (((name, subject), of), last) in sides.into_iter().zip(answers).zip(last) {
        let answered = rounds.iter().filter(|round| of(round) > 0.0).count();
        if answered >= least {
            continue;
        }
        let missing = rounds.len() - answered;
        let last = last.as_ref().map(|report| errors_in_words(&report.seen.errors));
        let last = last.unwrap_or_default();
        let count = rounds.len();
        silent.push(format!(
            "{name} ({subject}) answered nothing in {missing} of {count} rounds, so that there is \
             nothing to compare; in the last: {last}"
        ));
    }
    if silent.is_empty() { Ok(()) } else { Err(silent.join("\n")) }
}

fn trial(
    arguments: &Arguments,
    load: &Load,
    seed: u64,
    server: &mut Server,
) -> Result<(Figures, Report), Fault> {
    let load = load.paced(pace(arguments), arguments.duration, seed);
    let before = server.usage();
    let report = run::run(&load, &mut |_| ())?;
    let after = server.usage();
    server.check()?;
    let latency = judged_latency(&report);
    let cpu_s = after.zip(before).map(|(after, before)| after.cpu_s - before.cpu_s);
    let figures = Figures {
        rate: report.seen.rate,
        p50_us: latency.p50_us,
        p99_us: latency.p99_us,
        errors_share: errors_share(&report),
        cpu_us_per_request: cpu_s.map(|cpu_s| cpu_s * 1e6 / requests_with_warm_up(&report)),
        memory_kib: after.map(|usage| usage.memory_kib as f64),
        is_limit: report.client.is_limit,
    };
    Ok((figures, report))
}

/// The CPU time is that of the warm-up too, in which as many requests a second are taken to come.
fn requests_with_warm_up(report: &Report) -> f64 {
    let whole = 1.0 + report.asked.warm_up_s / report.seen.seconds.max(f64::MIN_POSITIVE);
    report.seen.requests as f64 * whole
}

fn pace(arguments: &Arguments) -> Pace {
    match arguments.rate {
        Some(rate) => Pace::Open { rate, arrivals: arguments.arrivals.into() },
        None => Pace::Closed,
    }
}

fn compared(arguments: &Arguments, rounds: &[Round]) -> Vec<Compared> {
    let mut figures: Vec<Figure> = Vec::new();
    // In an open loop the rate is what was asked for.
    if arguments.rate.is_none() {
        figures.push(("requests a second", Wanted::More, |one| Some(one.rate)));
    }
    figures.push(("p50", Wanted::Less, |one| Some(one.p50_us)));
    figures.push(("p99", Wanted::Less, |one| Some(one.p99_us)));
    figures.push(("CPU time of a request", Wanted::Less, |one| one.cpu_us_per_request));
    figures.push(("memory", Wanted::Less, |one| one.memory_kib));
    let seed = arguments.load.seed();
    let each = figures.into_iter().filter_map(|(name, wanted, of)| {
        let pairs = rounds.iter().map(|(a, b)| of(a).zip(of(b))).collect::<Option<Vec<_>>>()?;
        let comparison = compare::compare(name, wanted, &pairs, seed);
        let medians = (comparison.verdict != Difference::NotMeasured).then(|| {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let Bounds { low, high } =
                statistics::bootstrap_median_ratio(&b, &a, compare::CONFIDENCE, seed);
            (low, high)
        });
        Some(Compared { comparison, medians })
    });
    each.collect()
}

fn failures(arguments: &Arguments, rounds: &[Round]) -> Failures {
    let pairs = rounds.iter().map(|(a, b)| (a.errors_share, b.errors_share));
    compare::compare_failures(&pairs.collect::<Vec<_>>(), arguments.load.seed())
}

/// The comparison in words; errors only where there were some.
fn says(compared: &[Compared], failures: &Failures) -> Vec<String> {
    let are_any = failures.share_a.max(failures.share_b) > 0.0;
    let errors = are_any.then(|| failures.to_string());
    compared.iter().map(|one| one.comparison.to_string()).chain(errors).collect()
}

/// A figure's name, which way is better, and where it is.
type Figure = (&'static str, Wanted, fn(&Figures) -> Option<f64>);

fn tell(arguments: &Arguments, compared: &[Compared], failures: &Failures, rounds: &[Round]) {
    let warnings = warnings(rounds);
    if arguments.json {
        let found = Found {
            a: arguments.a.to_string(),
            b: arguments.b.to_string(),
            says: says(compared, failures),
            comparisons: compared,
            errors: failures,
            rounds,
            warnings,
        };
        println!("{}", serde_json::to_string_pretty(&found).expect("plain numbers and texts"));
        return;
    }
    println!("A: {}\nB: {}", arguments.a, arguments.b);
    let says = says(compared, failures);
    let mut says = says.iter();
    for (Compared { comparison, .. }, words) in compared.iter().zip(says.by_ref()) {
        println!("{words}");
        if comparison.verdict == Difference::NotMeasured {
            continue;
        }
        let Comparison { median_a, median_b, noise, .. } = comparison;
        let noise = noise * 100.0;
        println!("    medians {median_a:.1} and {median_b:.1}, noise {noise:.1} %");
    }
    says.for_each(|words| println!("{words}"));
    let is_quiet = |one: &Compared| one.comparison.verdict == Difference::NotSeen;
    if compared.iter().all(is_quiet) && failures.verdict == Difference::NotSeen {
        println!("no difference seen");
    }
    for warning in warnings {
        println!("warning: {warning}");
    }
}

fn page(
    arguments: &Arguments,
    compared: &[Compared],
    says: Vec<String>,
    runs: Vec<NamedRun>,
) -> Document {
    let columns = ["figure", "A", "B", "ratio", "from", "to", "verdict"];
    let row = |one: &Compared| {
        let Comparison { name, median_a, median_b, ratio, low, high, .. } = &one.comparison;
        let verdict = match one.comparison.verdict {
            Difference::NotSeen => "no difference seen",
            Difference::Better => "B is better",
            Difference::Worse => "B is worse",
            Difference::NotMeasured => "not measured",
        };
        let numbers = [ratio, low, high].map(|number| format!("{number:.3}"));
        let medians = [median_a, median_b].map(|number| format!("{number:.1}"));
        let cells = [name.clone()].into_iter().chain(medians).chain(numbers);
        cells.chain([verdict.to_owned()]).collect()
    };
    Document {
        title: format!("frys bench compare: A {}, B {}", arguments.a, arguments.b),
        runs,
        table: Some(Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows: compared.iter().map(row).collect(),
        }),
        notes: says,
        ..Document::default()
    }
}

fn warnings(rounds: &[Round]) -> Vec<String> {
    let mut warnings = Vec::new();
    let trials = || rounds.iter().flat_map(|(a, b)| [a, b]);
    let limited = trials().filter(|one| one.is_limit).count();
    if limited > 0 {
        warnings.push(format!(
            "in {limited} of {} trials the generator was the limit, which makes both sides alike",
            2 * rounds.len()
        ));
    }
    let worst = trials().map(|one| one.errors_share).fold(0.0, f64::max);
    if worst > 0.0 {
        let worst = worst * 100.0;
        warnings.push(format!("requests failed: {worst:.2} % of them in the worst trial"));
    }
    warnings
}

fn line(figures: &Figures) -> String {
    let Figures { rate, p50_us, p99_us, .. } = figures;
    format!("{rate:>9.0}/s p50 {:>7} p99 {:>7}", time(*p50_us), time(*p99_us))
}

/// Rounds after which a side that answered nothing is given up.
const SILENT_ROUNDS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_of_what_makes_sides_alike() {
        let quiet = Figures::default();
        assert!(warnings(&[(quiet, quiet)]).is_empty());
        let limited = Figures { is_limit: true, ..quiet };
        let failing = Figures { errors_share: 0.25, ..quiet };
        let told = warnings(&[(limited, quiet), (failing, limited)]);
        assert!(told[0].starts_with("in 2 of 4 trials"), "{told:?}");
        assert!(told[1].contains("25.00 %"), "{told:?}");
    }
}
