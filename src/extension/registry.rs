//! The names under which a program's filters and balancers are found.

use super::{FilterFactory, LoadBalancerFactory};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The filters and balancers of an embedding program, by the names that the configuration uses.
///
/// A gateway keeps those that it was started with: every configuration that it is given later finds
/// the same ones.
///
/// ```
/// use frys_gateway::{BuildContext, Extensions, Filter, FilterContext, FilterFactory};
/// use frys_gateway::{Flow, Request};
/// use std::rc::Rc;
///
/// struct Tag;
///
/// impl Filter for Tag {
///     fn on_request(&self, request: &mut Request<'_>, _: &mut FilterContext<'_>) -> Flow {
///         request.set("X-Tag", "embedded").expect("a field that may be written");
///         Flow::Continue
///     }
/// }
///
/// struct TagFactory;
///
/// impl FilterFactory for TagFactory {
///     fn build(&self, _: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
///         Ok(Rc::new(Tag))
///     }
/// }
///
/// let extensions = Extensions::new().filter("tag", TagFactory);
/// ```
#[derive(Clone, Default)]
pub struct Extensions {
    shared: Arc<Registered>,
}

#[derive(Clone, Default)]
struct Registered {
    filters: BTreeMap<String, Arc<dyn FilterFactory>>,
    balancers: BTreeMap<String, Arc<dyn LoadBalancerFactory>>,
}

impl Extensions {
    /// None.
    pub fn new() -> Extensions {
        Extensions::default()
    }

    /// And filters that `custom = { filter = "NAME" }` asks for. One that was registered under the
    /// same name before is replaced.
    #[must_use]
    pub fn filter(mut self, name: impl Into<String>, factory: impl FilterFactory) -> Extensions {
        Arc::make_mut(&mut self.shared).filters.insert(name.into(), Arc::new(factory));
        self
    }

    /// And balancers that `load_balancer = { custom = "NAME" }` asks for. One that was registered
    /// under the same name before is replaced.
    #[must_use]
    pub fn balancer(
        mut self,
        name: impl Into<String>,
        factory: impl LoadBalancerFactory,
    ) -> Extensions {
        Arc::make_mut(&mut self.shared).balancers.insert(name.into(), Arc::new(factory));
        self
    }

    /// The names of the filters, in their order.
    pub fn filter_names(&self) -> impl Iterator<Item = &str> {
        self.shared.filters.keys().map(String::as_str)
    }

    /// The names of the balancers, in their order.
    pub fn balancer_names(&self) -> impl Iterator<Item = &str> {
        self.shared.balancers.keys().map(String::as_str)
    }

    pub(crate) fn filter_factory(&self, name: &str) -> Option<&Arc<dyn FilterFactory>> {
        self.shared.filters.get(name)
    }

    pub(crate) fn balancer_factory(&self, name: &str) -> Option<&Arc<dyn LoadBalancerFactory>> {
        self.shared.balancers.get(name)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Extensions")
            .field("filters", &self.shared.filters.keys())
            .field("balancers", &self.shared.balancers.keys())
            .finish()
    }
}
