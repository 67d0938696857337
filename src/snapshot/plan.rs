//! A compiled configuration before its addresses are known: what all its generations share.

use super::endpoints::{self, Source};
use super::filter::{Buffers, Chain, Filter, FilterId};
use super::lineage::Lineage;
use super::{
    Action, Balance, Cluster, Limits, Listener, Pool, Resolved, Route, Snapshot, Timeouts,
};
use super::{Credentials, RequestIdField, Upstream, UpstreamId};
use crate::config::{Fault, GatewayConfig};
use crate::extension::Extensions;
use crate::http::networks::Networks;
use crate::jwt::{KeySet, KeySource};
use crate::meters::{Block, Counter, Registry, Series};
use crate::router::{Router, condition, path};
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, PoisonError};

/// One configuration. New addresses make a new [`Snapshot`] of it, and its router, its routes and
/// its upstreams are not made again.
#[derive(Debug)]
pub struct Plan {
    pub(super) configuration: u64,
    pub(super) listeners: Box<[Listener]>,
    pub(super) router: Arc<Router>,
    pub(super) guards: Arc<condition::Table>,
    pub(super) path_policy: path::Policy,
    pub(super) routes: Arc<[Route]>,
    /// Until [`Plan::enlist`].
    pub(super) written_filters: Vec<Filter>,
    pub(super) filters: Arc<[Arc<Filter>]>,
    pub(super) filter_slots: Arc<[Option<FilterId>]>,
    pub(super) custom_filters: Arc<[FilterId]>,
    pub(super) folders: Arc<[Arc<OwnedFd>]>,
    pub(super) clusters: Box<[ClusterPlan]>,
    pub(super) upstreams: Arc<[Upstream]>,
    pub(super) trusted: Networks,
    pub(super) request_id: Option<Arc<RequestIdField>>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) pool: Pool,
    pub(super) drain_timeout_ns: u64,
    pub(super) generation_age_max_ns: u64,
}

/// What a route has from elsewhere than its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents<'p> {
    /// The body that it answers with.
    Body(&'p [u8]),
    /// The folder whose files it serves, which may have the same name as another before it.
    Folder {
        /// Where it is.
        device: u64,
        /// Its number there.
        inode: u64,
    },
}

/// A cluster without its endpoints.
#[derive(Debug)]
pub(super) struct ClusterPlan {
    pub(super) name: Arc<str>,
    pub(super) upstreams: Range<usize>,
    pub(super) balance: Balance,
    pub(super) connections_max: u32,
    pub(super) idle_connections_max: u32,
}

impl Plan {
    /// Compiles a configuration.
    ///
    /// # Errors
    /// What [`super::check`] finds.
    pub fn new(config: &GatewayConfig) -> Result<Plan, Vec<Fault>> {
        Plan::with(config, &Extensions::new())
    }

    /// Compiles a configuration of a program with extensions.
    ///
    /// # Errors
    /// What [`super::check_with`] finds.
    pub fn with(config: &GatewayConfig, extensions: &Extensions) -> Result<Plan, Vec<Fault>> {
        super::compile::plan(config, extensions)
    }

