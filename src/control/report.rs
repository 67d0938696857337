//! The workers' counters added up and named: what `/stats` and the metrics are written from.

use std::collections::BTreeMap;

use super::limiters::{self, LimiterSum};
use super::process::{Process, Thread};
use super::state::{AllSeries, State};
use crate::bridge::histogram::Merged;
use crate::bridge::metrics::{EngineCounters, StatusClass, WorkerState};
use crate::bridge::stages::Stage;
use crate::bridge::{Reason, WorkerBlock};
use crate::meters::{FilterBlock, Named, RouteBlock, UpstreamBlock};
use crate::snapshot::Meters;

/// The name of the routes, of the upstreams and of the filters that are beyond the cap.
pub const OTHER: &str = "_other";
/// The name under which exchanges without a route are counted.
pub const NONE: &str = "_none";

/// Counts by [`StatusClass`].
pub type Classes = [u64; StatusClass::ALL.len()];

/// Exchanges with clients.
#[derive(Default)]
pub struct Traffic {
    /// By class of the status that the client was sent.
    pub classes: Classes,
    /// Bytes received from clients.
    pub bytes_in: u64,
    /// Bytes sent to clients.
    pub bytes_out: u64,
    /// Durations of whole exchanges.
    pub latency: Merged,
}

/// Traffic with one upstream.
#[derive(Default)]
pub struct UpstreamSum {
    /// By class of the upstream's own status.
    pub classes: Classes,
    /// Time to the first byte of each response.
    pub first_byte: Merged,
    /// Attempts that failed.
    pub failures: u64,
    /// Attempts that repeated a failed one.
    pub retries: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
    /// Exchanges on a pooled connection.
    pub reuses: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections in the pools now.
    pub idle: u64,
    /// Exchanges refused because every connection was in use.
    pub full: u64,
}

/// What one filter did.
#[derive(Default)]
pub struct FilterSum {
    /// Requests that it let pass.
    pub passed: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it answered itself.
    pub answered: u64,
    /// Requests that it would have refused, were it not only watching.
    pub shadowed: u64,
    /// Questions to control.
    pub asked: u64,
    /// Decisions for which what was found out before was enough.
    pub cache_hits: u64,
    /// Decisions that had to be worked out anew.
    pub cache_misses: u64,
    /// Bodies that it changed.
    pub bodies_changed: u64,
    /// Bodies that were for it and that it could not read.
    pub bodies_left: u64,
}

/// One worker.
pub struct WorkerSum {
    /// Its number.
    pub worker: usize,
    /// What it is doing.
    pub state: WorkerState,
    /// The generation that it uses.
    pub generation: u64,
    /// Its exchanges, over all routes.
    pub traffic: Traffic,
    /// Exchanges under way.
    pub requests_active: u64,
    /// Client connections accepted.
    pub connections_accepted: u64,
    /// Client connections open now.
    pub connections_active: u64,
    /// Log records handed over.
    pub log_written: u64,
    /// Log records for which the ring had no room.
    pub log_dropped: u64,
    /// Its engine.
    pub engine: EngineCounters,
    /// What its thread costs; `None` before it starts and after it ended.
    pub thread: Option<Thread>,
}

/// Everything, as of now.
pub struct Report {
    /// In the order of their numbers.
    pub workers: Vec<WorkerSum>,
    /// By route id, [`OTHER`] and [`NONE`] among them.
    pub routes: BTreeMap<Box<str>, Traffic>,
    /// By cluster and address, [`OTHER`] among them.
    pub upstreams: BTreeMap<(Box<str>, Box<str>), UpstreamSum>,
    /// By filter.
    pub limiters: BTreeMap<Box<str>, LimiterSum>,
    /// By name, [`OTHER`] among them.
    pub filters: BTreeMap<Box<str>, FilterSum>,
    /// By [`Reason::index`].
    pub reasons: [u64; Reason::COUNT],
    /// Exchanges of all workers.
    pub total: Traffic,
    /// Where their time went, in the order of [`Stage::ALL`].
    pub stages: Vec<(Stage, Merged)>,
    /// What it all costs.
    pub process: Process,
}

