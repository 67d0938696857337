//! `frys diff --traffic`: which recorded requests another configuration would send elsewhere.

use super::check::Output;
use super::explain::now;
use super::say;
use crate::config::GatewayConfig;
use crate::explain::traffic::{self, Report, Side};
use crate::gateway::Gateway;
use crate::limits::TRAFFIC_READ_BYTES;
use crate::snapshot::{self, Resolved, Snapshot};

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

/// Sends the log through both; exit status 0 where nothing would go elsewhere, 1 where something
/// would, 2 where there is nothing to compare.
pub fn run(log: &Path, old: &Path, new: &Path, output: Output) -> ExitCode {
    match compared(log, old, new) {
        Ok(report) => {
            let status = ExitCode::from(u8::from(report.different > 0));
            match output {
                Output::Text => say(report.text(), status),
                Output::Json => say(format_args!("{:#}\n", report.json()), status),
            }
        }
        Err(text) => {
            eprintln!("frys: {text}");
            ExitCode::from(2)
        }
    }
}

fn compared(log: &Path, old: &Path, new: &Path) -> Result<Report, String> {
    let [(old_config, old), (new_config, new)] = [compiled(old)?, compiled(new)?];
    let old = Side { config: &old_config, snapshot: &old };
    let new = Side { config: &new_config, snapshot: &new };
    let unreadable = |error: io::Error| format!("{}: {error}", log.display());
    let mut lines: Box<dyn BufRead> = if log.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(log).map_err(unreadable)?;
        Box::new(BufReader::with_capacity(TRAFFIC_READ_BYTES, file))
    };
    let report = traffic::compare(&mut *lines, old, new, now()).map_err(unreadable)?;
    match (report.lines, report.used) {
        (0, _) => Err(format!("{}: there is no line in it", log.display())),
        (_, 0) => {
            Err(format!("{}: no line is of a JSON access log or of `frys capture`", log.display()))
        }
        (_, _) => Ok(report),
    }
}

fn compiled(path: &Path) -> Result<(GatewayConfig, Snapshot), String> {
    let loaded = Gateway::check_file(path).map_err(|error| error.to_string())?;
    let snapshot = snapshot::compile(&loaded.config, &Resolved::new(), 0)
        .map_err(|faults| format!("{}: {} faults", path.display(), faults.len()))?;
    Ok((loaded.config, snapshot))
}
