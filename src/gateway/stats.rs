//! What a gateway has counted, for the program that embeds it.

use crate::bridge::Reason;
use crate::bridge::histogram::Merged;
use crate::bridge::metrics::{StatusClass, WorkerState};
use crate::control::report::{Classes, FilterSum, Report, Traffic, UpstreamSum, WorkerSum};
use crate::control::state::{Phase, State};

use std::collections::BTreeMap;
use std::time::Duration;

/// What a gateway has counted since its start: the numbers of `/stats`.
///
/// One reading of the workers' counters. Each number is whole, though not all of them are of the
/// same instant, and none but those that are named as of now ever runs backwards.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// How far the gateway has come.
    pub phase: Phase,
    /// Since its start.
    pub uptime: Duration,
    /// The newest generation of the configuration that the workers were sent; 0 before the first.
    pub generation: u64,
    /// Exchanges with clients, over all routes.
    pub total: TrafficStats,
    /// Exchanges under way now.
    pub requests_active: u64,
    /// Client connections accepted.
    pub connections_accepted: u64,
    /// Client connections open now.
    pub connections_active: u64,
    /// How exchanges, and connections without one, ended: only the reasons that occurred, by the
    /// words of `docs/reasons.md`.
    pub reasons: BTreeMap<&'static str, u64>,
    /// In the order of their numbers.
    pub workers: Vec<WorkerStats>,
    /// By the routes' ids; `_none` has the exchanges without a route, `_other` those of the routes
    /// beyond 512.
    pub routes: BTreeMap<String, TrafficStats>,
    /// By cluster and address; those beyond 512 are `_other`.
    pub upstreams: Vec<UpstreamStats>,
    /// By the filters' names; those beyond 512 are `_other`.
    pub filters: BTreeMap<String, FilterStats>,
}

/// Exchanges with clients.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrafficStats {
    /// Exchanges that ended.
    pub requests: u64,
    /// The same by the status that the client was sent.
    pub classes: ClassStats,
    /// Bytes of heads and bodies received from clients.
    pub bytes_in: u64,
    /// Bytes of heads and bodies sent to clients.
    pub bytes_out: u64,
    /// From the first byte of each request to the last byte of its response.
    pub latency: LatencyStats,
}

/// Counts by the first digit of a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// No response was begun.
    pub none: u64,
    /// 1xx, as a final status.
    pub informational: u64,
    /// 2xx.
    pub success: u64,
    /// 3xx.
    pub redirection: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
}

/// A distribution of times since the start: percentiles are at most 1.6 % off, mean and longest
/// are exact. All are 0 where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LatencyStats {
    /// How many times were counted.
    pub count: u64,
    /// The mean.
    pub mean: Duration,
    /// The median.
    pub p50: Duration,
    /// What 95 % do not exceed.
    pub p95: Duration,
    /// What 99 % do not exceed.
    pub p99: Duration,
    /// What 99.9 % do not exceed.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

/// One worker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Its number, from 0.
    pub worker: usize,
    /// What it is doing.
    pub state: WorkerState,
    /// The generation that it uses; 0 before the first.
    pub generation: u64,
    /// Its exchanges, over all routes.
    pub total: TrafficStats,
    /// Exchanges under way now.
    pub requests_active: u64,
    /// Client connections accepted.
    pub connections_accepted: u64,
    /// Client connections open now.
    pub connections_active: u64,
    /// CPU time of its thread; `None` before it starts, after it ended, and without `/proc`.
    pub cpu: Option<Duration>,
}

/// One upstream of one cluster.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpstreamStats {
    /// The cluster's name; a route's own upstreams are a cluster with the route's.
    pub cluster: String,
    /// As in its URL: `host:port` or the socket's path.
    pub address: String,
    /// Responses, by the upstream's own status.
    pub classes: ClassStats,
    /// From the sent request head to the response head.
    pub first_byte: LatencyStats,
    /// Attempts that failed on its side.
    pub failures: u64,
    /// Attempts that repeated a failed one.
    pub retries: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
    /// Exchanges that began on a connection of the pool.
    pub reuses: u64,
    /// Exchanges refused because every connection was in use.
    pub full: u64,
    /// Connections that carry an exchange now.
    pub connections_active: u64,
    /// Connections in the pools now.
    pub connections_idle: u64,
}

/// One filter, over all routes that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterStats {
    /// Requests that it let pass.
    pub passed: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it answered itself.
    pub answered: u64,
    /// Requests that it would have refused, were it not only watching (`shadow`). They count as
    /// passed too.
    pub shadowed: u64,
    /// Questions to the control plane.
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

