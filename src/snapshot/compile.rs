//! From a configuration to a snapshot, with every fault that only shows when routes, clusters and
//! upstreams are seen together.

mod actions;
mod files;
pub(super) mod body;
pub(super) mod edits;
mod filters;
mod guards;
mod policy;
mod versions;

pub(super) use guards::of_conditions;

use super::extend;
use super::lineage::Lineage;
use super::plan::{ClusterPlan, Plan};
use super::{Balance, ClusterId, Credentials, Limits, Listener, Pool, Resolved, Snapshot};
use super::{Timeouts, Upstream};
use crate::config::{self, Fault, GatewayConfig, ListenAddress, LoadBalancerType};
use crate::extension::Extensions;
use crate::http::networks::Networks;
use crate::limits;
use crate::meters::Series;
use crate::router::condition;
use crate::router::naive::Naive;
use crate::router::{BuildFault, Builder, GuardId, Part, PathPattern, Pattern, PatternError};
use crate::router::{RouteId, Router};
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Every fault of a configuration's routes and clusters, with its key path: patterns that cannot be
/// read, ties, clusters that do not exist, routes that go nowhere or to two places.
///
/// Values by themselves, and what is not built in this version, are `config`'s to check.
pub fn check(config: &GatewayConfig) -> Vec<Fault> {
    check_with(config, &Extensions::new())
}

/// [`check`] for a program with extensions.
pub fn check_with(config: &GatewayConfig, extensions: &Extensions) -> Vec<Fault> {
    Plan::with(config, extensions).err().unwrap_or_default()
}

/// Compiles a configuration that has no predecessor, with what its upstreams' names resolved to.
///
/// A name without an address yet leaves its upstream without endpoints.
///
/// # Errors
/// What [`check`] finds.
pub fn compile(
    config: &GatewayConfig,
    resolved: &Resolved,
    generation: u64,
) -> Result<Snapshot, Vec<Fault>> {
    compile_with(config, &Extensions::new(), resolved, generation)
}

/// [`compile`] for a program with extensions.
///
/// # Errors
/// What [`check_with`] finds.
pub fn compile_with(
    config: &GatewayConfig,
    extensions: &Extensions,
    resolved: &Resolved,
    generation: u64,
) -> Result<Snapshot, Vec<Fault>> {
    let mut plan = Plan::with(config, extensions)?;
    let mut lineage = Lineage::default();
    plan.enlist(&lineage, generation);
    Ok(plan.snapshot(&mut lineage, resolved, generation))
}

/// All but the addresses and the series.
///
/// # Errors
/// What [`check`] finds.
pub(super) fn plan(config: &GatewayConfig, extensions: &Extensions) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    let names = route_names(config);
    let router = routes(config, &names, &mut faults);
    let groups = groups((config, extensions), &names, &mut faults);
    for (place, group) in &groups {
        group.check(place, &mut faults);
    }
    let request_id = config.request_id.as_ref();
    let request_id = request_id.map(|request_id| edits::request_id(request_id, &mut faults));
    let extended = (config, extensions);
    let actions = actions::Routes::new(extended, &groups, request_id.as_ref(), &mut faults);
    let (routes, folders, filters) = actions.compile(names);
    filters.check(&mut faults);
    let Some((router, guards)) = router.filter(|_| faults.is_empty()) else {
        return Err(faults);
    };
    let mut clusters = Clusters { clusters: Vec::new(), upstreams: Vec::new() };
    for (_, group) in &groups {
        clusters.add(group, config.pool.idle_connections);
    }
    Ok(Plan {
        configuration: 0,
        listeners: config.listen_addresses().map(listener).collect(),
        router: Arc::new(router),
        guards: Arc::new(guards),
        path_policy: policy::policy(&config.path_policy, &config.path_policy),
        routes: routes.into(),
        written_filters: filters.into_filters(),
        filters: Arc::default(),
        filter_slots: Arc::default(),
        custom_filters: Arc::default(),
        folders: folders.into_open(),
        clusters: clusters.clusters.into(),
        upstreams: clusters.upstreams.into(),
        trusted: Networks::new(&config.trusted_proxies),
        request_id: request_id.map(Arc::new),
        credentials: Arc::new(Credentials::of(config)),
        limits: compiled_limits(config),
        timeouts: timeouts(config.effective_timeouts()),
        pool: Pool { idle_timeout_ns: nanoseconds(Some(config.pool.idle_timeout)) },
        drain_timeout_ns: nanoseconds(Some(config.drain_timeout)),
        generation_age_max_ns: nanoseconds(config.reload.max_generation_age),
    })
}

