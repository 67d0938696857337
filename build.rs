//! Tells the binary what it was built from, for `frys --version`.

use std::env;
use std::process::Command;

fn main() {
    let features: Vec<String> = env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()))
        .filter(|name| !name.starts_with("__") && name != "default")
        .collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(" ") };
    println!("cargo::rustc-env=FRYS_FEATURES={features}");
    println!("cargo::rustc-env=FRYS_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rustc-env=FRYS_COMMIT={}", commit());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
}

/// The commit that is checked out; a source archive has none.
fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = output.ok().filter(|output| output.status.success());
    let commit = commit.and_then(|output| String::from_utf8(output.stdout).ok());
    commit.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
