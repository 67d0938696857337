//! Clusters, and the upstreams of clusters and routes.

use super::super::{
    ClusterConfig, CustomBalancer, GatewayConfig, LoadBalancerType, Timeouts, Upstream, path,
};
use super::{Faults, Owner, extension, gateway};
use crate::error::Fault;
use crate::limits;
use std::collections::HashMap;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    for (name, found) in &config.clusters {
        cluster(name, found, faults);
    }
}

/// Whether a text may name a group of anything.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !name.is_empty() && name.len() <= limits::NAME_CHARACTERS_MAX && name.bytes().all(plain)
}

fn cluster(name: &str, found: &ClusterConfig, faults: &mut Faults) {
    let owner = Owner::Cluster(name);
    if !is_name(name) {
        let message = "a cluster's name is 1 to 128 letters, digits, `-` and `_`";
        faults.push(&owner.path(), message);
    }
    let ClusterConfig {
        upstreams: servers,
        load_balancer,
        timeouts,
        max_connections,
        health_check,
        circuit_breaker,
        retry,
    } = found;
    upstreams(owner, servers, load_balancer, faults);
    overriding_timeouts(owner, timeouts, faults);
    if let Some(count) = max_connections {
        let range = 1..=limits::CONNECTIONS_COUNT_MAX;
        faults.range(&owner.key("max_connections"), *count, range);
    }
    let base = owner.path();
    faults.not_built(&base, "health_check", health_check.is_some());
    faults.not_built(&base, "circuit_breaker", circuit_breaker.is_some());
    faults.not_built(&base, "retry", retry.is_some());
}

pub(super) fn upstreams(
    owner: Owner<'_>,
    found: &[Upstream],
    kind: &LoadBalancerType,
    faults: &mut Faults,
) {
    let list = || owner.key("upstreams");
    let of = |index: usize, key: &str| path::join(&path::element(&list(), index), key);
    if found.is_empty() {
        faults.push(&list(), "no upstream: write `[{ url = \"http://host:port\" }]`");
    } else if found.iter().all(|upstream| upstream.weight == 0) {
        faults.push(&list(), "every weight is 0: nobody would get a request");
    }
    if found.len() > limits::ENDPOINTS_COUNT_MAX {
        faults.push(&list(), format!("more than {} upstreams", limits::ENDPOINTS_COUNT_MAX));
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, upstream) in found.iter().enumerate() {
        if upstream.weight > limits::WEIGHT_MAX {
            faults.range(&of(index, "weight"), upstream.weight, 0..=limits::WEIGHT_MAX);
        }
        if let Some(message) = upstream.url.fault() {
            faults.push(&of(index, "url"), message);
            continue;
        }
        // Nearly all have one, which is the same as none other.
        if found.len() == 1 {
            continue;
        }
        if let Some(other) = seen.insert(upstream.url.host_and_port(), index) {
            let message = format!("`upstreams[{other}]` is the same; give it a larger weight");
            let fault = Fault::new(of(index, "url"), message);
            faults.add(fault.against(of(other, "url"), "here it is first"));
        }
    }
    balancer(owner, found, kind, faults);
}

fn balancer(
    owner: Owner<'_>,
    upstreams: &[Upstream],
    kind: &LoadBalancerType,
    faults: &mut Faults,
) {
    if let LoadBalancerType::Custom(CustomBalancer { name, settings }) = kind {
        let base = owner.key("load_balancer");
        extension::name(&path::join(&base, "custom"), name, faults);
        extension::settings(&path::join(&base, "settings"), settings, faults);
    }
    if !kind.is_built() {
        let message = format!("`{}` is not built in this version", kind.name());
        faults.push(&owner.key("load_balancer"), message);
    }
    let mut weights = upstreams.iter().map(|upstream| upstream.weight).filter(|w| *w > 0);
    let first = weights.next();
    if *kind == LoadBalancerType::RoundRobin && weights.any(|weight| Some(weight) != first) {
        let message = "`round_robin` does not look at weights, and these differ; \
                       `weighted_round_robin` does";
        faults.push(&owner.key("load_balancer"), message);
    }
}

/// Timeouts of a cluster or a route; two that a file cannot write there, and Rust can.
pub(super) fn overriding_timeouts(owner: Owner<'_>, timeouts: &Timeouts, faults: &mut Faults) {
    if *timeouts == Timeouts::default() {
        return;
    }
    let base = owner.key("timeouts");
    gateway::timeouts(&base, timeouts, faults);
    let early = [("client_header", timeouts.client_header), ("keep_alive", timeouts.keep_alive)];
    for (name, _) in early.into_iter().filter(|(_, timeout)| timeout.is_some()) {
        let message = "ends before a route is known: it is the gateway's alone";
        faults.push(&path::join(&base, name), message);
    }
}
