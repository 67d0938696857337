//! What every test needs: a gateway, scripted upstreams, a client that sees bytes, deadlines.

pub mod gateway;
pub mod upstream;
pub mod wire;

use std::path::PathBuf;
use std::process::Command;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

pub use gateway::Gateway;
pub use upstream::{Peer, Received, Upstream};
pub use wire::Wire;

/// Asks `condition` until it answers; panics with `what` after `seconds`.
pub fn until<T>(what: &str, seconds: u64, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {seconds} s");
        park_timeout(Duration::from_millis(5));
    }
}

/// A program of the machine. Where it is missing the test is left out and says so; under `CI` it
/// fails.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing");
        eprintln!("left out: {name} is not installed");
    }
    found
}

/// Runs a program to its end and returns its exit status with what it printed on both outputs.
pub fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}
