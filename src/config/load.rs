//! From a file to a checked configuration.

use super::document::Document;
use super::{Format, GatewayConfig, check, decode, path, read};
use crate::error::{ConfigError, Fault};
use crate::limits;
use std::path::Path;

/// A configuration and the file that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the file says.
    pub config: GatewayConfig,
    /// Where it says it.
    pub document: Document,
}

/// Checks of the parts of the gateway that use a configuration.
pub(crate) type Check = fn(&GatewayConfig) -> Vec<Fault>;

fn no_more(_: &GatewayConfig) -> Vec<Fault> {
    Vec::new()
}

impl Loaded {
    /// Reads and checks a file; the ending of its name tells the format.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault: the file cannot be read, its ending is unknown, it is not
    /// in its format, or it says something wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Loaded, ConfigError> {
        Loaded::from_file_with(path.as_ref(), no_more)
    }

    /// [`Loaded::from_file`] with further checks, whose faults are told together with the others.
    pub(crate) fn from_file_with(path: &Path, also: Check) -> Result<Loaded, ConfigError> {
        let name = path.display().to_string();
        let fault = |what: String| Fault::new("", format!("{name}: {what}"));
        let Some(format) = Format::of(path) else {
            return Err(fault(UNKNOWN_ENDING.into()).into());
        };
        let unreadable = |error: std::io::Error| fault(format!("cannot be read: {error}"));
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        // A device or a pipe has no length to be held to.
        if !metadata.is_file() {
            return Err(fault("cannot be read: not a file".into()).into());
        }
        if metadata.len() > limits::CONFIG_BYTES_MAX as u64 {
            let bytes = limits::CONFIG_BYTES_MAX;
            return Err(fault(format!("longer than {bytes} bytes")).into());
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            fault(format!("not UTF-8: byte {offset} begins no character"))
        })?;
        Loaded::from_text_with(text, format, &name, also)
    }

    /// Reads and checks a text; `name` stands for the file in faults.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault of the text.
    pub fn from_text(text: String, format: Format, name: &str) -> Result<Loaded, ConfigError> {
        Loaded::from_text_with(text, format, name, no_more)
    }

    /// [`Loaded::from_text`] with further checks, whose faults are told together with the others.
    pub(crate) fn from_text_with(
        text: String,
        format: Format,
        name: &str,
        also: Check,
    ) -> Result<Loaded, ConfigError> {
        if text.len() > limits::CONFIG_BYTES_MAX {
            let what = format!("{name}: longer than {} bytes", limits::CONFIG_BYTES_MAX);
            return Err(Fault::new("", what).into());
        }
        // A byte order mark belongs to the encoding, and would move every column of the first line.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let document =
            read::document(text, format, name).map_err(|faults| ConfigError { faults })?;
        let (config, mut faults) = decode::gateway(&document);
        for more in [check(&config), also(&config)] {
            let is_new = |fault: &Fault| !faults.iter().any(|known| follows(fault, known));
            let mut more: Vec<Fault> = more.into_iter().filter(is_new).collect();
            faults.append(&mut more);
        }
        if faults.is_empty() {
            return Ok(Loaded { config, document });
        }
        if faults.len() >= limits::CONFIG_FAULTS_MAX {
            faults.truncate(limits::CONFIG_FAULTS_MAX - 1);
            faults.push(Fault::new("", "more faults than are listed here"));
        }
        document.locate(&mut faults);
        Err(ConfigError { faults })
    }
}

impl GatewayConfig {
    /// Reads and checks a file; the ending of its name tells the format.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault: the file cannot be read, its ending is unknown, it is not
    /// in its format, or it says something wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<GatewayConfig, ConfigError> {
        Loaded::from_file(path).map(|loaded| loaded.config)
    }

    /// Reads and checks a text; `name` stands for the file in faults.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault of the text.
    pub fn from_str(text: &str, format: Format, name: &str) -> Result<GatewayConfig, ConfigError> {
        Loaded::from_text(text.to_owned(), format, name).map(|loaded| loaded.config)
    }
}

impl Format {
    /// The format of a file by the ending of its name: `.toml`, `.yaml`, `.yml` or `.json`.
    pub fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "toml" => Some(Format::Toml),
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

/// Whether a fault of the checks only follows from one of the reading: the key, or one above or
/// below it, was left at its default, or is spelled wrongly beside it.
fn follows(fault: &Fault, known: &Fault) -> bool {
    if path::are_related(&fault.path, &known.path) {
        return true;
    }
    let Some(nearest) = &known.nearest else { return false };
    let (table, _) = path::parent(&known.path);
    path::are_related(&fault.path, &path::join(table, nearest))
}

const UNKNOWN_ENDING: &str =
    "the format is told by the ending of the name: .toml, .yaml, .yml or .json";
