//! Clusters and routes.

use super::super::{
    ClusterConfig, GatewayConfig, LoadBalancerType, Method, Route, Timeouts, Upstream, keys, path,
};
use super::{Faults, gateway};
use crate::error::Fault;
use crate::limits;
use std::collections::HashMap;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    for (name, found) in &config.clusters {
        cluster(name, found, faults);
    }
    if config.routes.is_empty() {
        faults.push("routes", "no route: every request would be answered with 404");
    }
    if config.routes.len() > limits::ROUTES_COUNT_MAX {
        faults.push("routes", format!("more than {} routes", limits::ROUTES_COUNT_MAX));
    }
    let mut ids: HashMap<String, usize> = HashMap::new();
    for (index, found) in config.routes.iter().enumerate() {
        let base = path::element("routes", index);
        route(&base, config, found, faults);
        let id = found.name();
        if let Some(other) = ids.get(&id) {
            let message = format!("`{}` is the id of `routes[{other}]` already", id.escape_debug());
            let other = path::join(&path::element("routes", *other), "id");
            let fault = Fault::new(path::join(&base, "id"), message);
            faults.add(fault.against(other, "the other route"));
            continue;
        }
        ids.insert(id, index);
    }
}

fn cluster(name: &str, found: &ClusterConfig, faults: &mut Faults) {
    let base = path::join("clusters", name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_short = name.len() <= limits::NAME_CHARACTERS_MAX;
    if name.is_empty() || !is_short || !name.bytes().all(plain) {
        let message = "a cluster's name is 1 to 128 letters, digits, `-` and `_`";
        faults.push(&base, message);
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
    upstreams(&base, servers, *load_balancer, faults);
    gateway::timeouts(&path::join(&base, "timeouts"), timeouts, faults);
    early_timeouts(&path::join(&base, "timeouts"), timeouts, faults);
    if let Some(count) = max_connections {
        let range = 1..=limits::CONNECTIONS_COUNT_MAX;
        faults.range(&path::join(&base, "max_connections"), *count, range);
    }
    faults.not_built(&base, "health_check", health_check.is_some());
    faults.not_built(&base, "circuit_breaker", circuit_breaker.is_some());
    faults.not_built(&base, "retry", retry.is_some());
}

fn upstreams(base: &str, found: &[Upstream], kind: LoadBalancerType, faults: &mut Faults) {
    let list = path::join(base, "upstreams");
    if found.is_empty() {
        faults.push(&list, "no upstream: write `[{ url = \"http://host:port\" }]`");
    } else if found.iter().all(|upstream| upstream.weight == 0) {
        faults.push(&list, "every weight is 0: nobody would get a request");
    }
    if found.len() > limits::ENDPOINTS_COUNT_MAX {
        faults.push(&list, format!("more than {} upstreams", limits::ENDPOINTS_COUNT_MAX));
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, upstream) in found.iter().enumerate() {
        let base = path::element(&list, index);
        let url = path::join(&base, "url");
        faults.range(&path::join(&base, "weight"), upstream.weight, 0..=limits::WEIGHT_MAX);
        if let Some(message) = upstream.url.fault() {
            faults.push(&url, message);
            continue;
        }
        if let Some(other) = seen.insert(upstream.url.host_and_port(), index) {
            let message = format!("`upstreams[{other}]` is the same; give it a larger weight");
            let other = path::join(&path::element(&list, other), "url");
            faults.add(Fault::new(url, message).against(other, "here it is first"));
        }
    }
    balancer(base, found, kind, faults);
}

fn balancer(base: &str, upstreams: &[Upstream], kind: LoadBalancerType, faults: &mut Faults) {
    let path = path::join(base, "load_balancer");
    if !kind.is_built() {
        faults.push(&path, format!("`{}` is not built in this version", kind.name()));
    }
    let mut weights = upstreams.iter().map(|upstream| upstream.weight).filter(|w| *w > 0);
    let first = weights.next();
    if kind == LoadBalancerType::RoundRobin && weights.any(|weight| Some(weight) != first) {
        let message = "`round_robin` does not look at weights, and these differ; \
                       `weighted_round_robin` does";
        faults.push(&path, message);
    }
}

fn route(base: &str, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    if found.id.chars().count() > limits::NAME_CHARACTERS_MAX {
        faults.push(&key("id"), "an id has at most 128 characters");
    }
    if found.id.contains(char::is_control) {
        faults.push(&key("id"), "an id has no control characters: it stands in logs");
    }
    if RESERVED_IDS.contains(&found.id.as_str()) {
        let message = format!("`{}` is a name that the metrics use themselves", found.id);
        faults.push(&key("id"), message);
    }
    if found.path.is_empty() {
        faults.push(&key("path"), "no path: `/*` is all of them");
    }
    methods(&key("methods"), &found.methods, faults);
    target(base, config, found, faults);
    gateway::timeouts(&key("timeouts"), &found.timeouts, faults);
    early_timeouts(&key("timeouts"), &found.timeouts, faults);
    for (index, middleware) in found.middlewares.iter().enumerate() {
        let message = format!("{} is not built in this version", middleware.name());
        faults.push(&path::element(&key("middlewares"), index), message);
    }
    faults.not_built(base, "path_params", !found.path_params.is_empty());
    faults.not_built(base, "conditions", !found.conditions.is_empty());
    faults.not_built(base, "mirror", found.mirror.is_some());
}

/// Timeouts that a file cannot write for a cluster or a route, and Rust can.
fn early_timeouts(base: &str, timeouts: &Timeouts, faults: &mut Faults) {
    let early = [("client_header", timeouts.client_header), ("keep_alive", timeouts.keep_alive)];
    for (name, _) in early.into_iter().filter(|(_, timeout)| timeout.is_some()) {
        let message = "ends before a route is known: it is the gateway's alone";
        faults.push(&path::join(base, name), message);
    }
}

/// Where a route's requests go.
fn target(base: &str, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let Some(name) = &found.cluster else {
        if found.upstreams.is_empty() {
            let message = "nowhere to go: name a `cluster`, or write \
                           `upstreams = [{ url = \"http://host:port\" }]`";
            faults.push(&path::join(base, "upstreams"), message);
            return;
        }
        return upstreams(base, &found.upstreams, found.load_balancer, faults);
    };
    let path = path::join(base, "cluster");
    if !config.clusters.contains_key(name) {
        let nearest = keys::nearest(name, config.clusters.keys().map(String::as_str));
        let nearest = nearest.map(str::to_owned);
        let message = format!("no cluster `{}`", name.escape_debug());
        faults.add(Fault { nearest, ..Fault::new(path.as_str(), message) });
    }
    if !found.upstreams.is_empty() {
        faults.push(&path, "a route has `cluster` or `upstreams`, not both");
    }
    if found.load_balancer != LoadBalancerType::default() {
        let message = "the cluster's own load balancer chooses";
        faults.push(&path::join(base, "load_balancer"), message);
    }
}

fn methods(path: &str, methods: &[Method], faults: &mut Faults) {
    for (index, method) in methods.iter().enumerate() {
        let path = path::element(path, index);
        if *method == Method::CONNECT {
            faults.push(&path, "CONNECT is refused in this version: no route gets it");
        }
        if methods.iter().take(index).any(|other| other == method) {
            faults.push(&path, format!("`{}` is in the list already", method.as_str()));
        }
    }
}

/// What metrics count under for routes beyond their cap, and for requests that none matched.
const RESERVED_IDS: [&str; 2] = ["_other", "_none"];
