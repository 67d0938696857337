//! `frys check`: every fault of a configuration at once, each with its place.

use super::say;
use crate::config::{GatewayConfig, units};
use crate::control::reload::{self, Severity};
use crate::gateway::Gateway;
use crate::snapshot::Plan;

use clap::ValueEnum;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// How what is found is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Checks the file. What `frys run` would refuse is said here, and nothing is bound or started.
pub fn run(path: &Path, output: Output) -> ExitCode {
    let checked = Gateway::check_file_here(path);
    let status = if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if output == Output::Json {
        let (faults, warnings) = match &checked {
            Ok(loaded) => (&[][..], &loaded.warnings[..]),
            Err(error) => (&error.faults[..], &[][..]),
        };
        let faults = faults.iter().map(|fault| reload::written(fault, Severity::Fault));
        let warnings = warnings.iter().map(|fault| reload::written(fault, Severity::Warning));
        return say(format_args!("{:#}\n", faults.chain(warnings).collect::<Value>()), status);
    }
    match &checked {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("warning: {warning}");
            }
            let config = &loaded.config;
            let counts = format!(
                "{}: ok ({}, {}, {})\n",
                path.display(),
                counted(config.routes.len(), "route"),
                counted(config.clusters.len(), "cluster"),
                counted(config.listen_addresses().count(), "listener"),
            );
            say(counts + &buffers(config), status)
        }
        Err(error) => {
            eprintln!("{}", reload::listed(error, &path.display().to_string()));
            status
        }
    }
}

/// Which routes hold bodies whole: memory that requests cost, and answers that come late.
fn buffers(config: &GatewayConfig) -> String {
    let mut text = String::new();
    if config.routes.iter().all(|route| route.middlewares.is_empty()) {
        return text;
    }
    // What has no fault compiles.
    let plan = Plan::new(config);
    for (route, buffers) in plan.iter().flat_map(Plan::buffers) {
        let up_to = |(what, bytes): (&str, Option<usize>)| {
            Some(format!("{what} up to {}", units::show_size(bytes? as u64)))
        };
        let both = [("requests", buffers.request_bytes), ("answers", buffers.response_bytes)];
        let both: Vec<String> = both.into_iter().filter_map(up_to).collect();
        writeln!(text, "route `{route}` holds {}", both.join(" and "))
            .expect("a string takes everything");
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
