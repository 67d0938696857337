//! A configuration as one worker serves it, and each cluster as it does.

use crate::http::h1::chunked::ChunkLimits;
use crate::http::h1::parse::HeadLimits;
use crate::router::{Scratch, condition};
use crate::runtime::{Folder, Instant};
use crate::snapshot::{Cluster, ClusterId, EndpointId, RewriteCaches, Snapshot};

use super::super::balance::Balancer;
use super::super::pools::Pool;
use super::Worker;

use hashbrown::HashMap;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A snapshot as this worker serves it. To make one costs the same whatever is in it: what belongs
/// to a cluster is made when a request first asks for it.
pub struct Generation {
    /// What every worker shares.
    pub snapshot: Arc<Snapshot>,
    /// By [`FolderId`](crate::snapshot::FolderId): handles that are this core's own.
    pub folders: Box<[Folder]>,
    /// What rewriting expressions are searched with.
    pub rewrite_caches: RefCell<RewriteCaches>,
    /// What the search for routes keeps from one request to the next.
    pub scratch: RefCell<Scratch>,
    /// What the routes' conditions are asked with.
    pub conditions: RefCell<condition::Scratch>,
    /// Bounds on a head, of a request and of an answer.
    pub head_limits: HeadLimits,
    /// Bounds on a chunked body.
    pub chunk_limits: ChunkLimits,
    /// Since when there is a newer configuration.
    pub(super) superseded_at: Cell<Instant>,
}

/// A cluster as this worker serves it: its balancer and its pools. The same one in all generations
/// in which the cluster is the same.
pub struct Local {
    /// What every worker shares.
    pub cluster: Arc<Cluster>,
    /// Whose turn it is.
    pub balancer: RefCell<Balancer>,
    pools: Box<[Rc<Pool>]>,
}

impl Generation {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        let head_limits = HeadLimits {
            request_line_bytes_max: snapshot.limits.request_line_bytes_max,
            fields_count_max: snapshot.limits.fields_count_max,
            fields_bytes_max: snapshot.limits.fields_bytes_max,
        };
        let chunk_limits = ChunkLimits {
            extension_bytes_max: snapshot.limits.chunk_extension_bytes_max,
            trailer_bytes_max: snapshot.limits.trailer_bytes_max,
        };
        let superseded_at = Cell::new(Instant::NEVER);
        let folders = snapshot.folders.iter().cloned().map(Folder::new).collect();
        Self {
            snapshot,
            folders,
            rewrite_caches: RefCell::default(),
            scratch: RefCell::new(Scratch::new()),
            conditions: RefCell::default(),
            head_limits,
            chunk_limits,
            superseded_at,
        }
    }

    /// The cluster with this id, which this snapshot gave out.
    pub fn cluster(&self, id: ClusterId) -> &Cluster {
        self.snapshot.cluster(id)
    }
}

impl Local {
    fn new(worker: &Worker, generation: &Generation, cluster: &Arc<Cluster>) -> Self {
        let seed = worker.random_below(u64::MAX) ^ worker.number as u64;
        let balancer = RefCell::new(Balancer::new(cluster, seed));
        let pools = pools(worker, generation, cluster, None);
        Self { cluster: cluster.clone(), balancer, pools }
    }

    /// The same cluster as it is now: what is known of endpoints that remain is kept, and so are
    /// their connections.
    fn succeed(&self, worker: &Worker, generation: &Generation, cluster: &Arc<Cluster>) -> Self {
        let seed = worker.random_below(u64::MAX) ^ worker.number as u64;
        // A copy: requests in flight go on with the cluster that they began with.
        let mut balancer = self.balancer.borrow().clone();
        balancer.install(&self.cluster, cluster, seed);
        let pools = pools(worker, generation, cluster, Some(self));
        Self { cluster: cluster.clone(), balancer: RefCell::new(balancer), pools }
    }

    /// The connections to an endpoint of this cluster.
    pub fn pool(&self, endpoint: EndpointId) -> &Rc<Pool> {
        &self.pools[endpoint.0 as usize]
    }
}

fn pools(
    worker: &Worker,
    generation: &Generation,
    cluster: &Cluster,
    before: Option<&Local>,
) -> Box<[Rc<Pool>]> {
    let known: HashMap<u64, &Rc<Pool>, foldhash::fast::RandomState> = before
        .into_iter()
        .flat_map(|local| local.cluster.endpoints.iter().zip(&local.pools))
        .map(|(endpoint, pool)| (endpoint.identity, pool))
        .collect();
    let open_max = worker.share(cluster.connections_max);
    let idle_max = match cluster.idle_connections_max {
        0 => 0,
        count => worker.share(count) as usize,
    };
    let pool = |identity: u64, upstream| {
        let series = &generation.snapshot.upstream(upstream).series;
        let pool = match known.get(&identity) {
            Some(pool) => (*pool).clone(),
            None => worker.pools.add(series),
        };
        pool.bound(open_max, idle_max);
        pool.count_in(series);
        pool
    };
    let endpoints = cluster.endpoints.iter();
    endpoints.map(|endpoint| pool(endpoint.identity, endpoint.upstream)).collect()
}

impl Worker {
    /// What this worker knows of a cluster of a generation.
    pub fn local(&self, generation: &Generation, id: ClusterId) -> Rc<Local> {
        let cluster = &generation.snapshot.clusters[id.0 as usize];
        let known = self.locals.borrow();
        if let Some(Some(local)) = known.get(cluster.slot as usize)
            && Arc::ptr_eq(&local.cluster, cluster)
        {
            return local.clone();
        }
        drop(known);
        self.make_local(generation, cluster)
    }

    #[cold]
    fn make_local(&self, generation: &Generation, cluster: &Arc<Cluster>) -> Rc<Local> {
        let slot = cluster.slot as usize;
        let before = self.locals.borrow().get(slot).cloned().flatten();
        let before = before.filter(|local| local.cluster.name == cluster.name);
        let local = Rc::new(match before {
            Some(before) => before.succeed(self, generation, cluster),
            None => Local::new(self, generation, cluster),
        });
        // A request that began before the present snapshot gets one of its own.
        if generation.snapshot.generation == self.generation().snapshot.generation {
            let mut locals = self.locals.borrow_mut();
            if locals.len() <= slot {
                locals.resize(slot + 1, None);
            }
            let old = locals[slot].replace(local.clone());
            drop(locals);
            drop(old);
        }
        local
    }

    /// Brings what is known of the clusters in so many places, from this one on, to the present
    /// snapshot: what is gone is let go of, with its connections. Where to go on.
    pub(super) fn tidy_locals(&self, from: usize, count: usize) -> usize {
        let generation = self.generation();
        for slot in from..from + count {
            let known = self.locals.borrow().get(slot).cloned();
            let Some(known) = known else { return 0 };
            let Some(known) = known else { continue };
            let now = generation.snapshot.cluster_in(slot);
            match now.filter(|now| now.name == known.cluster.name) {
                Some(now) if Arc::ptr_eq(now, &known.cluster) => {}
                Some(now) => {
                    drop(known);
                    self.make_local(&generation, now);
                }
                None => self.locals.borrow_mut()[slot] = None,
            }
        }
        from + count
    }
}
