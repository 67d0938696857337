//! What the embedding program registered, found by the names that a configuration uses.

use crate::config::{self, CustomBalancer, CustomConfig, Fault};
use crate::extension::{Extensions, FilterFactory, LoadBalancerFactory, Settings};
use std::fmt;
use std::sync::Arc;

/// A load balancer of the embedding program, as a cluster has it.
pub struct CustomBalance {
    /// The name under which it is registered.
    pub name: Box<str>,
    /// What it is told.
    pub settings: Settings,
    /// Who makes it.
    pub factory: Arc<dyn LoadBalancerFactory>,
}

/// A program registers what it has once, so that a name is always the same factory.
impl PartialEq for CustomBalance {
    fn eq(&self, other: &CustomBalance) -> bool {
        self.name == other.name && self.settings == other.settings
    }
}

impl Eq for CustomBalance {}

impl fmt::Debug for CustomBalance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CustomBalance").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The balancer that a configuration names; `path` is the key path of `load_balancer`.
pub(super) fn balance(
    wanted: &CustomBalancer,
    path: &str,
    extensions: &Extensions,
    faults: &mut Vec<Fault>,
) -> Option<Arc<CustomBalance>> {
    let CustomBalancer { name, settings } = wanted;
    let Some(factory) = extensions.balancer_factory(name) else {
        let known = extensions.balancer_names();
        faults.push(unregistered(format!("{path}.custom"), "balancer", name, known));
        return None;
    };
    let settings = Settings::new(settings.clone());
    if let Err(message) = factory.check(&settings) {
        faults.push(Fault::new(format!("{path}.settings"), message));
    }
    Some(Arc::new(CustomBalance {
        name: name.as_str().into(),
        settings,
        factory: Arc::clone(factory),
    }))
}

/// The filter that a configuration names, with what it is told; `path` is the filter's key path.
pub(super) fn filter(
    wanted: &CustomConfig,
    path: &str,
    extensions: &Extensions,
    faults: &mut Vec<Fault>,
) -> Option<(Arc<dyn FilterFactory>, Settings)> {
    let CustomConfig { filter: name, settings } = wanted;
    let Some(factory) = extensions.filter_factory(name) else {
        let known = extensions.filter_names();
        faults.push(unregistered(format!("{path}.filter"), "filter", name, known));
        return None;
    };
    let settings = Settings::new(settings.clone());
    if let Err(message) = factory.check(&settings) {
        faults.push(Fault::new(format!("{path}.settings"), message));
    }
    Some((Arc::clone(factory), settings))
}

fn unregistered<'n>(
    path: String,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> Fault {
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        let message = format!(
            "this program has no {what} of its own: one that embeds the gateway registers them"
        );
        return Fault::new(path, message);
    }
    let nearest = config::nearest(name, known).map(str::to_owned);
    let message = format!("this program has registered no {what} `{}`", name.escape_debug());
    Fault { nearest, ..Fault::new(path, message) }
}
