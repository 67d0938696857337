//! Clusters and upstreams, and what routes have of them.

use super::super::keys;
use super::super::node::{Node, Value};
use super::super::sections;
use super::super::{
    ClusterConfig, CustomBalancer, LoadBalancerType, Timeouts, Upstream, UpstreamUrl,
};
use super::{Decoder, Fields, values};
use std::collections::BTreeMap;

pub(super) fn clusters(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, ClusterConfig>> {
    // One that is wrong is there all the same, so that its routes do not miss it.
    values::named("a table of clusters by name", |d, node| {
        Some(cluster(d, node).unwrap_or_default())
    })(d, node)
}

fn cluster(d: &mut Decoder, node: &Node) -> Option<ClusterConfig> {
    let fields = Fields::of(d, node, &sections::CLUSTER)?;
    let mut cluster = ClusterConfig::default();
    if let Some(upstreams) = fields.require(d, "upstreams", upstreams) {
        cluster.upstreams = upstreams;
    }
    fields.set(d, "load_balancer", &mut cluster.load_balancer, load_balancer);
    fields.set(d, "timeouts", &mut cluster.timeouts, |d, node| {
        let fields = Fields::of(d, node, &sections::CLUSTER_TIMEOUTS)?;
        Some(overrides(d, &fields))
    });
    let connections = values::number(1..=crate::limits::CONNECTIONS_COUNT_MAX);
    fields.set_some(d, "max_connections", &mut cluster.max_connections, connections);
    Some(cluster)
}

pub(super) fn upstreams(d: &mut Decoder, node: &Node) -> Option<Vec<Upstream>> {
    values::list(upstream)(d, node)
}

/// One that is wrong keeps its place in the list, as a route does.
fn upstream(d: &mut Decoder, node: &Node) -> Option<Upstream> {
    let nowhere = || Upstream { url: UpstreamUrl::lenient(""), weight: 1 };

    if let Value::Text(text) = &node.value {
        let text = text.escape_debug();
        d.fault(node.place, format!("an upstream is a table: write `{{ url = \"{text}\" }}`"));
        return Some(nowhere());
    }
    let Some(fields) = Fields::of(d, node, &sections::UPSTREAM) else { return Some(nowhere()) };
    let mut upstream = nowhere();
    if let Some(url) = fields.require(d, "url", values::parsed) {
        upstream.url = url;
    }
    fields.set(d, "weight", &mut upstream.weight, values::number(0..=crate::limits::WEIGHT_MAX));
    Some(upstream)
}

pub(super) fn overrides(d: &mut Decoder, fields: &Fields<'_>) -> Timeouts {
    let mut timeouts = Timeouts::default();
    overriding_timeouts(d, fields, &mut timeouts);
    let is_said = timeouts.upstream_idle.is_some();
    // Here the client's own idle times are out of reach, so the short name can mean nothing else.
    fields.set_some(d, "idle", &mut timeouts.upstream_idle, |d, node| {
        let idle = values::timeout(d, node);
        if is_said {
            d.fault(node.place, "`upstream_idle` says it already");
        }
        idle
    });
    timeouts
}

/// The timeouts that a cluster and a route may have too.
pub(super) fn overriding_timeouts(d: &mut Decoder, fields: &Fields<'_>, timeouts: &mut Timeouts) {
    fields.set_some(d, "client_body_idle", &mut timeouts.client_body_idle, values::timeout);
    fields.set_some(d, "connect", &mut timeouts.connect, values::timeout);
    fields.set_some(d, "first_byte", &mut timeouts.first_byte, values::timeout);
    fields.set_some(d, "upstream_idle", &mut timeouts.upstream_idle, values::timeout);
    fields.set_some(d, "total", &mut timeouts.total, values::timeout);
}

pub(super) fn load_balancer(d: &mut Decoder, node: &Node) -> Option<LoadBalancerType> {
    if node.entries().is_some() {
        return custom(d, node).map(LoadBalancerType::Custom);
    }
    let text = values::text(d, node)?;
    if text == "custom" {
        d.fault(node.place, "a balancer of the program has a name: write `{ custom = \"NAME\" }`");
        return None;
    }
    let found = LoadBalancerType::ALL.into_iter().find(|kind| kind.name() == text);
    if found.is_none() {
        let known = LoadBalancerType::ALL.iter().map(LoadBalancerType::name);
        let nearest = keys::nearest(&text, known);
        let message = format!("{} is no load balancer", node.found());
        d.fault_near(node.place, message, nearest);
    }
    found
}

fn custom(d: &mut Decoder, node: &Node) -> Option<CustomBalancer> {
    let fields = Fields::of(d, node, &sections::CUSTOM_BALANCER)?;
    let mut custom = CustomBalancer::default();
    let name = fields.require(d, "custom", values::text);
    fields.set(d, "settings", &mut custom.settings, values::free);
    custom.name = name?;
    Some(custom)
}
