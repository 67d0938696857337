//! `frys explain`: why a request goes where it goes, by a file or by a running gateway.

use super::admin::Admin;
use super::say;
use crate::explain::{self, Asked, Description, Explanation, Source, asked};
use crate::gateway::Gateway;
use crate::snapshot::{self, Resolved};

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is asked, and of whom.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub struct Arguments {
    /// The configuration: .toml, .yaml, .yml or .json
    #[arg(long, short, value_name = "FILE", group = "source")]
    config: Option<PathBuf>,
    /// The admin of a running gateway: 127.0.0.1:9901 or unix:/path
    #[arg(long, value_name = "ADDRESS", group = "source")]
    admin: Option<Admin>,
    /// A request of the recent past, by its id
    #[arg(long, value_name = "ID", requires = "admin", conflicts_with = "request")]
    id: Option<String>,
    /// The request: `[METHOD] URL`
    #[arg(value_name = "REQUEST", required_unless_present = "id")]
    request: Option<String>,
    /// A field of the request; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = asked::field)]
    fields: Vec<(String, String)>,
    /// The address that the connection comes from [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Explains; exit status 0 where a route takes the request, 1 where none does or the gateway
/// refuses it there, 2 where there is nothing to explain.
pub fn run(arguments: &Arguments) -> ExitCode {
    match explained(arguments) {
        Ok(explanation) => {
            let status = ExitCode::from(u8::from(!explanation.is_taken()));
            match arguments.format {
                Format::Text => say(explain::text(&explanation), status),
                Format::Json => {
                    let text = serde_json::to_string_pretty(&explanation);
                    say(text.expect("memory takes everything") + "\n", status)
                }
            }
        }
        Err(text) => {
            eprintln!("frys: {text}");
            ExitCode::from(2)
        }
    }
}

fn explained(arguments: &Arguments) -> Result<Explanation, String> {
    let description = Description {
        request: arguments.request.clone().unwrap_or_default(),
        fields: arguments.fields.clone(),
        client: arguments.client,
    };
    let body = match (&arguments.config, &arguments.admin, &arguments.id) {
        (Some(config), _, _) => {
            return offline(config, &description);
        }
        (None, Some(admin), Some(id)) => {
            admin.read(&format!("/requests/{}/explanation", escaped(id)))?.done()?
        }
        (None, Some(admin), None) => {
            let json = serde_json::to_vec(&description).expect("memory takes everything");
            admin.post("/explain", &json)?.done()?
        }
        (None, None, _) => return Err("name a file or an admin".to_owned()),
    };
    serde_json::from_slice(&body).map_err(|error| format!("the admin's answer: {error}"))
}

/// By a file alone: names of upstreams are not resolved.
fn offline(path: &Path, description: &Description) -> Result<Explanation, String> {
    let loaded = Gateway::check_file(path).map_err(|error| error.to_string())?;
    let snapshot = snapshot::compile(&loaded.config, &Resolved::new(), 0)
        .map_err(|faults| format!("{} faults; `frys check` names them", faults.len()))?;
    let asked = Asked::new(description, &snapshot.limits).map_err(|error| error.to_string())?;
    let source = Source {
        config: &loaded.config,
        snapshot: &snapshot,
        document: Some(&loaded.document),
        is_running: false,
        now: now(),
    };
    explain::explain(source, &asked).ok_or_else(|| "the routes cannot be put in order".to_owned())
}

/// An id as a segment of a path.
fn escaped(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes().fold(String::new(), |mut text, byte| {
        match is_plain(byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