impl Report {
    /// Reads all blocks.
    pub fn gather(state: &State) -> Report {
        let AllSeries { routes, upstreams, filters } = state.series();
        let mut report = Report {
            workers: Vec::with_capacity(state.blocks.len()),
            routes: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            limiters: limiters::gather(state, &filters),
            filters: BTreeMap::new(),
            reasons: [0; Reason::COUNT],
            total: Traffic::default(),
            stages: Stage::ALL.iter().map(|stage| (*stage, Merged::default())).collect(),
            process: Process::now(),
        };
        for block in &state.blocks {
            report.add(block, &routes);
            for Named { name, series } in &upstreams {
                for upstream in series.read(block.worker()) {
                    report.upstreams.entry(upstream_name(name)).or_default().read(upstream);
                }
            }
            for Named { name, series } in &filters {
                for filter in series.read(block.worker()) {
                    let name = name.as_deref().unwrap_or(OTHER);
                    report.filters.entry(name.into()).or_default().read(filter);
                }
            }
        }
        report
    }

    fn add(&mut self, block: &WorkerBlock, routes: &[Named<RouteBlock>]) {
        let mut traffic = Traffic::default();
        let named = routes.iter().flat_map(|Named { name, series }| {
            let name = name.as_deref().unwrap_or(OTHER);
            series.read(block.worker()).map(move |route| (name, route))
        });
        let is_used = block.unrouted().latency.is_used();
        let unrouted = is_used.then(|| (NONE, block.unrouted()));
        for (name, route) in named.chain(unrouted) {
            // One reading, so that a worker's sum and its routes' agree.
            let mut reading = Traffic::default();
            reading.read(route);
            traffic.add(&reading);
            self.routes.entry(name.into()).or_default().add(&reading);
        }
        for (total, reason) in self.reasons.iter_mut().zip(Reason::ALL) {
            *total += block.reason_count(*reason);
        }
        for (stage, sum) in &mut self.stages {
            block.stages.read(*stage, sum);
        }
        self.total.add(&traffic);
        self.workers.push(WorkerSum {
            worker: block.worker(),
            state: block.state(),
            generation: block.generation(),
            traffic,
            requests_active: block.requests_active(),
            connections_accepted: block.connections_accepted(),
            connections_active: block.connections_active(),
            log_written: block.log_written(),
            log_dropped: block.log_dropped(),
            engine: block.engine(),
            thread: block.thread().and_then(Thread::now),
        });
    }
}

impl Traffic {
    /// Exchanges that ended.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Adds other traffic.
    pub fn add(&mut self, other: &Traffic) {
        for (total, count) in self.classes.iter_mut().zip(&other.classes) {
            *total += count;
        }
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.latency.merge(&other.latency);
    }

    fn read(&mut self, route: &RouteBlock) {
        for (total, counter) in self.classes.iter_mut().zip(&route.classes) {
            *total += counter.read();
        }
        self.bytes_in += route.bytes_in.read();
        self.bytes_out += route.bytes_out.read();
        self.latency.add(&route.latency);
    }
}

impl UpstreamSum {
    /// Connections in use now.
    pub fn active(&self) -> u64 {
        self.open.saturating_sub(self.idle)
    }

    fn read(&mut self, upstream: &UpstreamBlock) {
        for (total, counter) in self.classes.iter_mut().zip(&upstream.classes) {
            *total += counter.read();
        }
        self.first_byte.add(&upstream.first_byte);
        self.failures += upstream.failures.read();
        self.retries += upstream.retries.read();
        self.connects += upstream.connects.read();
        self.connect_failures += upstream.connect_failures.read();
        self.reuses += upstream.reuses.read();
        self.open += upstream.open.read();
        self.idle += upstream.idle.read();
        self.full += upstream.full.read();
    }
}

impl FilterSum {
    fn read(&mut self, filter: &FilterBlock) {
        self.passed += filter.passed.read();
        self.refused += filter.refused.read();
        self.answered += filter.answered.read();
        self.shadowed += filter.shadowed.read();
        self.asked += filter.asked.read();
        self.cache_hits += filter.cache_hits.read();
        self.cache_misses += filter.cache_misses.read();
        self.bodies_changed += filter.bodies_changed.read();
        self.bodies_left += filter.bodies_left.read();
    }
}

