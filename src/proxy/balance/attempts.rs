//! Which endpoint is tried, and after a failure which next, if any.

use crate::bridge::reason::Reason;
use crate::limits;
use crate::snapshot::{ClusterId, EndpointId};

use super::super::exchange::Exchange;
use super::super::failure::{Failure, Retry};
use super::super::pools::Pool;
use super::super::worker::{Local, Worker};
use super::EndpointSet;

use std::rc::Rc;

/// The attempts of one exchange: each endpoint is tried at most once, but for the one retry that
/// a reused connection's death allows.
pub struct Attempts {
    cluster: ClusterId,
    /// The cluster as it was when the first endpoint was picked, whatever is installed since.
    local: Rc<Local>,
    tried: EndpointSet,
    failed: Option<Failure>,
    again: Option<EndpointId>,
    retried: bool,
}

/// An endpoint to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Its place in the cluster.
    pub endpoint: EndpointId,
    /// Only a new connection will do: a reused one has just turned out to be dead.
    pub fresh: bool,
}

impl Attempts {
    /// No attempt was made yet.
    pub fn new(cluster: ClusterId, local: Rc<Local>) -> Self {
        let tried = EndpointSet::default();
        Self { cluster, local, tried, failed: None, again: None, retried: false }
    }

    /// The endpoint of the next attempt.
    ///
    /// # Errors
    /// None is left: with the last failure if one was tried, else why there is none.
    pub fn pick(&mut self, exchange: &mut Exchange) -> Result<Target, Failure> {
        let cluster = &*self.local.cluster;
        let again = self.again.take();
        let picked = again.or_else(|| {
            let mut balancer = self.local.balancer.borrow_mut();
            balancer.pick(cluster, &self.tried)
        });
        let Some(endpoint) = picked else {
            let none = if cluster.is_unresolved && cluster.endpoints.is_empty() {
                Reason::UpstreamUnresolved
            } else {
                Reason::NoEndpoint
            };
            return Err(self.failed.unwrap_or(Failure::new(none)));
        };
        let facts = &mut exchange.facts;
        facts.attempts_count = facts.attempts_count.saturating_add(1);
        facts.upstream = Some(cluster.endpoint(endpoint).upstream);
        facts.endpoint = Some((self.cluster, endpoint));
        Ok(Target { cluster: self.cluster, endpoint, fresh: again.is_some() })
    }

    /// The connections to an endpoint that was picked.
    pub fn pool(&self, target: Target) -> &Rc<Pool> {
        self.local.pool(target.endpoint)
    }

    /// Notes a failure; `Ok` where another attempt is safe and one is left.
    ///
    /// # Errors
    /// The failure itself, where it ends the exchange.
    pub fn next_or(
        &mut self,
        worker: &Worker,
        exchange: &Exchange,
        target: Target,
        failure: Failure,
    ) -> Result<(), Failure> {
        let upstream = worker.upstream_block(exchange);
        if let Some(upstream) = upstream {
            upstream.failures.add(1);
        }
        match failure.retry {
            Retry::Never => return Err(failure),
            Retry::NewConnection if self.retried => return Err(failure),
            Retry::NewConnection => {
                self.retried = true;
                self.again = Some(target.endpoint);
            }
            Retry::NextEndpoint => {
                self.tried.insert(target.endpoint);
                if self.tried.count() >= limits::CONNECT_ATTEMPTS_MAX {
                    return Err(failure);
                }
            }
        }
        if let Some(upstream) = upstream {
            upstream.retries.add(1);
        }
        self.failed = Some(failure);
        Ok(())
    }
}
