//! `frys-upstream`: the test upstream as a command. `frys_gateway::bench::upstream` serves; here
//! are its options.

use frys_gateway::bench::upstream::{
    Defaults, Delay, Failure, Options, Running, Stall, Stopper, name_of, start,
};

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread::Builder;

/// A fast upstream for tests and measurements, on the gateway's own engine
///
/// It prints the address that it listens at when it is ready, and ends with SIGTERM or SIGINT.
#[derive(Parser)]
#[command(name = "frys-upstream", version, after_long_help = TARGETS, max_term_width = 100)]
struct Arguments {
    /// Where to listen; port 0 for one that the system chooses
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Threads, each with a listener of its own
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    threads: usize,
    /// Cores to pin the threads to, in turn, as in 0,2; none unless given
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    cores: Vec<usize>,
    /// Decides every draw of delays and failures
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Answer to every path with this name and what was asked
    #[arg(long, value_parser = name_of)]
    name: Option<String>,
    /// How long answers wait: 10ms, uniform:5ms:15ms, exponential:MEAN, lognormal:MEDIAN:DEVIATION
    #[arg(long)]
    delay: Option<Delay>,
    /// How many answers fail: 0.1 or 10% with 503, or 0.1:STATUS, 0.1:reset, 0.1:cut (in the body)
    #[arg(long, value_name = "SHARE")]
    fail: Option<Failure>,
    /// Serve this many requests a second in one queue, in order, at equal distances
    #[arg(long, value_name = "PER_SECOND")]
    service_rate: Option<u64>,
    /// Answer nothing for a time at the end of each period: 1s/10s
    #[arg(long, value_name = "LENGTH/PERIOD")]
    stall: Option<Stall>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("frys-upstream: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Display>> {
    let running = start(&options(arguments)).map_err(shown)?;
    let stopper = running.stopper();
    watch(stopper).map_err(shown)?;
    announce(&running).map_err(shown)?;
    running.wait().map_err(shown)
}

fn options(arguments: Arguments) -> Options {
    Options {
        listen: arguments.listen,
        threads_count: arguments.threads,
        cores: arguments.cores,
        seed: arguments.seed,
        defaults: Defaults {
            name: arguments.name,
            delay: arguments.delay,
            failure: arguments.fail,
        },
        service_rate: arguments.service_rate,
        stall: arguments.stall,
    }
}

fn announce(running: &Running) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "listening on {}", running.address())?;
    out.flush()
}

/// Stops the server with the first signal. The thread ends with the process.
fn watch(stopper: Stopper) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let wait = move || {
        if signals.forever().next().is_some() {
            stopper.stop();
        }
    };
    Builder::new().name("signals".into()).spawn(wait).map(drop)
}

fn shown(fault: impl Display + 'static) -> Box<dyn Display> {
    Box::new(fault)
}

const TARGETS: &str = "\
Paths (every other one answers as /small):
  /small            150 bytes
  /16k /1m          16 KiB, 1 MiB
  /bytes/N          N bytes; k, m and g stand for powers of 1,024
  /chunked/N        N bytes in chunks of 16 KiB
  /close, /close/N  150 or N bytes that end with the connection
  /delay/TIME       150 bytes after a time (a bare number is ms) or a draw: see --delay
  /status/CODE      no body with a status from 200 to 599
  /echo             the request's body

Parameters of the query, for any path and together:
  bytes=N           the body's size
  chunk=BYTES       in chunks of this size, up to 262144
  close             the connection closes behind the answer
  delay=DELAY       as --delay, for this request
  fail=SHARE        as --fail, for this request
  rate=BYTES        a slow body, of so many bytes a second
  status=CODE       with this status
  name=NAME         the body tells this name and what was asked

An answer begins when the request's body was read; /echo of more than 256 KiB streams.
A parameter that is not understood is answered with 400 and why; other names are left alone.";
