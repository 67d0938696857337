//! `frys check`: every fault of a configuration at once, each with its place.

use crate::control::reload;
use crate::gateway::Gateway;

use std::path::Path;
use std::process::ExitCode;

/// Checks the file. What `frys run` would refuse is said here, and nothing is bound or started.
pub fn run(path: &Path) -> ExitCode {
    match Gateway::from_file(path) {
        Ok(gateway) => {
            let config = gateway.config();
            println!(
                "{}: ok ({}, {}, {})",
                path.display(),
                counted(config.routes.len(), "route"),
                counted(config.clusters.len(), "cluster"),
                counted(config.listen_addresses().count(), "listener"),
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", reload::listed(&error, &path.display().to_string()));
            ExitCode::FAILURE
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
