//! The gateway's own words on stderr. Set up by the `frys` command, never by the library, because
//! a program has one subscriber and it is the program's to choose.

use tracing_subscriber::EnvFilter;

use std::io::IsTerminal;

/// The environment variable that says what is logged, in `tracing`'s filter language.
pub const FILTER_VARIABLE: &str = "FRYS_LOG";

/// What is logged if nobody says: the resolver tells each failed try, which `control::resolve`
/// sums up as one change of state.
const FILTER: &str = "info,hickory_resolver=error,hickory_proto=error,hickory_net=error,hyper=warn";

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the set-up was refused.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosticsFault {
    /// The filter in the environment is malformed.
    #[error("{FILTER_VARIABLE} is not a filter such as `info` or `warn,frys_gateway=debug`: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The environment variable is not text.
    #[error("{FILTER_VARIABLE} is not UTF-8")]
    NotText,
    /// The program has a subscriber already.
    #[error("logging is already set up")]
    Taken,
}

/// Sends all `tracing` events of this process to stderr.
///
/// # Errors
/// [`DiagnosticsFault`]: the filter is malformed, or logging is set up already.
pub fn install(shape: Shape) -> Result<(), DiagnosticsFault> {
    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(text) => EnvFilter::try_new(text)?,
        Err(std::env::VarError::NotPresent) => EnvFilter::try_new(FILTER)?,
        Err(std::env::VarError::NotUnicode(_)) => return Err(DiagnosticsFault::NotText),
    };
    // Colours are for a terminal; a journal or a file would keep them as bytes.
    let coloured = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(coloured)
        .with_writer(std::io::stderr);
    let installed = match shape {
        Shape::Text => builder.with_target(false).try_init(),
        Shape::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|_| DiagnosticsFault::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_filter_of_its_own_that_is_understood() {
        let filter = EnvFilter::try_new(FILTER).expect("it is well-formed");
        assert_eq!(filter.max_level_hint(), Some(tracing_subscriber::filter::LevelFilter::INFO));
        assert!(EnvFilter::try_new("frys_gateway=loud").is_err());
    }
}
