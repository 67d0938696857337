//! What workers read: the configuration and what was resolved, compiled once and never changed.
//!
//! A snapshot is built off the serving cores, numbered, and handed to every worker in an `Arc`. All
//! that a request needs is ready in it: ids instead of names, nanoseconds instead of durations,
//! merged timeouts, bytes that are written as they are.

mod action;
mod compile;
mod endpoints;
mod extend;
mod files;
mod lineage;
mod name;
mod plan;
mod rewrite;
mod search;
pub mod template;
pub mod filter;

pub use action::{
    Action, Edits, Extra, Line, Lines, NoHost, Redirect, RequestIdField, Respond, Share, Split,
};
pub use compile::{Listing, check, check_with, compile, compile_with, names, route_names};
pub use extend::CustomBalance;
pub use files::{FileName, Files, FolderId, NameFault};
pub use lineage::{Lineage, Meters, SharedMeters};
pub use name::Name;
pub use plan::Plan;
pub use rewrite::{Replace, Rewrite, RewriteCaches};
pub use search::{Asked, Matched, Memory, Refusal};
pub use template::{ExchangeId, RequestId, Template};

use self::filter::{Chain, Cors, Filter, FilterId, Step};
pub use crate::extension::{Endpoint, EndpointId, UpstreamId};
use crate::http::networks::Networks;
use crate::jwt::{KeySet, KeySource};
use crate::meters::{Counter, RouteBlock, Series, UpstreamBlock};
pub use crate::router::RouteId;
pub use crate::router::path::{Ambiguity, PathFault};
use crate::router::{Router, condition, path};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// An index into [`Snapshot::clusters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(pub u32);

/// The addresses of upstreams' host names; a name that is missing has none yet.
pub type Resolved = BTreeMap<String, Vec<IpAddr>>;

/// The keys that were fetched, by their places; a place that is missing has none yet.
pub type KeySets = BTreeMap<Arc<KeySource>, Arc<KeySet>>;

/// One generation of everything that a worker reads.
///
/// What is large is shared by generations: those of one configuration have one router and one list
/// of routes, and a cluster that did not change is the same one in the next configuration too.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts up with every snapshot of the process.
    pub generation: u64,
    /// The first generation of the same configuration: later ones differ in addresses alone.
    pub configuration: u64,
    /// Where workers listen.
    pub listeners: Box<[Listener]>,
    /// Finds [`Snapshot::routes`].
    pub router: Arc<Router>,
    /// What the router's routes ask of a request beyond host, path and method.
    pub guards: Arc<condition::Table>,
    /// What becomes of an ambiguous path that no route matches.
    pub path_policy: path::Policy,
    /// By [`RouteId`].
    pub routes: Arc<[Route]>,
    /// By [`filter::FilterId`].
    pub filters: Arc<[Arc<Filter>]>,
    /// By [`filter::FilterId`]: the keys that were fetched for it. Empty where no filter needs any.
    pub key_sets: Box<[Option<Arc<KeySet>>]>,
    /// The filter in each of the places that [`Filter::slot`] counts.
    pub filter_slots: Arc<[Option<FilterId>]>,
    /// Those of the embedding program, which workers make before a request needs them.
    pub custom_filters: Arc<[FilterId]>,
    /// By [`FolderId`]: opened when the configuration was compiled, and only to be looked below.
    pub folders: Arc<[Arc<OwnedFd>]>,
    /// By [`ClusterId`].
    pub clusters: Arc<[Arc<Cluster>]>,
    /// The cluster in each of the places that [`Cluster::slot`] counts.
    pub slots: Box<[Option<ClusterId>]>,
    /// By [`UpstreamId`]; those of one cluster lie side by side.
    pub upstreams: Arc<[Upstream]>,
    /// By worker: exchanges that it still serves under this generation, once there is a newer one.
    pub requests: Box<[Counter]>,
    /// How long exchanges may go on under an older configuration; [`Timeouts::NONE`] for ever.
    pub generation_age_max_ns: u64,
    /// Whose `Forwarded` and `X-Forwarded-*` fields are believed.
    pub trusted: Networks,
    /// Where requests' ids are sent, if they are.
    pub request_id: Option<Arc<RequestIdField>>,
    /// Bounds that every connection and request is held to.
    pub limits: Limits,
    /// What holds before a route is known.
    pub timeouts: Timeouts,
    /// Idle upstream connections.
    pub pool: Pool,
    /// How long requests in flight may take to finish once the gateway stops.
    pub drain_timeout_ns: u64,
}