fn upstream_name(key: &Option<Box<str>>) -> (Box<str>, Box<str>) {
    match key.as_deref().map(Meters::upstream_names) {
        Some((cluster, address)) => (cluster.into(), address.into()),
        None => (OTHER.into(), OTHER.into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::bridge::metrics::Done;
    use crate::config::{ClusterConfig, GatewayConfig, Middleware, RbacConfig, RbacRule};
    use crate::config::{Route, Upstream};
    use crate::snapshot::{Lineage, Plan, Resolved, Snapshot};

    /// Two routes, of which the first has a filter of two rules, and a cluster of three upstreams.
    pub(crate) fn snapshot(lineage: &mut Lineage) -> Snapshot {
        let upstream = |number: u32| Upstream {
            url: format!("http://up-{number}:80").parse().expect("a URL"),
            weight: 1,
        };
        let cluster =
            ClusterConfig { upstreams: (0..3).map(upstream).collect(), ..ClusterConfig::default() };
        let route = |number: u32| Route {
            id: format!("route-{number}"),
            path: format!("/{number}"),
            cluster: Some("web".to_owned()),
            ..Route::default()
        };
        let rule = |name: &str| RbacRule { name: name.to_owned(), ..RbacRule::default() };
        let rules = vec![rule("readers"), rule("writers")];
        let rbac = Middleware::Rbac(RbacConfig { rules, ..RbacConfig::default() });
        let mut config = GatewayConfig {
            clusters: [("web".to_owned(), cluster)].into(),
            routes: (0..2).map(route).collect(),
            ..GatewayConfig::default()
        };
        config.routes[0].middlewares.push(rbac);
        let mut plan = Plan::new(&config).expect("no fault");
        plan.enlist(lineage, 1);
        plan.snapshot(lineage, &Resolved::new(), 1)
    }

    fn done<'a>(of: Option<(&'a RouteBlock, &'a UpstreamBlock)>, status: u16) -> Done<'a> {
        Done {
            route: of.map(|(route, _)| route),
            upstream: of.map(|(_, upstream)| upstream),
            status,
            upstream_status: status,
            reason: if of.is_some() { Reason::Ok } else { Reason::RouteNotFound },
            bytes_in: 10,
            bytes_out: 100,
            duration_ns: 2_000_000,
            upstream_first_byte_ns: 1_000_000,
        }
    }

    /// Two workers that have served a few requests.
    pub(crate) fn sample() -> Arc<State> {
        let blocks: Vec<_> = (0..2).map(WorkerBlock::new).collect();
        let meters = Meters::new(2);
        let mut lineage = Lineage::new(Arc::clone(&meters), 2);
        let snapshot = Arc::new(snapshot(&mut lineage));
        let filter = meters.lock().expect("no panic").filters.make("rate_limit.tight");
        for block in &blocks {
            let worker = block.worker();
            let of = |place: usize| {
                let (route, upstream) = (&snapshot.routes[place], &snapshot.upstreams[place]);
                Some((route.series.of(worker), upstream.series.of(worker)))
            };
            block.connection_opened();
            snapshot.upstreams[0].series.of(worker).connected();
            for exchange in [done(of(0), 200), done(of(1), 503), done(None, 404)] {
                block.request_begun();
                block.request_done(&exchange);
            }
            snapshot.upstreams[0].series.of(worker).checked_in();
            filter.of(worker).refused.add(2);
            filter.of(worker).cache_hits.add(1);
            block.log_pushed(false);
            block.stages.record(Stage::Parse, 400);
            block.stages.record(Stage::Relay, 3_000_000);
            block.mirror_engine(&EngineCounters { turns: 5, tasks: 2, ..Default::default() });
        }
        let state = State::new(blocks, Arc::new(AtomicU64::new(0)), meters);
        state.install(snapshot);
        state
    }

    #[test]
    fn adds_workers_and_names_their_routes() {
        let report = Report::gather(&sample());
        let counts: Vec<_> =
            report.routes.iter().map(|(name, traffic)| (&**name, traffic.count())).collect();
        assert_eq!(counts, [(NONE, 2), ("route-0", 2), ("route-1", 2)]);
        assert_eq!(report.routes["route-0"].latency.count(), 2);
        assert_eq!(report.workers[1].traffic.count(), 3);
        assert_eq!(report.total.latency.count(), 6);
        let (stage, relay) = &report.stages[Stage::Relay as usize];
        assert_eq!((*stage, relay.count(), relay.sum_ns()), (Stage::Relay, 2, 6_000_000));
        assert_eq!(report.workers[1].traffic.bytes_out, 300);
        assert_eq!(report.reasons[Reason::RouteNotFound.index()], 2);
        let upstream = &report.upstreams[&("web".into(), "up-0:80".into())];
        assert_eq!((upstream.open, upstream.idle, upstream.active()), (2, 2, 0));
    }
}