impl Stats {
    pub(super) fn read(state: &State) -> Stats {
        let report = Report::gather(state);
        let sum = |count: fn(&WorkerSum) -> u64| report.workers.iter().map(count).sum();
        Stats {
            phase: state.phase(),
            uptime: state.started.elapsed(),
            generation: state.generation(),
            total: TrafficStats::of(&report.total),
            requests_active: sum(|worker| worker.requests_active),
            connections_accepted: sum(|worker| worker.connections_accepted),
            connections_active: sum(|worker| worker.connections_active),
            reasons: reasons(&report),
            workers: report.workers.iter().map(WorkerStats::of).collect(),
            routes: report
                .routes
                .iter()
                .map(|(id, traffic)| (id.to_string(), TrafficStats::of(traffic)))
                .collect(),
            upstreams: report
                .upstreams
                .iter()
                .map(|((cluster, address), of)| UpstreamStats::of(cluster, address, of))
                .collect(),
            filters: report
                .filters
                .iter()
                .map(|(name, sum)| (name.to_string(), FilterStats::of(sum)))
                .collect(),
        }
    }
}

fn reasons(report: &Report) -> BTreeMap<&'static str, u64> {
    let counts = Reason::ALL.iter().zip(report.reasons).filter(|(_, count)| *count > 0);
    counts.map(|(reason, count)| (reason.label(), count)).collect()
}

impl TrafficStats {
    fn of(traffic: &Traffic) -> TrafficStats {
        TrafficStats {
            requests: traffic.count(),
            classes: ClassStats::of(&traffic.classes),
            bytes_in: traffic.bytes_in,
            bytes_out: traffic.bytes_out,
            latency: LatencyStats::of(&traffic.latency),
        }
    }
}

impl ClassStats {
    fn of(classes: &Classes) -> ClassStats {
        let of = |class: StatusClass| classes[class as usize];
        ClassStats {
            none: of(StatusClass::None),
            informational: of(StatusClass::Informational),
            success: of(StatusClass::Success),
            redirection: of(StatusClass::Redirection),
            client_error: of(StatusClass::ClientError),
            server_error: of(StatusClass::ServerError),
        }
    }
}

impl LatencyStats {
    fn of(merged: &Merged) -> LatencyStats {
        let percentile = |share| Duration::from_nanos(merged.percentile_ns(share));
        LatencyStats {
            count: merged.count(),
            mean: Duration::from_nanos(merged.mean_ns()),
            p50: percentile(0.5),
            p95: percentile(0.95),
            p99: percentile(0.99),
            p999: percentile(0.999),
            max: Duration::from_nanos(merged.max_ns()),
        }
    }
}

impl WorkerStats {
    fn of(sum: &WorkerSum) -> WorkerStats {
        WorkerStats {
            worker: sum.worker,
            state: sum.state,
            generation: sum.generation,
            total: TrafficStats::of(&sum.traffic),
            requests_active: sum.requests_active,
            connections_accepted: sum.connections_accepted,
            connections_active: sum.connections_active,
            cpu: sum.thread.map(|thread| thread.cpu),
        }
    }
}

impl UpstreamStats {
    fn of(cluster: &str, address: &str, sum: &UpstreamSum) -> UpstreamStats {
        UpstreamStats {
            cluster: cluster.to_owned(),
            address: address.to_owned(),
            classes: ClassStats::of(&sum.classes),
            first_byte: LatencyStats::of(&sum.first_byte),
            failures: sum.failures,
            retries: sum.retries,
            connects: sum.connects,
            connect_failures: sum.connect_failures,
            reuses: sum.reuses,
            full: sum.full,
            connections_active: sum.active(),
            connections_idle: sum.idle,
        }
    }
}

impl FilterStats {
    fn of(sum: &FilterSum) -> FilterStats {
        FilterStats {
            passed: sum.passed,
            refused: sum.refused,
            answered: sum.answered,
            shadowed: sum.shadowed,
            asked: sum.asked,
            cache_hits: sum.cache_hits,
            cache_misses: sum.cache_misses,
            bodies_changed: sum.bodies_changed,
            bodies_left: sum.bodies_left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::report::tests::sample;

    #[test]
    fn tells_what_the_workers_counted() {
        let stats = Stats::read(&sample());
        assert_eq!((stats.phase, stats.generation), (Phase::Starting, 1));
        assert_eq!(stats.total.requests, 6);
        let classes = stats.total.classes;
        assert_eq!((classes.success, classes.client_error, classes.server_error), (2, 2, 2));
        assert_eq!(stats.total.latency.max, Duration::from_millis(2));
        assert_eq!(stats.reasons, [("ok", 4), ("route_not_found", 2)].into());
        assert_eq!(stats.routes["route-0"].requests, 2);
        assert_eq!(stats.routes["_none"].classes.client_error, 2);
        let upstream = &stats.upstreams[0];
        assert_eq!((&*upstream.cluster, &*upstream.address), ("web", "up-0:80"));
        assert_eq!((upstream.connections_idle, upstream.connections_active), (2, 0));
        assert_eq!(upstream.first_byte.count, 2);
        assert_eq!(stats.workers[1].total.requests, 3);
        assert_eq!(stats.connections_active, 2);
        assert_eq!(stats.filters["rate_limit.tight"].refused, 4);
    }
}