impl Snapshot {
    /// A route of this generation's router.
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id.0 as usize]
    }

    /// The filter of a route that answers its preflights, if it has one.
    pub fn cors(&self, route: &Route) -> Option<&Cors> {
        let mut links = route.chain().filter(|chain| chain.has_cors)?.links.iter();
        links.find_map(|link| {
            let Step::Cors(cors) = &self.filter(link.filter).step else { return None };
            Some(&**cors)
        })
    }

    /// A filter of this generation.
    pub fn filter(&self, id: FilterId) -> &Arc<Filter> {
        &self.filters[id.0 as usize]
    }

    /// The keys that were fetched for a filter, if they came.
    pub fn key_set(&self, id: FilterId) -> Option<&Arc<KeySet>> {
        self.key_sets.get(id.0 as usize)?.as_ref()
    }

    /// The filter in a place, if there is one.
    pub fn filter_in(&self, slot: usize) -> Option<&Arc<Filter>> {
        let id = (*self.filter_slots.get(slot)?)?;
        self.filters.get(id.0 as usize)
    }

    /// A cluster of this generation.
    pub fn cluster(&self, id: ClusterId) -> &Cluster {
        &self.clusters[id.0 as usize]
    }

    /// The cluster in a place, if there is one.
    pub fn cluster_in(&self, slot: usize) -> Option<&Arc<Cluster>> {
        let id = (*self.slots.get(slot)?)?;
        self.clusters.get(id.0 as usize)
    }

    /// An upstream of this generation.
    pub fn upstream(&self, id: UpstreamId) -> &Upstream {
        &self.upstreams[id.0 as usize]
    }
}

/// Where a worker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// A TCP port, shared by all workers with `SO_REUSEPORT`.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// What a matched request is treated by.
#[derive(Debug)]
pub struct Route {
    /// The name in logs and metrics.
    pub id: Name,
    /// What becomes of its requests.
    pub action: Action,
    /// Global ones, overridden by the cluster's, overridden by the route's. Of a [`Split`] without
    /// the clusters'; those stand in its shares. Most routes have the same.
    pub timeouts: Arc<Timeouts>,
    /// Longest request body; `u64::MAX` when there is no bound.
    pub body_bytes_max: u64,
    /// Where its exchanges are counted.
    pub series: Arc<Series<RouteBlock>>,
    /// Whether it names `OPTIONS` among its methods, and so has preflights for itself.
    pub lists_options: bool,
    /// What becomes of ambiguous paths.
    pub policy: path::Policy,
    /// What few routes have.
    pub extra: Option<Box<Extra>>,
}

impl Route {
    /// Its filters, if it has any.
    #[inline]
    pub fn chain(&self) -> Option<&Chain> {
        self.extra.as_ref()?.chain.as_ref()
    }

    /// How it rewrites paths, if it does, and what it takes of those that come of that.
    #[inline]
    pub fn rewrite(&self) -> Option<(&Rewrite, path::Policy)> {
        let rewrite = self.extra.as_ref()?.rewrite.as_ref()?;
        Some((rewrite, self.policy))
    }
}

