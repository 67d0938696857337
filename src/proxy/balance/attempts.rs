//! Which endpoint is tried, and after a failure which next, if any.

use crate::bridge::reason::{Blame, Reason};
use crate::extension::{Attempt, AttemptEnd};
use crate::limits;
use crate::runtime::Instant;
use crate::snapshot::{ClusterId, Endpoint, EndpointId};

use super::super::exchange::Exchange;
use super::super::failure::{Failure, Retry};
use super::super::pools::Pool;
use super::super::worker::{Local, Worker};
use super::{Balancer, EndpointSet};

use std::hash::BuildHasher as _;
use std::rc::Rc;

/// The attempts of one exchange: each endpoint is tried at most once, but for the one retry that
/// a reused connection's death allows.
pub struct Attempts<'w> {
    worker: &'w Worker,
    cluster: ClusterId,
    /// The cluster as it was when the first endpoint was picked, whatever is installed since.
    local: Rc<Local>,
    tried: EndpointSet,
    failed: Option<Failure>,
    again: Option<EndpointId>,
    retried: bool,
    /// The attempt whose end a custom balancer is to be told, and when it began.
    open: Option<(Endpoint, Instant)>,
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

impl<'w> Attempts<'w> {
    /// No attempt was made yet.
    pub fn new(worker: &'w Worker, cluster: ClusterId, local: Rc<Local>) -> Self {
        let (tried, open) = (EndpointSet::default(), None);
        Self { worker, cluster, local, tried, failed: None, again: None, retried: false, open }
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
            let picked = balancer.pick(cluster, || key(exchange), &self.tried);
            if let (Some(endpoint), Balancer::Custom(_)) = (picked, &*balancer) {
                self.open = Some((*cluster.endpoint(endpoint), self.worker.runtime.now()));
            }
            picked
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
        exchange: &Exchange,
        target: Target,
        failure: Failure,
    ) -> Result<(), Failure> {
        let upstream = self.worker.upstream_block(exchange);
        // One more connection to the same endpoint is the same attempt.
        if failure.retry != Retry::NewConnection || self.retried {
            self.ended(exchange, Some(&failure));
        }
        if let Some(upstream) = upstream
            && failure.reason != Reason::ClientClosed
        {
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

    /// The attempt that was picked last is over: the answer is with the client, or this is why not.
    #[inline]
    pub fn ended(&mut self, exchange: &Exchange, failure: Option<&Failure>) {
        if let Some(open) = self.open.take() {
            let end = match failure {
                None => AttemptEnd::Answered { status: exchange.facts.upstream_status },
                Some(failure) => match failure.reason.blame() {
                    Blame::Upstream => AttemptEnd::Failed,
                    Blame::Nobody | Blame::Client | Blame::Gateway => AttemptEnd::Abandoned,
                },
            };
            self.tell(open, end, exchange.facts.first_byte_at);
        }
    }

    fn tell(&self, open: (Endpoint, Instant), end: AttemptEnd, first_byte_at: Option<Instant>) {
        let (endpoint, began) = open;
        let first_byte = first_byte_at.map(|at| at.since(began));
        let duration = self.worker.runtime.now().since(began);
        if let Balancer::Custom(balancer) = &*self.local.balancer.borrow() {
            balancer.on_attempt(&Attempt { endpoint, end, first_byte, duration });
        }
    }
}

/// Where an exchange is cut off, its attempt is over too.
impl Drop for Attempts<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.tell(open, AttemptEnd::Abandoned, None);
        }
    }
}

/// What a custom balancer tells clients apart by: what a filter says, or who asks.
fn key(exchange: &Exchange) -> u64 {
    if let Some(key) = exchange.passage.balance_key {
        return key;
    }
    let Some(address) = exchange.client_address() else { return 0 };
    // The same on every worker and after a restart.
    foldhash::quality::FixedState::with_seed(0).hash_one(address)
}
