//! `frys fmt`: files in their canonical form.

use super::say;
use crate::config::{Format, formatted};

use clap::Args;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is formatted, and how.
#[derive(Args)]
pub struct Arguments {
    /// Files to write anew, each in its place; - is standard input, to standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write nothing, and list the files that would change
    #[arg(long)]
    check: bool,
    /// How standard input is written
    #[arg(long, value_parser = format_of, value_name = "toml|yaml|json")]
    format: Option<Format>,
}

/// What became of one file.
enum Outcome {
    Same,
    Changed,
    /// Of standard input, for standard output.
    Text(String),
    /// What is wrong with it.
    Refused(String),
}

/// Formats every file; what is wrong with one keeps no other from it.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (mut has_changed, mut has_refused) = (false, false);
    let mut said = String::new();
    for path in &arguments.files {
        match one(path, arguments) {
            Outcome::Same => {}
            Outcome::Text(text) => said.push_str(&text),
            Outcome::Changed => {
                has_changed = true;
                if arguments.check {
                    said.push_str(&format!("{}\n", path.display()));
                }
            }
            Outcome::Refused(what) => {
                has_refused = true;
                eprintln!("{what}");
            }
        }
    }
    let status = match (has_refused, has_changed && arguments.check) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::from(1),
        (false, false) => ExitCode::SUCCESS,
    };
    say(said, status)
}

fn one(path: &Path, arguments: &Arguments) -> Outcome {
    let name = path.display();
    if path == Path::new("-") {
        return standard_input(arguments);
    }
    let Some(format) = Format::of(path) else {
        return Outcome::Refused(format!("{name}: the format is told by the ending of the name"));
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Outcome::Refused(format!("{name}: cannot be read: {error}")),
    };
    match formatted(&text, format, &name.to_string()) {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(new) if new == text => Outcome::Same,
        Ok(_) if arguments.check => Outcome::Changed,
        Ok(new) => match replace(path, &new) {
            Ok(()) => Outcome::Changed,
            Err(error) => Outcome::Refused(format!("{name}: cannot be written: {error}")),
        },
    }
}

fn standard_input(arguments: &Arguments) -> Outcome {
    let Some(format) = arguments.format else {
        return Outcome::Refused("standard input has no ending: say --format".into());
    };
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        return Outcome::Refused(format!("standard input: {error}"));
    }
    match formatted(&text, format, "standard input") {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(new) if arguments.check && new == text => Outcome::Same,
        Ok(_) if arguments.check => Outcome::Changed,
        Ok(new) => Outcome::Text(new),
    }
}

/// Puts another text in a file's place at once: a reader sees the old or the new one. Links stay
/// links; owner, group and mode are kept. Where the owner cannot be, since only root may give files
/// away, the file is written where it lies: the service must be able to read it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    // Hidden, so that no pattern of `include` finds it.
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    let beside = path.with_file_name(hidden);
    let replaced = match write_beside(&path, &beside, text) {
        Ok(true) => fs::rename(&beside, &path),
        Ok(false) => {
            // It is empty, and in nobody's way.
            let _ = fs::remove_file(&beside);
            return write_in_place(&path, text);
        }
        Err(error) => Err(error),
    };
    if replaced.is_err() {
        // It is in nobody's way, and what went wrong is told.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

/// Whether the new file could be made the old one's owner's.
fn write_beside(path: &Path, beside: &Path, text: &str) -> io::Result<bool> {
    let old = fs::metadata(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    let new = file.metadata()?;
    let is_other = (old.uid(), old.gid()) != (new.uid(), new.gid());
    if is_other && fchown(&file, Some(old.uid()), Some(old.gid())).is_err() {
        return Ok(false);
    }
    file.set_permissions(old.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(true)
}

fn write_in_place(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn format_of(text: &str) -> Result<Format, String> {
    Format::of(&Path::new("file").with_extension(text)).ok_or_else(|| "toml, yaml or json".into())
}