/// A group of endpoints that do the same job.
#[derive(Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The name in logs and metrics: the configuration's, or the route's id for upstreams that are
    /// written in the route.
    pub name: Arc<str>,
    /// A small number that no other cluster of the same generation has, and that a name keeps from
    /// one generation to the next: where a worker keeps what it knows of the cluster.
    pub slot: u32,
    /// Its part of [`Snapshot::upstreams`].
    pub upstreams: Range<usize>,
    /// By [`EndpointId`]; at most [`crate::limits::ENDPOINTS_COUNT_MAX`].
    pub endpoints: Box<[Endpoint]>,
    /// How one is picked.
    pub balance: Balance,
    /// Connections to one upstream, over all workers of the process.
    pub connections_max: u32,
    /// Of them idle ones.
    pub idle_connections_max: u32,
    /// Whether a name of it has no address yet: why there may be no endpoint.
    pub is_unresolved: bool,
}

impl Cluster {
    /// An endpoint of this cluster.
    pub fn endpoint(&self, id: EndpointId) -> &Endpoint {
        &self.endpoints[id.0 as usize]
    }
}

/// One `url` of the configuration.
#[derive(Debug)]
pub struct Upstream {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// `host:port` as configured: the name in logs and metrics.
    pub name: Box<str>,
    /// The `Host` to send when the client sent none (HTTP/1.0). Otherwise the client's `Host` is
    /// forwarded, as Envoy and HAProxy do and nginx does not: an upstream that makes links or
    /// chooses a site by name needs the name that the client used.
    pub authority: Box<[u8]>,
    /// Share of the cluster's requests.
    pub weight: u32,
    /// The port, which `name` ends in.
    pub port: u16,
    /// The address, where `name` is one.
    pub address: Option<IpAddr>,
    /// Where traffic with it is counted.
    pub series: Arc<Series<UpstreamBlock>>,
}

impl Upstream {
    /// The host of its URL, to be resolved.
    pub fn host(&self) -> &str {
        self.name.rsplit_once(':').map_or(&*self.name, |(host, _)| host)
    }

    /// Whether both are the same line of a configuration.
    fn is_same(&self, other: &Upstream) -> bool {
        let same_target = self.name == other.name && self.authority == other.authority;
        same_target && self.weight == other.weight && Arc::ptr_eq(&self.series, &other.series)
    }
}

/// How a cluster's endpoints are picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One after the other; weights only say who is never picked (0).
    RoundRobin,
    /// By weight, smoothly.
    SmoothWeighted,
    /// As the embedding program says.
    Custom(Arc<CustomBalance>),
}

/// Timeouts in nanoseconds; [`Timeouts::NONE`] never fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a request, or the accept, to the end of its head.
    pub client_header_ns: u64,
    /// Between two reads of a request body.
    pub client_body_idle_ns: u64,
    /// Between two requests of a client connection.
    pub keep_alive_ns: u64,
    /// For a connection to an upstream.
    pub connect_ns: u64,
    /// From the sent request to the response's first byte.
    pub first_byte_ns: u64,
    /// Between two reads of a response body, or two writes of a request body.
    pub upstream_idle_ns: u64,
    /// From the request's head to the response's end.
    pub total_ns: u64,
}

impl Timeouts {
    /// No timeout: added to any instant with saturation it is a deadline that never comes.
    pub const NONE: u64 = u64::MAX;
}

/// Bounds of connections and heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest request line.
    pub request_line_bytes_max: usize,
    /// Fields in a head.
    pub fields_count_max: usize,
    /// Bytes of all field lines of a head.
    pub fields_bytes_max: usize,
    /// Bytes of extensions on one chunk-size line.
    pub chunk_extension_bytes_max: usize,
    /// Bytes of all trailer lines of a body.
    pub trailer_bytes_max: usize,
    /// Client connections of the process, split over its workers.
    pub connections_max: usize,
    /// Requests that one client connection may send before it is closed.
    pub requests_per_connection_max: u64,
    /// Requests of one connection that may wait behind the one being served.
    pub pipelined_requests_max: usize,
}

/// Idle upstream connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How long a connection may be idle.
    pub idle_timeout_ns: u64,
}
