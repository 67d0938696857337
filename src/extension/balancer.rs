//! Load balancers of an embedding program.

use super::{Endpoint, EndpointId, EndpointSet, Endpoints, Settings};
use std::any::Any;
use std::time::Duration;

/// Makes load balancers; registered by name in [`Extensions`](super::Extensions). It is shared by
/// all threads of the gateway, and by all gateways that were given it.
pub trait LoadBalancerFactory: Send + Sync + 'static {
    /// Judges settings when a configuration is checked, on a thread that may block.
    ///
    /// # Errors
    /// What is wrong, in words; it is told at the key path of the settings.
    fn check(&self, settings: &Settings) -> Result<(), String> {
        let _ = settings; // Without a check of its own, all is right.
        Ok(())
    }

    /// Makes the balancer of one worker for one cluster, on the worker's own thread, which must not
    /// block, when the cluster's first request comes. It is called again when the settings change,
    /// with the former balancer in [`BalancerContext::previous`].
    ///
    /// # Errors
    /// Why there is no balancer, in words; the gateway's diagnostics tell it. The requests of the
    /// cluster are answered with 503 (`no_endpoint`) until the configuration changes.
    fn build(&self, context: &BalancerContext<'_>) -> Result<Box<dyn LoadBalancer>, String>;
}

/// What a balancer is made from.
pub struct BalancerContext<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) endpoints: Endpoints<'a>,
    pub(crate) seed: u64,
    pub(crate) previous: Option<&'a dyn LoadBalancer>,
}

impl<'a> BalancerContext<'a> {
    /// The cluster's name: the configuration's, or that of the route in which it is written.
    pub fn cluster(&self) -> &'a str {
        self.cluster
    }

    /// What the configuration says to it.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The endpoints to begin with.
    pub fn endpoints(&self) -> Endpoints<'a> {
        self.endpoints
    }

    /// A number that differs from worker to worker and from start to start: where one goes round,
    /// this is where to begin, so that workers do not march in step.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The balancer that this worker had for the cluster before its settings changed.
    pub fn previous(&self) -> Option<&'a dyn LoadBalancer> {
        self.previous
    }

    /// [`BalancerContext::previous`], where it is of this type.
    pub fn previous_as<T: LoadBalancer>(&self) -> Option<&'a T> {
        let previous: &dyn Any = self.previous?;
        previous.downcast_ref()
    }
}

/// Picks the endpoints of one cluster for one worker, on whose thread alone it is called. A call
/// must not block; a panic ends the gateway, in order and with an error.
pub trait LoadBalancer: Any {
    /// The endpoint for the next attempt, or none: then the request is answered with 503
    /// (`no_endpoint`). An endpoint that is not there, has weight 0 or was tried for this request
    /// already counts as none.
    ///
    /// `key` is the number that a filter set ([`FilterContext::balance_by`](super::FilterContext)),
    /// else one that is made of the client's address: the same for the same client on every worker.
    ///
    /// Requests that began before a reload may still ask, with the endpoints of their time: places
    /// are those of `endpoints`, and what is known of an endpoint is kept by its identity.
    fn pick(
        &mut self,
        endpoints: &Endpoints<'_>,
        key: u64,
        tried: &EndpointSet,
    ) -> Option<EndpointId>;

    /// An attempt ended: called once for each endpoint that was picked.
    fn on_attempt(&mut self, attempt: &Attempt) {
        let _ = attempt; // Only those that learn from attempts look at them.
    }

    /// The cluster's endpoints changed, by a new configuration or by a name's new addresses.
    fn install(&mut self, previous: &Endpoints<'_>, next: &Endpoints<'_>) {
        let _ = (previous, next); // Who keeps nothing by endpoint has nothing to bring over.
    }
}

/// One attempt at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Whose attempt it was.
    pub endpoint: Endpoint,
    /// How it ended.
    pub end: AttemptEnd,
    /// From the pick to the answer's first byte; none where none came.
    pub first_byte: Option<Duration>,
    /// From the pick to the end.
    pub duration: Duration,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The upstream answered, and its answer went to the client.
    Answered {
        /// The answer's status.
        status: u16,
    },
    /// The upstream could not be reached, was too slow or broke off.
    Failed,
    /// It ended by no fault of the upstream: the client went away or broke the rules, a filter
    /// replaced the answer, or the exchange was cut off.
    Abandoned,
}
