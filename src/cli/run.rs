//! `frys run`: serves a configuration until it is told to end.

use crate::config::{GatewayConfig, Workers};
use crate::control::logs::diagnostics::{self, Shape};
use crate::control::{reload, signals};
use crate::error::StartError;
use crate::gateway::Gateway;
use crate::runtime;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

/// Reads the file, serves it, and ends with SIGTERM or SIGINT. A file that is refused gives way to
/// the last-known-good configuration, if there is one.
pub fn run(path: &Path, last_known_good: Option<&Path>) -> ExitCode {
    let error = match Gateway::from_file(path) {
        Ok(gateway) => return serve(gateway.keeping(last_known_good)),
        Err(error) => error,
    };
    let Some(kept) = last_known_good else { return refuse(&error) };
    let name = path.display().to_string();
    let why = format!("{name} was refused at the start: {}", error.faults[0]);
    match Gateway::from_last_known_good(kept, path, &why) {
        Ok(gateway) => {
            eprintln!("frys: {}", reload::listed(&error, &name));
            eprintln!("frys: STARTING WITH THE LAST-KNOWN-GOOD CONFIGURATION {}", kept.display());
            serve(gateway.keeping(last_known_good))
        }
        Err(other) => {
            eprintln!("frys: {}", reload::listed(&error, &name));
            refuse(&other)
        }
    }
}

/// Serves until a signal ends it.
pub fn serve(gateway: Gateway) -> ExitCode {
    if let Err(fault) = diagnostics::install(Shape::Text) {
        return refuse(&fault);
    }
    match until_signal(gateway) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

fn until_signal(gateway: Gateway) -> Result<(), StartError> {
    warn_of_limits(gateway.config());
    warn_of_cores(gateway.config());
    let running = gateway.launch()?;
    // A large configuration is not needed any more, once it is compiled.
    drop(gateway);
    runtime::give_back_memory();
    let watch = signals::install(running.remote()).map_err(|source| StartError::Control {
        what: "cannot listen for signals".into(),
        source,
    })?;
    for address in running.addresses() {
        tracing::info!(%address, "listening");
    }
    if let Some(address) = running.admin_address() {
        tracing::info!(%address, "admin");
    }
    let ended = running.wait();
    drop(watch);
    ended
}

/// A bound of the system that is below what the configuration promises shows only under load.
fn warn_of_limits(config: &GatewayConfig) {
    let clients = u64::from(config.connection_limits.max_connections);
    // A client and its upstream are two descriptors.
    let wanted = 2 * clients;
    if let Some((open_files, _)) = runtime::open_files_limit()
        && open_files < wanted
    {
        tracing::warn!(
            open_files,
            wanted,
            "fewer open files are allowed than max_connections may need; raise `ulimit -n` \
             (LimitNOFILE= in systemd) or lower connection_limits.max_connections"
        );
    }
}

/// A worker without a core of its own is right, but slower, and nobody would notice.
fn warn_of_cores(config: &GatewayConfig) {
    let own = runtime::cores();
    match &config.workers {
        Workers::Auto => {}
        Workers::Count(count) if *count <= own.len() => {}
        Workers::Count(count) => tracing::warn!(
            workers = count,
            cores = own.len(),
            "more workers than cores: the last of them are not pinned"
        ),
        Workers::Cores(cores) => {
            for core in cores.iter().filter(|core| !own.contains(core)) {
                tracing::warn!(
                    core,
                    ?own,
                    "no such core for this process: its worker is not pinned"
                );
            }
        }
    }
}

fn refuse(error: &dyn Display) -> ExitCode {
    eprintln!("frys: {error}");
    ExitCode::FAILURE
}