/// The host names of all upstreams that are not addresses: the keys that a [`Resolved`] needs.
pub fn names(config: &GatewayConfig) -> BTreeSet<String> {
    let of_clusters = config.clusters.values().flat_map(|cluster| &cluster.upstreams);
    let of_routes = config.routes.iter().flat_map(|route| &route.upstreams);
    let urls = of_clusters.chain(of_routes).map(|upstream| &upstream.url);
    let names = urls.filter(|url| url.fault().is_none() && url.address().is_none());
    names.map(|url| url.host().to_owned()).collect()
}

/// The name of each route in logs and metrics: its id, or host and path, with the methods in front
/// where another route has the same host and path.
pub fn route_names(config: &GatewayConfig) -> Vec<String> {
    let place = |route: &config::Route| {
        let path = route.path_regex.as_ref().unwrap_or(&route.path);
        format!("{}{path}", route.host.as_deref().unwrap_or_default())
    };
    let mut counts: HashMap<String, u32> = HashMap::new();
    for route in config.routes.iter().filter(|route| route.id.is_empty()) {
        *counts.entry(place(route)).or_default() += 1;
    }
    let name = |route: &config::Route| {
        if !route.id.is_empty() {
            return route.id.clone();
        }
        let place = place(route);
        if counts.get(&place).is_none_or(|count| *count == 1) || route.methods.is_empty() {
            return place;
        }
        let methods: Vec<&str> = route.methods.iter().map(|method| method.as_str()).collect();
        format!("{} {place}", methods.join(","))
    };
    config.routes.iter().map(name).collect()
}

/// The router of all routes and their guards; none, and faults, when there can be none.
fn routes(
    config: &GatewayConfig,
    names: &[String],
    faults: &mut Vec<Fault>,
) -> Option<(Router, condition::Table)> {
    if config.routes.len() > limits::ROUTES_COUNT_MAX {
        let most = limits::ROUTES_COUNT_MAX;
        faults.push(Fault::new("routes", format!("more than {most} routes")));
        return None;
    }
    let before = faults.len();
    let mut builder = Builder::new();
    let (table, guards) = guards::guards(config, faults);
    for (index, ((route, guard), id)) in config.routes.iter().zip(guards).zip(0..).enumerate() {
        let parameters = parameters(route);
        let pattern = pattern(route, &parameters, guard);
        if let Err(error) = builder.add(RouteId(id), &pattern) {
            faults.push(pattern_fault(index, route, &error));
        }
    }
    let built = builder.build(&table);
    same_names(config, names, built.as_ref().err().map_or(&[], Vec::as_slice), faults);
    match built {
        Ok(router) if faults.len() == before => Some((router, table)),
        Ok(_) => None,
        Err(found) => {
            faults.extend(found.iter().map(|fault| build_fault(fault, &config.routes, names)));
            None
        }
    }
}

fn parameters(route: &config::Route) -> Vec<(&str, &str)> {
    route.path_params.iter().map(|(name, regex)| (name.as_str(), regex.as_str())).collect()
}

fn pattern<'a>(
    route: &'a config::Route,
    parameters: &'a [(&'a str, &'a str)],
    guard: Option<GuardId>,
) -> Pattern<'a> {
    Pattern {
        host: route.host.as_deref(),
        path: match &route.path_regex {
            Some(regex) => PathPattern::Regex(regex),
            None => PathPattern::Segments(&route.path),
        },
        parameters,
        methods: &route.methods,
        guard,
        priority: route.priority,
    }
}

/// The routes of a configuration one by one, in the order in which they win.
pub struct Listing {
    /// The routes.
    pub naive: Naive,
    /// Their guards.
    pub guards: condition::Table,
    /// The guard of each route.
    pub of_routes: Vec<Option<GuardId>>,
}