    /// Its routes' names in logs and metrics.
    pub fn route_names(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.id)
    }

    /// The routes whose filters may hold bodies whole, with the bounds.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, Buffers)> {
        let held = |route: &'_ Route| route.chain().map(Chain::buffers).unwrap_or_default();
        let routes = self.routes.iter().map(move |route| (&*route.id, held(route)));
        routes.filter(|(_, buffers)| *buffers != Buffers::default())
    }

    /// Its clusters' names in logs and metrics.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.clusters.iter().map(|cluster| &*cluster.name)
    }

    /// Where the keys are fetched that its filters need.
    pub fn key_sources(&self) -> BTreeSet<Arc<KeySource>> {
        let filters =
            self.written_filters.iter().chain(self.filters.iter().map(|filter| &**filter));
        filters.filter_map(|filter| filter.step.key_source().cloned()).collect()
    }

    /// The keys of each filter.
    fn key_sets(&self, lineage: &Lineage) -> Box<[Option<Arc<KeySet>>]> {
        if !self.filters.iter().any(|filter| filter.step.key_source().is_some()) {
            return Box::default();
        }
        let of_filter = |filter: &Arc<Filter>| lineage.key_set(filter.step.key_source()?).cloned();
        self.filters.iter().map(of_filter).collect()
    }

    /// Gives every route and upstream its series, and the configuration its number. Once, before
    /// the first snapshot.
    ///
    /// # Panics
    /// After the first snapshot.
    pub fn enlist(&mut self, lineage: &Lineage, generation: u64) {
        self.configuration = generation;
        let mut filters = std::mem::take(&mut self.written_filters);
        let mut meters = lineage.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = filters.iter_mut().map(|filter| (filter.name.to_string(), &mut filter.series));
        enlist(&mut meters.filters, rows.collect());
        (self.filters, self.filter_slots) = lineage.adopt_filters(filters);
        let custom = self.filters.iter().zip(0..).filter(|(filter, _)| filter.is_custom());
        self.custom_filters = custom.map(|(_, id)| FilterId(id)).collect();
        let routes = Arc::get_mut(&mut self.routes).expect("no snapshot has it yet");
        let rows = routes.iter_mut().map(|route| (&*route.id, &mut route.series));
        enlist(&mut meters.routes, rows.map(|(name, series)| (name.to_owned(), series)).collect());
        let upstreams = Arc::get_mut(&mut self.upstreams).expect("no snapshot has them yet");
        let clusters = &self.clusters;
        let rows = upstreams.iter_mut().map(|upstream| {
            let cluster = &clusters[upstream.cluster.0 as usize].name;
            (super::lineage::upstream_key(cluster, &upstream.name), &mut upstream.series)
        });
        enlist(&mut meters.upstreams, rows.collect());
    }

    /// What was read for a route when it was compiled, and is named in its configuration only.
    pub fn contents(&self, route: usize) -> Option<Contents<'_>> {
        match &self.routes.get(route)?.action {
            Action::Respond(respond) => Some(Contents::Body(&respond.body)),
            Action::Files(files) => {
                // It is open, so that there is little that could fail here.
                let folder = self.folders.get(files.folder.0 as usize)?.try_clone().ok()?;
                let metadata = File::from(folder).metadata().ok()?;
                Some(Contents::Folder { device: metadata.dev(), inode: metadata.ino() })
            }
            Action::Cluster(_) | Action::Split(_) | Action::Redirect(_) => None,
        }
    }

    /// The filters of both that are written or read otherwise in the other plan, which has not been
    /// enlisted yet: in a secret or in a file too.
    pub fn changed_filters<'p>(&'p self, next: &'p Plan) -> impl Iterator<Item = &'p str> {
        let known: HashMap<&str, &Arc<Filter>, foldhash::fast::RandomState> =
            self.filters.iter().map(|filter| (&*filter.name, filter)).collect();
        next.written_filters.iter().filter_map(move |filter| {
            let before = known.get(&*filter.name)?;
            (!filter.is_same(before)).then_some(&*filter.name)
        })
    }

    /// A generation of this configuration.
    pub fn snapshot(
        &self,
        lineage: &mut Lineage,
        resolved: &Resolved,
        generation: u64,
    ) -> Snapshot {
        let clusters = self.clusters.iter().map(|plan| self.cluster(plan, resolved)).collect();
        lineage.remember(&self.filters);
        let (clusters, slots) = lineage.adopt(clusters, &self.upstreams);
        Snapshot {
            generation,
            configuration: self.configuration,
            listeners: self.listeners.clone(),
            router: Arc::clone(&self.router),
            guards: Arc::clone(&self.guards),
            path_policy: self.path_policy,
            routes: Arc::clone(&self.routes),
            filters: Arc::clone(&self.filters),
            filter_slots: Arc::clone(&self.filter_slots),
            custom_filters: Arc::clone(&self.custom_filters),
            key_sets: self.key_sets(lineage),
            folders: Arc::clone(&self.folders),
            clusters,
            slots,
            upstreams: Arc::clone(&self.upstreams),
            requests: (0..lineage.workers_count).map(|_| Counter::default()).collect(),
            generation_age_max_ns: self.generation_age_max_ns,
            trusted: self.trusted.clone(),
            request_id: self.request_id.clone(),
            credentials: Arc::clone(&self.credentials),
            limits: self.limits,
            timeouts: self.timeouts,
            pool: self.pool,
            drain_timeout_ns: self.drain_timeout_ns,
        }
    }

    fn cluster(&self, plan: &ClusterPlan, resolved: &Resolved) -> Cluster {
        let upstreams = self.upstreams[plan.upstreams.clone()].iter().zip(plan.upstreams.clone());
        let sources: Vec<Source<'_>> = upstreams
            .map(|(upstream, index)| Source {
                upstream: UpstreamId(u32::try_from(index).expect("ids are made of 32 bits")),
                name: &upstream.name,
                addresses: match &upstream.address {
                    Some(address) => std::slice::from_ref(address),
                    None => resolved.get(upstream.host()).map_or(&[], Vec::as_slice),
                },
                port: upstream.port,
                weight: upstream.weight,
            })
            .collect();
        Cluster {
            name: Arc::clone(&plan.name),
            slot: 0,
            upstreams: plan.upstreams.clone(),
            endpoints: endpoints::endpoints(&sources),
            balance: plan.balance.clone(),
            connections_max: plan.connections_max,
            idle_connections_max: plan.idle_connections_max,
            is_unresolved: sources.iter().any(|source| source.addresses.is_empty()),
        }
    }
}

/// Known names first: what is left of the room is for the new ones.
fn enlist<T: Block>(registry: &mut Registry<T>, rows: Vec<(String, &mut Arc<Series<T>>)>) {
    registry.begin();
    let mut new = Vec::new();
    for (name, place) in rows {
        match registry.keep(&name) {
            Some(series) => *place = series,
            None => new.push((name, place)),
        }
    }
    for (name, place) in new {
        *place = registry.make(&name);
    }
}
