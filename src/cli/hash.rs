//! `frys hash`: what a configuration keeps of a key or a password.

use super::say;
use crate::limits;

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHasher as _};
use aws_lc_rs::{digest, rand};
use clap::{Args, ValueEnum};

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::ExitCode;

/// What is hashed, and how.
#[derive(Args)]
pub struct Arguments {
    /// What standard input holds, in one line
    #[arg(value_enum)]
    what: What,
    /// Whose it is: prints a whole line of `users_file` or `keys_file`
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Roles of a key, between commas, for a line of `keys_file`
    #[arg(long, value_name = "ROLES", requires = "name")]
    roles: Option<String>,
    /// How a password is hashed
    #[arg(long, value_enum, default_value = "bcrypt")]
    with: With,
    /// The cost of a bcrypt hash: one more takes twice the time
    #[arg(long, default_value_t = 10)]
    cost: u32,
}

/// What there are hashes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// For `password_hash` or a `users_file` of `basic_auth`
    Password,
    /// For `sha256` or a `keys_file` of `api_key`
    Key,
}

/// Hashes of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum With {
    /// As `htpasswd -B`; looks at the first 72 bytes of a password
    Bcrypt,
    /// Argon2id of 19 MiB and two passes
    Argon2,
}

/// Reads one line and prints its hash.
pub fn run(arguments: &Arguments) -> ExitCode {
    match hashed(arguments) {
        Ok(line) => say(format_args!("{line}\n"), ExitCode::SUCCESS),
        Err(what) => {
            eprintln!("frys: {what}");
            ExitCode::FAILURE
        }
    }
}

fn hashed(arguments: &Arguments) -> Result<String, String> {
    let Arguments { what, name, roles, with, cost } = arguments;
    if let Some(name) = name
        && (name.is_empty() || name.contains(':') || name.chars().any(char::is_control))
    {
        return Err("a name has no colons and no control characters".to_owned());
    }
    if io::stdin().is_terminal() {
        eprintln!("one line, which is shown as it is typed:");
    }
    let mut text = String::new();
    io::stdin().lock().read_line(&mut text).map_err(|error| error.to_string())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let hash = match what {
        What::Key => key(text)?,
        What::Password => password(text, *with, *cost)?,
    };
    let roles = roles.as_ref().filter(|_| *what == What::Key);
    let roles = roles.map_or_else(String::new, |roles| format!(":{roles}"));
    Ok(match name {
        Some(name) => format!("{name}:{hash}{roles}"),
        None => hash,
    })
}

fn key(text: &str) -> Result<String, String> {
    let (least, most) = (limits::API_KEY_BYTES_MIN, limits::API_KEY_BYTES_MAX);
    if !(least..=most).contains(&text.len()) {
        return Err(format!("a key has from {least} to {most} bytes: `openssl rand -hex 24`"));
    }
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    Ok(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn password(text: &str, with: With, cost: u32) -> Result<String, String> {
    if text.is_empty() || text.len() > limits::BASIC_BYTES_MAX / 2 {
        return Err(format!("a password has from 1 to {} bytes", limits::BASIC_BYTES_MAX / 2));
    }
    if text.chars().any(char::is_control) {
        return Err("a password has no control characters (RFC 7617)".to_owned());
    }
    match with {
        With::Bcrypt if !limits::BCRYPT_COST.contains(&cost) => {
            let (low, high) = (limits::BCRYPT_COST.start(), limits::BCRYPT_COST.end());
            Err(format!("a cost is from {low} to {high}"))
        }
        With::Bcrypt => bcrypt::non_truncating_hash(text, cost).map_err(|error| match error {
            bcrypt::BcryptError::Truncation(_) => {
                "bcrypt looks at 72 bytes, and the password has more: use `--with argon2`"
                    .to_owned()
            }
            other => other.to_string(),
        }),
        With::Argon2 => {
            let mut salt = [0; 16];
            rand::fill(&mut salt).map_err(|_| "the system has no random numbers".to_owned())?;
            let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
            let hash = Argon2::default().hash_password(text.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
        }
    }
}