impl Listing {
    /// Lists the routes of a configuration that compiles; none of another.
    pub fn new(config: &GatewayConfig) -> Option<Listing> {
        let (guards, of_routes) = guards::guards(config, &mut Vec::new());
        let parameters: Vec<_> = config.routes.iter().map(parameters).collect();
        let routes = config.routes.iter().zip(&parameters).zip(&of_routes).zip(0..);
        let patterns = routes.map(|(((route, parameters), guard), id)| {
            (RouteId(id), pattern(route, parameters, *guard))
        });
        let naive = Naive::new(patterns, &guards).ok()?;
        Some(Listing { naive, guards, of_routes })
    }
}

/// The key that says the path of a route.
fn path_key(route: &config::Route) -> &'static str {
    if route.path_regex.is_some() { "path_regex" } else { "path" }
}

fn pattern_fault(index: usize, route: &config::Route, error: &PatternError) -> Fault {
    let key = match error.part() {
        Part::Host => "host",
        Part::Path => path_key(route),
        Part::Methods => "methods",
        Part::Parameters => "path_params",
    };
    Fault::new(format!("routes[{index}].{key}"), error.to_string())
}

fn build_fault(fault: &BuildFault, routes: &[config::Route], names: &[String]) -> Fault {
    let message = match fault {
        BuildFault::Tie { a, .. } => {
            let name = &names[a.0 as usize];
            format!(
                "matches the same requests as routes[{}] (`{name}`), and neither is more \
                 specific: give one of them another host, path, methods or conditions, or a \
                 priority",
                a.0
            )
        }
        BuildFault::TooDeep { .. } => {
            let most = limits::CHOICES_COUNT_MAX;
            format!(
                "too many other routes match a part of this path with `/*`, a parameter or a \
                 regular expression: at most {most}"
            )
        }
        BuildFault::RegexesTooMany { .. } => {
            let most = limits::REGEXES_PER_PLACE_MAX;
            format!(
                "more than {most} different regular expressions begin with the same literal \
                 bytes as this one: give them more of these, or use parameters"
            )
        }
        BuildFault::RegexesTooLarge { .. } => {
            "the regular expressions that begin with the same literal bytes as this one need too \
             large an automaton together"
                .to_owned()
        }
        BuildFault::TooManyAlike { .. } => {
            "too many routes of this path differ in their conditions only, without one field of \
             which each wants another value"
                .to_owned()
        }
    };
    let path = |route: RouteId| {
        let index = route.0 as usize;
        format!("routes[{index}].{}", path_key(&routes[index]))
    };
    let found = Fault::new(path(fault.route()), message);
    match fault {
        BuildFault::Tie { a, .. } => found.against(path(*a), "the route that it ties with"),
        BuildFault::TooDeep { .. }
        | BuildFault::RegexesTooMany { .. }
        | BuildFault::RegexesTooLarge { .. }
        | BuildFault::TooManyAlike { .. } => found,
    }
}

/// Names that two routes have: one could not tell them apart in logs and metrics.
fn same_names(
    config: &GatewayConfig,
    names: &[String],
    found: &[BuildFault],
    faults: &mut Vec<Fault>,
) {
    let told: HashSet<usize> = found.iter().map(|fault| fault.route().0 as usize).collect();
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let earlier = *first.entry(name).or_insert(index);
        let is_given = |index: usize| !config.routes[index].id.is_empty();
        if earlier == index {
            continue;
        }
        if is_given(earlier) || is_given(index) {
            let message = format!("routes[{earlier}] is named `{name}` too");
            let id = |index: usize| format!("routes[{index}].id");
            faults.push(Fault::new(id(index), message).against(id(earlier), "the other route"));
        } else if !told.contains(&index) {
            // Where they tie, the other fault says more.
            let message =
                format!("routes[{earlier}] is named `{name}` too: give one of them an `id`");
            let fault = Fault::new(format!("routes[{index}]"), message);
            faults.push(fault.against(format!("routes[{earlier}]"), "the other route"));
        }
    }
}

