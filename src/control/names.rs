//! What routes, upstreams and filters are called, for the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::snapshot::filter::{Filter, FilterId, RuleId, Step};
use crate::snapshot::{Cluster, Route, RouteId, Snapshot, Upstream, UpstreamId};

/// Names of one generation, by number: the snapshot's own, which are not copied.
#[derive(Debug, Default)]
pub struct Names {
    routes: Arc<[Route]>,
    clusters: Arc<[Arc<Cluster>]>,
    upstreams: Arc<[Upstream]>,
    filters: Arc<[Arc<Filter>]>,
}

/// The names of each generation whose exchanges may still end.
pub type Roll = BTreeMap<u64, Arc<Names>>;

/// What an upstream is called.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamName<'a> {
    /// Its cluster's name.
    pub cluster: &'a str,
    /// Its `host:port` as configured.
    pub address: &'a str,
}

impl Names {
    /// The names of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Names {
        Names {
            routes: Arc::clone(&snapshot.routes),
            clusters: Arc::clone(&snapshot.clusters),
            upstreams: Arc::clone(&snapshot.upstreams),
            filters: Arc::clone(&snapshot.filters),
        }
    }

    /// The `id` of the route of a number.
    pub fn route(&self, id: Option<RouteId>) -> Option<&str> {
        self.routes.get(id?.0 as usize).map(|route| &*route.id)
    }

    /// The upstream of a number.
    pub fn upstream(&self, id: Option<UpstreamId>) -> Option<UpstreamName<'_>> {
        let upstream = self.upstreams.get(id?.0 as usize)?;
        let cluster = self.clusters.get(upstream.cluster.0 as usize)?;
        Some(UpstreamName { cluster: &cluster.name, address: &upstream.name })
    }

    /// The filter of a number.
    pub fn filter(&self, id: Option<FilterId>) -> Option<&str> {
        self.filters.get(id?.0 as usize).map(|filter| &*filter.name)
    }

    /// A rule of access of a filter.
    pub fn rule(&self, id: Option<(FilterId, RuleId)>) -> Option<&str> {
        let (filter, rule) = id?;
        let Step::Rbac(rbac) = &self.filters.get(filter.0 as usize)?.step else { return None };
        rbac.rule(rule)
    }

    /// Two routes, three upstreams and a filter with two rules, for tests.
    #[cfg(test)]
    pub(crate) fn sample() -> Names {
        Names::of(&super::report::tests::snapshot(&mut crate::snapshot::Lineage::default()))
    }
}
