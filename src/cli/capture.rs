//! `frys capture`: the requests of a running gateway as JSON lines, for `frys diff --traffic`.

use super::admin::Admin;
use crate::limits::{CAPTURE_PAUSE_MS, RECENT_LISTED_MAX};

use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// What is captured, and where it goes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The gateway's admin: 127.0.0.1:9901 or unix:/path
    #[arg(long, value_name = "ADDRESS")]
    admin: Admin,
    /// Wait for so many requests, from now on
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// Go on for so many seconds, from now on; without it, and without --count, what is kept now
    /// is all
    #[arg(long, short, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Begin with what is kept now
    #[arg(long)]
    recent: bool,
    /// The file; standard output without it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What one call of the admin gave.
#[derive(Deserialize)]
struct Page<'a> {
    cursor: String,
    missed: u64,
    #[serde(borrow)]
    requests: Vec<&'a RawValue>,
}

/// Captures; exit status 0, or 2 where the admin or the file fails.
pub fn run(arguments: &Arguments) -> ExitCode {
    let written = match &arguments.output {
        Some(path) => File::create(path)
            .map_err(|error| format!("{}: {error}", path.display()))
            .and_then(|file| capture(arguments, &mut BufWriter::new(file))),
        None => capture(arguments, &mut BufWriter::new(io::stdout().lock())),
    };
    match written {
        Ok(Captured { written, missed }) => {
            let more = match missed {
                0 => String::new(),
                missed => format!(
                    "; {missed} more ended before they could be read, \
                     `admin.recent_requests` is how many are kept"
                ),
            };
            eprintln!("{written} requests{more}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("frys: {text}");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Captured {
    written: u64,
    missed: u64,
}

fn capture(arguments: &Arguments, out: &mut dyn Write) -> Result<Captured, String> {
    let mut captured = Captured::default();
    let until = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let follows = until.is_some() || arguments.count.is_some();
    let begins_now = follows && !arguments.recent;
    let mut cursor = if begins_now { now(&arguments.admin)? } else { "0".to_owned() };
    // What went by before the capture began was not missed by it.
    let mut misses = begins_now;
    loop {
        let path = format!("/requests?limit={RECENT_LISTED_MAX}&after={cursor}");
        let body = arguments.admin.read(&path)?.done()?;
        let page = page(&body)?;
        let is_empty = page.requests.is_empty();
        let left = arguments.count.map_or(u64::MAX, |count| count - captured.written);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match write(&page.requests[..left.min(page.requests.len())], out) {
            Ok(written) => captured.written += written,
            // A reader that has read enough, such as `head`, is no fault.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(captured),
            Err(error) => return Err(error.to_string()),
        }
        captured.missed += if misses { page.missed } else { 0 };
        misses = true;
        cursor = page.cursor;
        let is_enough = arguments.count.is_some_and(|count| captured.written >= count);
        let is_over = until.is_some_and(|until| Instant::now() >= until);
        if is_enough || is_over || (is_empty && !follows) {
            return Ok(captured);
        }
        if is_empty {
            park_timeout(Duration::from_millis(CAPTURE_PAUSE_MS));
        }
    }
}

/// The place behind the request that ended last.
fn now(admin: &Admin) -> Result<String, String> {
    let body = admin.read("/requests?limit=1")?.done()?;
    Ok(page(&body)?.cursor)
}

fn page(body: &[u8]) -> Result<Page<'_>, String> {
    serde_json::from_slice(body).map_err(|error| format!("the admin's answer: {error}"))
}

fn write(requests: &[&RawValue], out: &mut dyn Write) -> io::Result<u64> {
    for request in requests {
        writeln!(out, "{}", request.get())?;
    }
    out.flush()?;
    Ok(requests.len() as u64)
}