/// Upstreams that become one cluster: of `[clusters.NAME]`, or written in a route.
struct Group<'a> {
    name: String,
    upstreams: &'a [config::Upstream],
    load_balancer: &'a LoadBalancerType,
    /// None of one that this version, or the program, does not have.
    balance: Option<Balance>,
    connections_max: u32,
    /// The route they are written in.
    route: Option<usize>,
}

/// All groups with their key paths, named clusters by name, then those of routes in their order.
fn groups<'a>(
    (config, extensions): (&'a GatewayConfig, &Extensions),
    names: &[String],
    faults: &mut Vec<Fault>,
) -> Vec<(String, Group<'a>)> {
    let connections_max = config.connection_limits.max_connections_per_upstream;
    let mut groups = Vec::new();
    for (name, cluster) in &config.clusters {
        let place = format!("clusters.{name}");
        let load_balancer = &cluster.load_balancer;
        let group = Group {
            name: name.clone(),
            upstreams: &cluster.upstreams,
            load_balancer,
            balance: balance(load_balancer, &place, extensions, faults),
            connections_max: cluster.max_connections.unwrap_or(connections_max),
            route: None,
        };
        groups.push((place, group));
    }
    for (index, (route, name)) in config.routes.iter().zip(names).enumerate() {
        if route.upstreams.is_empty() {
            continue;
        }
        let place = format!("routes[{index}]");
        if config.clusters.contains_key(name) {
            let message = format!(
                "a cluster is named `{name}` too, and the route's own upstreams are a cluster of \
                 the route's name"
            );
            faults.push(Fault::new(format!("{place}.id"), message));
        }
        let group = Group {
            name: name.clone(),
            upstreams: &route.upstreams,
            load_balancer: &route.load_balancer,
            balance: balance(&route.load_balancer, &place, extensions, faults),
            connections_max,
            route: Some(index),
        };
        groups.push((place, group));
    }
    groups
}

impl Group<'_> {
    fn check(&self, place: &str, faults: &mut Vec<Fault>) {
        let most = limits::ENDPOINTS_COUNT_MAX;
        if self.upstreams.is_empty() {
            faults.push(Fault::new(format!("{place}.upstreams"), "at least one is needed"));
        } else if self.upstreams.len() > most {
            let message = format!("at most {most} upstreams are balanced together");
            faults.push(Fault::new(format!("{place}.upstreams"), message));
        }
        if !self.load_balancer.is_built() {
            let name = self.load_balancer.name();
            let message = format!("`{name}` is not built in this version");
            faults.push(Fault::new(format!("{place}.load_balancer"), message));
        }
    }
}

/// How the upstreams of a cluster or a route are chosen.
fn balance(
    kind: &LoadBalancerType,
    place: &str,
    extensions: &Extensions,
    faults: &mut Vec<Fault>,
) -> Option<Balance> {
    match kind {
        LoadBalancerType::RoundRobin => Some(Balance::RoundRobin),
        LoadBalancerType::WeightedRoundRobin => Some(Balance::SmoothWeighted),
        LoadBalancerType::Custom(custom) => {
            let path = format!("{place}.load_balancer");
            extend::balance(custom, &path, extensions, faults).map(Balance::Custom)
        }
        LoadBalancerType::LeastLoaded
        | LoadBalancerType::IpHash
        | LoadBalancerType::ConsistentHash
        | LoadBalancerType::LeastResponseTime => None,
    }
}

/// Clusters and upstreams as they get their ids.
struct Clusters {
    clusters: Vec<ClusterPlan>,
    upstreams: Vec<Upstream>,
}

impl Clusters {
    fn add(&mut self, group: &Group<'_>, idle_connections_max: u32) {
        let cluster = ClusterId(id(self.clusters.len()));
        let first = self.upstreams.len();
        let nobody = Arc::new(Series::new(1));
        for upstream in group.upstreams {
            self.upstreams.push(Upstream {
                cluster,
                name: upstream.url.host_and_port().into(),
                authority: upstream.url.authority().into_bytes().into(),
                weight: upstream.weight,
                port: upstream.url.port(),
                address: upstream.url.address().map(|address| address.ip()),
                series: Arc::clone(&nobody),
            });
        }
        self.clusters.push(ClusterPlan {
            name: group.name.as_str().into(),
            upstreams: first..self.upstreams.len(),
            balance: group.balance.clone().expect("what there is none of is a fault"),
            connections_max: group.connections_max,
            idle_connections_max,
        });
    }
}

