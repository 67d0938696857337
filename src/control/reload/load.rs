//! From a file or a text to a compiled configuration; it blocks, and runs beside control's thread.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::changes::{Prints, Side};
use super::{Input, SENT};
use crate::config::{
    self, AccessLogFormat, Check, Document, Fault, Format, GatewayConfig, ListenAddress, Listing,
    Loaded, ReloadConfig,
};
use crate::control::logs::format;
use crate::control::watch::Mark;
use crate::error::{ConfigError, ReloadError};
use crate::extension::Extensions;
use crate::limits::RELOAD_READS_MAX;
use crate::snapshot::{self, Plan};

/// Where a configuration came from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// As the operator knows it.
    pub name: String,
    /// The file that reloads read again, whatever this configuration came from.
    pub file: Option<PathBuf>,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
    /// By which files are included.
    pub listings: Vec<Listing>,
    /// What it says, as JSON without its secrets; nothing of one that was made in Rust.
    pub shown: Option<Box<str>>,
    /// Itself, where it was made in Rust.
    pub built: Option<Arc<GatewayConfig>>,
}

/// A configuration as it is written.
pub struct Written {
    /// What it says.
    pub config: Arc<GatewayConfig>,
    /// Where it says it, if that is known.
    pub document: Option<Document>,
}

impl Source {
    /// What came from here, read anew: it is not kept in memory. From the file where that still
    /// says the same, and so with places; otherwise from what is shown, without places and secrets.
    /// Blocks.
    pub fn written(&self) -> Option<Written> {
        if let Some(config) = &self.built {
            return Some(Written { config: Arc::clone(config), document: None });
        }
        let shown = self.shown.as_deref()?;
        let of_file = self.file.as_deref().and_then(|file| Loaded::from_file(file).ok());
        let is_same = |loaded: &Loaded| loaded.document.to_json_masked() == shown;
        if let Some(Loaded { config, document, .. }) = of_file.filter(is_same) {
            return Some(Written { config: Arc::new(config), document: Some(document) });
        }
        let config = Loaded::from_shown(shown.to_owned(), &self.name).ok()?;
        Some(Written { config: Arc::new(config), document: None })
    }
}

/// A configuration that is right and compiled, and not in use.
pub struct Candidate {
    /// Compiled, but for addresses and series.
    pub plan: Plan,
    /// Where it came from.
    pub source: Source,
    /// What it says, to be kept: nothing where it is not, or was made in Rust.
    pub tree: Option<Box<str>>,
    /// The upstream names to resolve.
    pub names: BTreeSet<String>,
    /// Where it wants to listen.
    pub listeners: Vec<ListenAddress>,
    /// How long exchanges may take to end in a drain.
    pub drain_timeout: Duration,
    /// How the next configuration is come to.
    pub reload: ReloadConfig,
    /// What cannot change while the gateway runs.
    pub fixed: Fixed,
    /// To tell it from the next one.
    pub prints: Prints,
    /// To show where a fault is.
    pub document: Option<Document>,
}

/// What is made at the start and stays: each key with what it says, and most connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    keys: Vec<(&'static str, String)>,
    connections_max: u32,
}

impl Candidate {
    /// Reads and compiles what was asked for; `file` is the file of the gateway.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(
        input: Input,
        file: Option<&Path>,
        extensions: &Extensions,
    ) -> Result<Candidate, ReloadError> {
        match input {
            Input::File => {
                let path = file.ok_or(ReloadError::NoFile)?;
                Ok(read_whole(path, extensions)?)
            }
            Input::Text { text, format } => {
                let (candidate, _) = Candidate::from_text_loaded(&text, format, SENT, extensions)?;
                Ok(candidate.of_file(file))
            }
            Input::Built(config) => Ok(Candidate::built(&config, extensions)?.of_file(file)),
        }
    }

    /// Reads and compiles a file.
    ///
    /// # Errors
    /// As [`Candidate::load`].
    pub fn from_file(path: &Path, extensions: &Extensions) -> Result<Candidate, ConfigError> {
        Ok(Candidate::from_file_loaded(path, extensions)?.0)
    }

    /// The same, with the configuration itself.
    ///
    /// # Errors
    /// As [`Candidate::load`].
    pub fn from_file_loaded(
        path: &Path,
        extensions: &Extensions,
    ) -> Result<(Candidate, GatewayConfig), ConfigError> {
        let name = path.display().to_string();
        let loaded = |also: Check<'_>| Loaded::from_file_with(path, also);
        let (candidate, config) = compile(&name, extensions, loaded)?;
        Ok((candidate.of_file(Some(path)), config))
    }

    /// The same for a text.
    ///
    /// # Errors
    /// As [`Candidate::load`].
    pub fn from_text_loaded(
        text: &str,
        format: Format,
        name: &str,
        extensions: &Extensions,
    ) -> Result<(Candidate, GatewayConfig), ConfigError> {
        let loaded = |also: Check<'_>| Loaded::from_text_with(text.to_owned(), format, name, also);
        compile(name, extensions, loaded)
    }

    /// A configuration that was made in Rust.
    ///
    /// # Errors
    /// As [`Candidate::load`].
    pub fn built(
        config: &GatewayConfig,
        extensions: &Extensions,
    ) -> Result<Candidate, ConfigError> {
        let mut found = config::check(config);
        if found.is_empty() {
            found = log_faults(config);
        }
        let plan = match Plan::with(config, extensions) {
            Ok(plan) if found.is_empty() => plan,
            Ok(_) => return Err(ConfigError { faults: found }),
            Err(more) if found.is_empty() => return Err(ConfigError { faults: more }),
            Err(_) => return Err(ConfigError { faults: found }),
        };
        let built = Some(Arc::new(config.clone()));
        let source = Source { name: "the program".to_owned(), built, ..Source::default() };
        Ok(Candidate::new(config, plan, source, None))
    }

    fn new(
        config: &GatewayConfig,
        plan: Plan,
        source: Source,
        document: Option<Document>,
    ) -> Candidate {
        Candidate {
            prints: Prints::of(config, &plan),
            plan,
            source,
            tree: None,
            names: snapshot::names(config),
            listeners: config.listen_addresses().cloned().collect(),
            drain_timeout: config.drain_timeout,
            reload: config.reload.clone(),
            fixed: Fixed::of(config),
            document,
        }
    }

    fn of_file(mut self, file: Option<&Path>) -> Candidate {
        self.source.file = file.map(Path::to_owned);
        self
    }

    /// Writes down what it says where it, or the program's `kept_at`, asks for that to be kept.
    pub fn write_down(&mut self, kept_at: Option<&Path>) {
        if self.reload.last_known_good.is_some() || kept_at.is_some() {
            self.tree = self.document.as_ref().map(|document| document.to_json().into());
        }
    }

    /// What of it is compared with another one.
    pub fn side(&self) -> Side<'_> {
        side(&self.plan, &self.listeners, &self.prints)
    }
}

