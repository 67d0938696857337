//! A gateway of a program that has filters and balancers of its own.

use crate::config::{GatewayConfig, Loaded, machine};
use crate::control::reload::{Candidate, load};
use crate::error::ConfigError;
use crate::extension::Extensions;

use super::Gateway;

use std::path::Path;

impl Gateway {
    /// [`Gateway::new`] with filters and balancers of the program's own, which later configurations
    /// of this gateway find too. Settings that their factories refuse are faults of the
    /// configuration.
    ///
    /// # Errors
    /// As [`Gateway::new`].
    pub async fn with_extensions(
        config: GatewayConfig,
        extensions: Extensions,
    ) -> Result<Gateway, ConfigError> {
        Gateway::checked_with(config, extensions)
    }

    /// [`Gateway::with_extensions`] for a thread without an executor.
    ///
    /// # Errors
    /// As [`Gateway::new`].
    pub fn checked_with(
        config: GatewayConfig,
        extensions: Extensions,
    ) -> Result<Gateway, ConfigError> {
        let candidate = Candidate::built(&config, &extensions)?;
        Ok(Gateway::of(config, candidate, extensions))
    }

    /// What [`Gateway::with_extensions`] checks.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn check_with(config: &GatewayConfig, extensions: &Extensions) -> Result<(), ConfigError> {
        Candidate::built(config, extensions).map(drop)
    }

    /// [`Gateway::from_file`] with filters and balancers of the program's own, which later versions
    /// of the file find too.
    ///
    /// # Errors
    /// As [`Gateway::from_file`].
    pub fn from_file_with(
        path: impl AsRef<Path>,
        extensions: Extensions,
    ) -> Result<Gateway, ConfigError> {
        let (candidate, config) = Candidate::from_file_loaded(path.as_ref(), &extensions)?;
        Ok(Gateway::of(config, candidate, extensions))
    }

    /// What [`Gateway::from_file_with`] reads and checks, with the places of all that it says.
    ///
    /// # Errors
    /// As [`Gateway::from_file`].
    pub fn check_file_with(
        path: impl AsRef<Path>,
        extensions: &Extensions,
    ) -> Result<Loaded, ConfigError> {
        Loaded::from_file_with(path.as_ref(), &|config| load::faults(config, extensions))
    }

    /// [`Gateway::check_file`] with what this machine must have to run it.
    pub(crate) fn check_file_here(path: &Path) -> Result<Loaded, ConfigError> {
        let extensions = Extensions::new();
        let check = |config: &GatewayConfig| {
            let mut faults = load::faults(config, &extensions);
            faults.append(&mut machine::faults(config));
            faults
        };
        let mut loaded = Loaded::from_file_with(path, &check)?;
        let mut warnings = machine::warnings(&loaded.config);
        loaded.document.locate(&mut warnings);
        loaded.warnings.append(&mut warnings);
        Ok(loaded)
    }
}