fn compiled_limits(config: &GatewayConfig) -> Limits {
    let connections = &config.connection_limits;
    Limits {
        request_line_bytes_max: config.limits.request_line,
        fields_count_max: config.limits.fields,
        fields_bytes_max: config.limits.fields_size,
        chunk_extension_bytes_max: config.limits.chunk_extension,
        trailer_bytes_max: config.limits.trailers,
        connections_max: connections.max_connections as usize,
        requests_per_connection_max: connections.requests_per_connection,
        pipelined_requests_max: connections.pipelined_requests as usize,
    }
}

fn listener(address: &ListenAddress) -> Listener {
    match address {
        ListenAddress::Tcp(address) => Listener::Tcp(*address),
        ListenAddress::Unix(path) => Listener::Unix(path.clone()),
    }
}

fn timeouts(from: config::Timeouts) -> Timeouts {
    Timeouts {
        client_header_ns: nanoseconds(from.client_header),
        client_body_idle_ns: nanoseconds(from.client_body_idle),
        keep_alive_ns: nanoseconds(from.keep_alive),
        connect_ns: nanoseconds(from.connect),
        first_byte_ns: nanoseconds(from.first_byte),
        upstream_idle_ns: nanoseconds(from.upstream_idle),
        total_ns: nanoseconds(from.total),
    }
}

/// `Timeouts::OFF`, and all that is longer than 584 years, never fires.
fn nanoseconds(duration: Option<Duration>) -> u64 {
    let whole = duration.and_then(|duration| u64::try_from(duration.as_nanos()).ok());
    whole.unwrap_or(Timeouts::NONE)
}