/// What of a configuration is compared with another one.
pub fn side<'a>(plan: &'a Plan, listeners: &[ListenAddress], prints: &'a Prints) -> Side<'a> {
    Side {
        routes: plan.route_names().collect(),
        clusters: plan.cluster_names().collect(),
        listeners: listeners.iter().map(ListenAddress::to_string).collect(),
        prints,
    }
}

/// What shows only when the configuration is compiled: routes that tie, patterns that are none, a
/// log's format with unknown variables.
pub fn faults(config: &GatewayConfig, extensions: &Extensions) -> Vec<Fault> {
    let mut faults = snapshot::check_with(config, extensions);
    faults.extend(log_faults(config));
    faults
}

fn log_faults(config: &GatewayConfig) -> Vec<Fault> {
    let format = config.access_log.as_ref().map(|log| &log.format);
    let Some(AccessLogFormat::Text(text)) = format else { return Vec::new() };
    let fault = format::Format::parse(text).err();
    let fault = fault.map(|fault| Fault::new("access_log.format", fault.to_string()));
    fault.into_iter().collect()
}

fn no_more(_: &GatewayConfig) -> Vec<Fault> {
    Vec::new()
}

/// Reads the file at one moment: one that is being written is read again, and one that was emptied
/// is not taken for a configuration without routes.
fn read_whole(path: &Path, extensions: &Extensions) -> Result<Candidate, ConfigError> {
    let mut reads_count = 0;
    loop {
        let before = Mark::of(path);
        let candidate = Candidate::from_file(path, extensions);
        reads_count += 1;
        if Mark::of(path) == before || reads_count == RELOAD_READS_MAX {
            return candidate;
        }
    }
}

/// Compiles once what is right. Of what is not, everything is told, as `frys check` does.
fn compile(
    name: &str,
    extensions: &Extensions,
    load: impl Fn(Check<'_>) -> Result<Loaded, ConfigError>,
) -> Result<(Candidate, GatewayConfig), ConfigError> {
    let check = || load(&|config| faults(config, extensions));
    let Ok(loaded) = load(&no_more) else { return Err(all_faults(check(), name)) };
    let (files, listings) = (loaded.files().to_vec(), loaded.listings().to_vec());
    let Loaded { config, document, .. } = loaded;
    let plan = match Plan::with(&config, extensions) {
        Ok(plan) if log_faults(&config).is_empty() => plan,
        Ok(_) | Err(_) => return Err(all_faults(check(), name)),
    };
    let shown = Some(document.to_json_masked().into());
    let name = name.to_owned();
    let source = Source { name, file: None, files, listings, shown, built: None };
    let candidate = Candidate::new(&config, plan, source, Some(document));
    Ok((candidate, config))
}

fn all_faults(checked: Result<Loaded, ConfigError>, name: &str) -> ConfigError {
    // It was wrong a moment ago.
    let changed = || Fault::new("", format!("{name}: changed while it was read")).into();
    checked.err().unwrap_or_else(changed)
}

impl Fixed {
    /// What of a configuration stays.
    pub fn of(config: &GatewayConfig) -> Fixed {
        let admin = &config.admin;
        let log = config.access_log.as_ref();
        let keys = vec![
            ("workers", format!("{:?}", config.workers)),
            ("runtime", format!("{:?}", config.runtime)),
            ("admin", format!("{} {}", admin.enabled, admin.address)),
            ("metrics", config.metrics_path().unwrap_or("off").to_owned()),
            ("access_log", log.map_or_else(|| "none".to_owned(), |log| format!("{log:?}"))),
        ];
        Fixed { keys, connections_max: config.connection_limits.max_connections }
    }

    /// A fault for each key that another configuration wants to be different.
    pub fn faults(&self, wanted: &Fixed) -> Vec<Fault> {
        let pairs = self.keys.iter().zip(&wanted.keys);
        let changed = pairs.filter(|((_, now), (_, then))| now != then);
        let mut faults: Vec<Fault> = changed
            .map(|((key, _), _)| {
                Fault::new(*key, "cannot change while the gateway runs: restart it")
            })
            .collect();
        if wanted.connections_max > self.connections_max {
            let most = self.connections_max;
            let message = format!(
                "the tables of the running gateway have room for {most}: a larger number needs a \
                 restart"
            );
            faults.push(Fault::new("connection_limits.max_connections", message));
        }
        faults
    }
}
