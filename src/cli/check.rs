//! `frys check`: every fault of a configuration at once, each with its place.

use super::say;
use crate::config::{Fault, GatewayConfig, Location, Related, units};
use crate::control::reload;
use crate::gateway::Gateway;
use crate::snapshot::Plan;

use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// How faults are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: each with the line and what is wrong in it underlined.
    Text,
    /// For programs: an array of faults.
    Json,
}

/// Checks the file. What `frys run` would refuse is said here, and nothing is bound or started.
pub fn run(path: &Path, output: Output) -> ExitCode {
    let checked = Gateway::check_file(path);
    let (faults, warnings): (&[Fault], &[Fault]) = match &checked {
        Ok(loaded) => (&[], &loaded.warnings),
        Err(error) => (&error.faults, &[]),
    };
    if output == Output::Json {
        let warnings = warnings.iter().map(|warning| written(warning, "warning"));
        let all = faults.iter().map(|fault| written(fault, "fault")).chain(warnings);
        say(format_args!("{:#}\n", all.collect::<Value>()));
        return if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    match &checked {
        Ok(loaded) => {
            let config = &loaded.config;
            say(format_args!(
                "{}: ok ({}, {}, {})\n",
                path.display(),
                counted(config.routes.len(), "route"),
                counted(config.clusters.len(), "cluster"),
                counted(config.listen_addresses().count(), "listener"),
            ));
            say_buffers(config);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", reload::listed(error, &path.display().to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Which routes hold bodies whole: memory that requests cost, and answers that come late.
fn say_buffers(config: &GatewayConfig) {
    if config.routes.iter().all(|route| route.middlewares.is_empty()) {
        return;
    }
    // What has no fault compiles.
    let plan = Plan::new(config);
    for (route, buffers) in plan.iter().flat_map(Plan::buffers) {
        let up_to = |(what, bytes): (&str, Option<usize>)| {
            Some(format!("{what} up to {}", units::show_size(bytes? as u64)))
        };
        let both = [("requests", buffers.request_bytes), ("answers", buffers.response_bytes)];
        let both: Vec<String> = both.into_iter().filter_map(up_to).collect();
        say(format_args!("route `{route}` holds {}\n", both.join(" and ")));
    }
}

/// A fault as an object; what is not known is `null`.
fn written(fault: &Fault, severity: &str) -> Value {
    let Fault { path, location, message, nearest, related } = fault;
    let mut object = place(location.as_ref());
    object["severity"] = severity.into();
    object["path"] = path.as_str().into();
    object["message"] = message.as_str().into();
    object["nearest"] = json!(nearest);
    object["related"] = match related {
        Some(Related { path, note, location }) => {
            let mut object = place(location.as_ref());
            object["path"] = path.as_str().into();
            object["note"] = note.as_str().into();
            object
        }
        None => Value::Null,
    };
    object
}

/// `end` is the place behind the last character.
fn place(location: Option<&Location>) -> Value {
    let file = location.map(|at| &at.file);
    let line = location.map(|at| at.line);
    let column = location.map(|at| at.column);
    let end = location.map(|at| json!({ "line": at.end_line, "column": at.end_column }));
    json!({ "file": file, "line": line, "column": column, "end": end })
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