fn id(index: usize) -> u32 {
    u32::try_from(index).expect("a million routes with 256 upstreams each are below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClusterConfig, ConnectionLimits, Upstream as Configured};
    use crate::http::method::Method;
    use crate::router::{Found, NoGuards, Parameters, Request, Scratch};
    use crate::snapshot::{Action, UpstreamId};
    use std::net::{IpAddr, SocketAddr};

    fn upstream(url: &str, weight: u32) -> Configured {
        Configured { url: url.parse().expect("a URL"), weight }
    }

    fn route(path: &str) -> config::Route {
        let upstreams = vec![upstream("http://10.0.0.1:8080", 1)];
        config::Route { path: path.into(), upstreams, ..config::Route::default() }
    }

    fn with_routes(routes: Vec<config::Route>) -> GatewayConfig {
        GatewayConfig { routes, ..GatewayConfig::default() }
    }

    fn paths(faults: &[Fault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.path.as_str()).collect()
    }

    #[test]
    fn routes_find_their_clusters() {
        let shared = ClusterConfig {
            upstreams: vec![upstream("http://shared:9000", 1)],
            load_balancer: LoadBalancerType::RoundRobin,
            max_connections: Some(7),
            ..ClusterConfig::default()
        };
        let own = route("/own/*");
        let to_shared = config::Route {
            id: "to-shared".into(),
            cluster: Some("shared".into()),
            upstreams: Vec::new(),
            ..route("/shared/{id}")
        };
        let mut config = with_routes(vec![own, to_shared]);
        config.clusters.insert("shared".into(), shared);
        assert_eq!(names(&config), BTreeSet::from(["shared".to_owned()]));
        let addresses = vec![IpAddr::from([10, 0, 0, 3]), IpAddr::from([10, 0, 0, 2])];
        let resolved = Resolved::from([("shared".to_owned(), addresses)]);
        let snapshot = compile(&config, &resolved, 3).expect("no fault");
        assert_eq!(snapshot.generation, 3);

        let find = |path: &str| {
            let (mut parameters, mut scratch) = (Parameters::new(), Scratch::new());
            let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
            let router = &snapshot.router;
            let found = router.find(&request, &mut parameters, &mut scratch, &mut NoGuards);
            let Found::Route(id) = found else { panic!("{path}: {found:?}") };
            let route = snapshot.route(id);
            let Action::Cluster(cluster) = route.action else { panic!("{:?}", route.action) };
            (&*route.id, snapshot.cluster(cluster))
        };
        let (name, cluster) = find("/shared/1");
        assert_eq!((name, &*cluster.name), ("to-shared", "shared"));
        assert_eq!((&cluster.balance, cluster.connections_max), (&Balance::RoundRobin, 7));
        let addresses: Vec<SocketAddr> = cluster.endpoints.iter().map(|one| one.address).collect();
        assert_eq!(addresses, [([10, 0, 0, 2], 9000).into(), ([10, 0, 0, 3], 9000).into()]);
        for endpoint in &cluster.endpoints {
            let upstream = snapshot.upstream(endpoint.upstream);
            assert_eq!(&*upstream.name, "shared:9000");
            assert_eq!(&*upstream.authority, b"shared:9000");
        }
        let (name, cluster) = find("/own");
        assert_eq!((name, &*cluster.name), ("/own/*", "/own/*"));
        assert_eq!(cluster.balance, Balance::SmoothWeighted);
        let most = ConnectionLimits::default().max_connections_per_upstream;
        assert_eq!(cluster.connections_max, most);
        assert_eq!(cluster.upstreams, 1..2);
    }

    #[test]
    fn a_name_without_an_address_leaves_no_endpoint() {
        let mut config = with_routes(vec![route("/")]);
        config.routes[0].upstreams = vec![upstream("http://nowhere", 1)];
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        assert!(snapshot.clusters[0].endpoints.is_empty());
        assert!(snapshot.clusters[0].is_unresolved);
        assert_eq!(&*snapshot.upstreams[0].name, "nowhere:80");
        assert_eq!(&*snapshot.upstreams[0].authority, b"nowhere");
        config.routes[0].upstreams.push(upstream("http://10.0.0.1", 2));
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        assert_eq!(snapshot.clusters[0].endpoints.len(), 1);
        assert_eq!(snapshot.clusters[0].endpoints[0].upstream, UpstreamId(1));
    }

    #[test]
    fn timeouts_of_the_route_win_over_the_cluster_and_the_gateway() {
        let seconds = |count| Some(Duration::from_secs(count));
        let of = |connect, first_byte, total| config::Timeouts {
            connect,
            first_byte,
            total,
            ..config::Timeouts::default()
        };
        let cluster = ClusterConfig {
            upstreams: vec![upstream("http://10.0.0.1", 1)],
            timeouts: of(seconds(2), seconds(2), None),
            ..ClusterConfig::default()
        };
        let to_cluster = config::Route {
            cluster: Some("c".into()),
            upstreams: Vec::new(),
            timeouts: of(seconds(1), None, None),
            max_body: Some(9),
            ..route("/a")
        };
        let mut config = with_routes(vec![to_cluster, route("/b")]);
        config.timeouts = of(seconds(3), seconds(3), seconds(3));
        config.limits.body = Some(5);
        config.clusters.insert("c".into(), cluster);
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        let read = |from: &Timeouts| {
            [from.connect_ns, from.first_byte_ns, from.total_ns].map(|ns| ns / 1_000_000_000)
        };
        assert_eq!(read(&snapshot.routes[0].timeouts), [1, 2, 3]);
        assert_eq!(read(&snapshot.routes[1].timeouts), [3, 3, 3]);
        assert_eq!(read(&snapshot.timeouts), [3, 3, 3]);
        assert_eq!(snapshot.routes[0].body_bytes_max, 9);
        assert_eq!(snapshot.routes[1].body_bytes_max, 5);
    }

    #[test]
    fn what_is_off_never_fires() {
        let config = with_routes(vec![route("/")]);
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        assert_eq!(snapshot.routes[0].timeouts.total_ns, Timeouts::NONE);
        assert_eq!(snapshot.routes[0].body_bytes_max, u64::MAX);
        assert_eq!(snapshot.timeouts.keep_alive_ns, 60_000_000_000);
    }

    #[test]
    fn faults_of_patterns_name_the_key() {
        let mut with_host = route("/b");
        with_host.host = Some("a.com:80".into());
        let mut with_methods = route("/c");
        let extension = |index| format!("X{index}").parse().expect("a token");
        with_methods.methods = (0..=limits::METHOD_EXTENSIONS_COUNT_MAX).map(extension).collect();
        let config = with_routes(vec![route("/{a}{b}"), with_host, with_methods]);
        let faults = check(&config);
        assert_eq!(paths(&faults), ["routes[0].path", "routes[1].host", "routes[2].methods"]);
        assert_eq!(compile(&config, &Resolved::new(), 1).expect_err("faults"), faults);
    }

    #[test]
    fn a_tie_names_both_routes() {
        let named = |id: &str, path: &str| config::Route { id: id.into(), ..route(path) };
        let config = with_routes(vec![named("one", "/u/{id}"), route("/"), named("two", "/u/{x}")]);
        let faults = check(&config);
        assert_eq!(paths(&faults), ["routes[2].path"]);
        assert!(faults[0].message.contains("routes[0] (`one`)"), "{}", faults[0]);
    }

    #[test]
    fn a_tie_of_routes_without_names_is_said_once() {
        let faults = check(&with_routes(vec![route("/a"), route("/a")]));
        assert_eq!(paths(&faults), ["routes[1].path"]);
    }

    #[test]
    fn refuses_routes_that_go_nowhere_or_to_two_places() {
        let nowhere = config::Route { upstreams: Vec::new(), ..route("/a") };
        let unknown = config::Route { cluster: Some("x".into()), ..nowhere.clone() };
        let unknown = config::Route { path: "/b".into(), ..unknown };
        let both = config::Route { cluster: Some("x".into()), ..route("/c") };
        let faults = check(&with_routes(vec![nowhere, unknown, both]));
        assert_eq!(paths(&faults), ["routes[0]", "routes[1].cluster", "routes[2].cluster"]);
    }

    #[test]
    fn refuses_clusters_without_or_with_too_many_upstreams() {
        let mut config = with_routes(vec![route("/")]);
        config.clusters.insert("none".into(), ClusterConfig::default());
        let one = upstream("http://10.0.0.1", 1);
        config.routes[0].upstreams = vec![one.clone(); limits::ENDPOINTS_COUNT_MAX];
        assert_eq!(paths(&check(&config)), ["clusters.none.upstreams"]);
        config.routes[0].upstreams.push(one);
        config.routes[0].load_balancer = LoadBalancerType::IpHash;
        let want = ["clusters.none.upstreams", "routes[0].upstreams", "routes[0].load_balancer"];
        assert_eq!(paths(&check(&config)), want);
    }

    #[test]
    fn names_tell_routes_and_clusters_apart() {
        let methods = |methods: &[Method], id: &str| config::Route {
            methods: methods.to_vec(),
            id: id.into(),
            host: Some("a.com".into()),
            ..route("/x")
        };
        let mut config = with_routes(vec![
            methods(&[Method::GET, Method::PUT], ""),
            methods(&[Method::POST], ""),
            methods(&[], ""),
            methods(&[Method::DELETE], "a.com/x"),
            route("/y"),
        ]);
        let want = ["GET,PUT a.com/x", "POST a.com/x", "a.com/x", "a.com/x", "/y"];
        assert_eq!(route_names(&config), want);
        assert_eq!(paths(&check(&config)), ["routes[3].id"]);
        config.routes.remove(3);
        assert!(check(&config).is_empty());
        let cluster = ClusterConfig {
            upstreams: vec![upstream("http://10.0.0.1", 1)],
            ..ClusterConfig::default()
        };
        config.clusters.insert("/y".into(), cluster);
        assert_eq!(paths(&check(&config)), ["routes[3].id"]);
    }

    #[test]
    fn listeners_stand_in_their_order() {
        let mut config = with_routes(vec![route("/")]);
        config.listen_addr = "127.0.0.1:8080".parse().expect("an address");
        let unix: ListenAddress = "unix:/run/frys.sock".parse().expect("a path");
        config.listeners.push(unix.into());
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        let want =
            [Listener::Tcp(([127, 0, 0, 1], 8080).into()), Listener::Unix("/run/frys.sock".into())];
        assert_eq!(*snapshot.listeners, want);
    }

    #[test]
    fn a_snapshot_can_be_shared() {
        fn shared<T: Send + Sync>() {}
        shared::<Snapshot>();
    }
}
