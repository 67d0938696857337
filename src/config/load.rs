//! From a file to a checked configuration.

use super::document::Document;
use super::files::{self, Inputs, Listing, Read};
use super::{Format, GatewayConfig, Middleware, check, decode, path};
use crate::error::{ConfigError, Fault};
use crate::limits;
use std::path::{Path, PathBuf};

/// A configuration and the files that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the files say.
    pub config: GatewayConfig,
    /// Where they say it.
    pub document: Document,
    /// What is taken, and would better be otherwise: secrets that stand in a file.
    pub warnings: Vec<Fault>,
    inputs: Inputs,
}

/// Checks of the parts of the gateway that use a configuration.
pub(crate) type Check<'c> = &'c dyn Fn(&GatewayConfig) -> Vec<Fault>;

fn no_more(_: &GatewayConfig) -> Vec<Fault> {
    Vec::new()
}

impl Loaded {
    /// Reads and checks a file and those that it includes; the ending of a name tells the format.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault: a file cannot be read, its ending is unknown, it is not
    /// in its format, or it says something wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Loaded, ConfigError> {
        Loaded::from_file_with(path.as_ref(), &no_more)
    }

    /// [`Loaded::from_file`] with further checks, whose faults are told together with the others.
    pub(crate) fn from_file_with(path: &Path, also: Check<'_>) -> Result<Loaded, ConfigError> {
        Loaded::from_file_noting(path, also, &mut Inputs::default())
    }

    /// [`Loaded::from_file_with`], which notes what was read also where it is refused: a change of
    /// it may be what makes it right.
    pub(crate) fn from_file_noting(
        path: &Path,
        also: Check<'_>,
        inputs: &mut Inputs,
    ) -> Result<Loaded, ConfigError> {
        *inputs = Inputs::default();
        let read = files::read(path, inputs)?;
        let mut secret_files = Vec::new();
        let loaded = Loaded::checked(read, also, &mut secret_files);
        for file in &secret_files {
            inputs.add(file);
        }
        let mut loaded = loaded?;
        for file in other_files(&loaded.config) {
            inputs.add(&file);
        }
        loaded.inputs = inputs.clone();
        Ok(loaded)
    }

    /// Reads and checks a text, which can include no file; `name` stands for it in faults.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault of the text.
    pub fn from_text(text: String, format: Format, name: &str) -> Result<Loaded, ConfigError> {
        Loaded::from_text_with(text, format, name, &no_more)
    }

    /// [`Loaded::from_text`] with further checks, whose faults are told together with the others.
    pub(crate) fn from_text_with(
        text: String,
        format: Format,
        name: &str,
        also: Check<'_>,
    ) -> Result<Loaded, ConfigError> {
        // A text is not read again, so what it was made of is nothing to watch.
        Loaded::checked(files::read_text(text, format, name)?, also, &mut Vec::new())
    }

    /// The files that it was read from: the one that was asked for, those that it includes,
    /// and files of secrets and of bodies. None for a text.
    pub fn files(&self) -> &[PathBuf] {
        &self.inputs.files
    }

    /// The folders of those files, and those that patterns of `include` look into: a change in one
    /// of them may change the configuration.
    pub fn folders(&self) -> &[PathBuf] {
        &self.inputs.folders
    }

    /// The patterns by which files are included: one that comes to fit changes the configuration.
    pub fn listings(&self) -> &[Listing] {
        &self.inputs.listings
    }

    /// `secret_files` are told also where something is wrong: one of them may be what is.
    fn checked(
        read: Read,
        also: Check<'_>,
        secret_files: &mut Vec<PathBuf>,
    ) -> Result<Loaded, ConfigError> {
        let Read { mut document, faults: of_variables, unknown } = read;
        let decoded = decode::gateway(&mut document);
        *secret_files = decoded.secret_files;
        let (config, mut faults) = (decoded.config, decoded.faults);
        for more in [check(&config), also(&config)] {
            let is_new = |fault: &Fault| !faults.iter().any(|known| follows(fault, known));
            let mut more: Vec<Fault> = more.into_iter().filter(is_new).collect();
            faults.append(&mut more);
        }
        if !of_variables.is_empty() {
            document.locate(&mut faults);
            document.leave_out(&mut faults, &unknown);
            faults.append(&mut document.place_faults(of_variables));
        }
        if faults.is_empty() {
            let (mut warnings, inputs) = (decoded.warnings, Inputs::default());
            let mut more = super::check::warnings(&config);
            document.locate(&mut more);
            warnings.append(&mut more);
            return Ok(Loaded { config, document, warnings, inputs });
        }
        if faults.len() >= limits::CONFIG_FAULTS_MAX {
            faults.truncate(limits::CONFIG_FAULTS_MAX - 1);
            faults.push(Fault::new("", "more faults than are listed here"));
        }
        document.locate(&mut faults);
        Err(ConfigError { faults })
    }
}

/// The files that bodies and filters of routes are read from.
fn other_files(config: &GatewayConfig) -> Vec<PathBuf> {
    let responses = config.routes.iter().filter_map(|route| route.respond.as_ref());
    let bodies = responses.filter_map(|response| response.body_file.clone());
    let own = config.routes.iter().flat_map(|route| &route.middlewares);
    let filters = own.chain(config.middlewares.values()).flat_map(Middleware::files);
    bodies.chain(filters).collect()
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
