//! What the configuration reader accepts, refuses, and says about it.

#[path = "configuration/accepted.rs"]
mod accepted;
#[path = "configuration/refused.rs"]
mod refused;
#[path = "configuration/routing.rs"]
mod routing;
#[path = "configuration/extensions.rs"]
mod extensions;
#[path = "configuration/limited.rs"]
mod limited;
#[path = "configuration/transforms.rs"]
mod transforms;
#[path = "configuration/formats.rs"]
mod formats;
#[path = "configuration/included.rs"]
mod included;
#[path = "configuration/formatted.rs"]
mod formatted;
#[path = "configuration/different.rs"]
mod different;
#[path = "configuration/built_in_rust.rs"]
mod built_in_rust;
#[path = "configuration/mutations.rs"]
mod mutations;
#[path = "configuration/documents.rs"]
mod documents;
#[path = "configuration/edge.rs"]
mod edge;
#[path = "configuration/promised.rs"]
mod promised;
#[cfg(feature = "authentication")]
#[path = "configuration/tokens.rs"]
mod tokens;
#[path = "configuration/authorization.rs"]
mod authorization;

#[cfg(feature = "authentication")]
#[path = "configuration/access.rs"]
mod access;

use frys_gateway::config::{ConfigError, Fault, Format, GatewayConfig};

/// Reads TOML that must be right.
fn accept(text: &str) -> GatewayConfig {
    match GatewayConfig::from_str(text, Format::Toml, "frys.toml") {
        Ok(config) => config,
        Err(error) => panic!("refused:\n{error}"),
    }
}

/// Reads TOML that must be wrong.
fn refuse(text: &str) -> Vec<Fault> {
    refuse_as(text, Format::Toml)
}

fn refuse_as(text: &str, format: Format) -> Vec<Fault> {
    match GatewayConfig::from_str(text, format, "frys.toml") {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(ConfigError { faults }) => faults,
    }
}

/// `line:column path` of each fault.
fn places(faults: &[Fault]) -> Vec<String> {
    let place = |fault: &Fault| {
        let location = fault.location.as_ref().expect("a fault of a file has a place");
        format!("{}:{} {}", location.line, location.column, fault.path)
    };
    faults.iter().map(place).collect()
}

/// A configuration that is right, with every table that a file can have.
const FULL: &str = include_str!("configuration/full.toml");

/// The least that is right, for a test to add to.
const LEAST: &str = "listen_addr = \"0.0.0.0:8080\"\n\
                     routes = [{ path = \"/*\", upstreams = [{ url = \"http://a:1\" }] }]\n";
