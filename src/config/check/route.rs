//! What routes match, and that each has one action.

use super::super::{
    Ambiguous, GatewayConfig, LoadBalancerType, Method, PathPolicy, Route, keys, path,
};
use super::{Faults, Owner, action, cluster, condition, is_token, middleware};
use crate::error::Fault;
use crate::limits;
use std::borrow::Cow;
use std::collections::HashMap;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    path_policy(&config.path_policy, |key| path::join("path_policy", key), faults);
    if config.routes.is_empty() {
        faults.push("routes", "no route: every request would be answered with 404");
    }
    if config.routes.len() > limits::ROUTES_COUNT_MAX {
        faults.push("routes", format!("more than {} routes", limits::ROUTES_COUNT_MAX));
    }
    let mut ids: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(config.routes.len());
    for (index, found) in config.routes.iter().enumerate() {
        let owner = Owner::Route(index);
        route(owner, config, found, faults);
        let id = match found.id.as_str() {
            "" => Cow::Owned(found.name()),
            id => Cow::Borrowed(id),
        };
        if let Some(other) = ids.get(&id) {
            let name = id.escape_debug();
            let message = if found.id.is_empty() {
                format!(
                    "without an `id` it is named `{name}`, and so is `routes[{other}]`: give one \
                     of them an `id`"
                )
            } else {
                format!("`{name}` is the id of `routes[{other}]` already")
            };
            let fault = Fault::new(owner.key("id"), message);
            faults.add(fault.against(Owner::Route(*other).key("id"), "the other route"));
            continue;
        }
        ids.insert(id, index);
    }
}

fn route(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    id(owner, &found.id, faults);
    pattern(owner, found, faults);
    methods(owner, &found.methods, faults);
    condition::conditions(owner, &found.conditions, faults);
    produces(owner, &found.produces, faults);
    version(owner, config, found, faults);
    path_policy(&found.path_policy, |key| path::join(&owner.key("path_policy"), key), faults);
    target(owner, config, found, faults);
    action::around(owner, found, faults);
    cluster::overriding_timeouts(owner, &found.timeouts, faults);
    middleware::of_route(owner, config, found, faults);
    if found.mirror.is_some() {
        faults.not_built(&owner.path(), "mirror", true);
    }
}

fn id(owner: Owner<'_>, id: &str, faults: &mut Faults) {
    if id.chars().count() > limits::NAME_CHARACTERS_MAX {
        faults.push(&owner.key("id"), "an id has at most 128 characters");
    }
    if id.contains(char::is_control) {
        faults.push(&owner.key("id"), "an id has no control characters: it stands in logs");
    }
    if RESERVED_IDS.contains(&id) {
        let message = format!("`{id}` is a name that the metrics use themselves");
        faults.push(&owner.key("id"), message);
    }
}

/// Path or regex, and the parameters that have a regex of their own.
fn pattern(owner: Owner<'_>, found: &Route, faults: &mut Faults) {
    match &found.path_regex {
        Some(_) if !found.path.is_empty() => {
            faults.push(&owner.key("path_regex"), "a route has `path` or `path_regex`, not both");
        }
        Some(regex) if regex.is_empty() => {
            faults.push(&owner.key("path_regex"), "an empty regex: no path matches it");
        }
        Some(_) => {}
        None if found.path.is_empty() => {
            let message = "no path: `/*` is all of them; or write `path_regex`";
            faults.push(&owner.key("path"), message);
        }
        None => {}
    }
    if found.path_params.is_empty() {
        return;
    }
    let base = owner.key("path_params");
    if found.path_regex.is_some() {
        faults.push(&base, "`path_regex` says itself what its groups match");
        return;
    }
    for (index, (name, regex)) in found.path_params.iter().enumerate() {
        let path = path::join(&base, name);
        if !parameters(&found.path).any(|known| known == name) {
            let nearest = keys::nearest(name, parameters(&found.path)).map(str::to_owned);
            let message = format!("`path` has no parameter `{{{}}}`", name.escape_debug());
            faults.add(Fault { nearest, ..Fault::new(path.as_str(), message) });
        }
        if regex.is_empty() {
            faults.push(&path, "an empty regex: no parameter matches it");
        }
        if found.path_params.iter().take(index).any(|(other, _)| other == name) {
            faults.push(&path, "the parameter has a regex already");
        }
    }
}

/// The names in braces; a path that is none is refused as it is compiled.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn methods(owner: Owner<'_>, methods: &[Method], faults: &mut Faults) {
    for (index, method) in methods.iter().enumerate() {
        let path = || path::element(&owner.key("methods"), index);
        if *method == Method::CONNECT {
            faults.push(&path(), "CONNECT is refused in this version: no route gets it");
        }
        if methods.iter().take(index).any(|other| other == method) {
            faults.push(&path(), format!("`{}` is in the list already", method.as_str()));
        }
    }
}

fn produces(owner: Owner<'_>, produces: &[String], faults: &mut Faults) {
    if produces.len() > limits::PRODUCES_COUNT_MAX {
        let message = format!("more than {} media types", limits::PRODUCES_COUNT_MAX);
        faults.push(&owner.key("produces"), message);
    }
    for (index, media_type) in produces.iter().enumerate().take(limits::PRODUCES_COUNT_MAX) {
        let path = || path::element(&owner.key("produces"), index);
        // RFC 9110 section 8.3.1. A range such as `text/*` is what a client asks for.
        let parts = media_type.split_once('/');
        let is_part = |part: &str| is_token(part) && !part.contains('*');
        if !parts.is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype)) {
            let message = format!(
                "`{}` is no media type: write one such as `application/json`, without parameters",
                media_type.escape_debug()
            );
            faults.push(&path(), message);
        }
        if produces.iter().take(index).any(|other| other.eq_ignore_ascii_case(media_type)) {
            faults.push(&path(), format!("`{media_type}` is in the list already"));
        }
    }
}

fn version(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let Some(version) = &found.version else { return };
    let base = owner.key("version");
    let Some(group) = config.versions.get(&version.group) else {
        let known = config.versions.keys().map(String::as_str);
        let nearest = keys::nearest(&version.group, known).map(str::to_owned);
        let message = format!("no group `{}` in `versions`", version.group.escape_debug());
        faults.add(Fault { nearest, ..Fault::new(path::join(&base, "group"), message) });
        return;
    };
    if !group.known.contains_key(&version.is) {
        let known: Vec<String> = group.known.keys().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "`versions.{}.known` has no version `{}`, only {}",
            version.group,
            version.is.escape_debug(),
            known.join(", ")
        );
        faults.push(&path::join(&base, "is"), message);
    }
}

fn path_policy(policy: &PathPolicy, path: impl Fn(&str) -> String, faults: &mut Faults) {
    use Ambiguous::{Decode, Keep, Reject, Resolve};
    let PathPolicy {
        encoded_slash,
        backslash,
        nul,
        double_encoding,
        dot_parameter,
        dot_segments,
        repeated_slashes,
    } = policy;
    let checks: [(&str, &Option<Ambiguous>, &[Ambiguous]); 7] = [
        ("encoded_slash", encoded_slash, &[Reject, Keep, Decode]),
        ("backslash", backslash, &[Reject, Keep, Decode]),
        ("nul", nul, &[Reject, Keep]),
        ("double_encoding", double_encoding, &[Reject, Keep]),
        ("dot_parameter", dot_parameter, &[Reject, Keep]),
        ("dot_segments", dot_segments, &[Resolve, Reject]),
        ("repeated_slashes", repeated_slashes, &[Resolve, Keep, Reject]),
    ];
    // A file cannot write these.
    for (key, found, allowed) in checks {
        if let Some(found) = found
            && !allowed.contains(found)
        {
            faults.push(&path(key), format!("`{found:?}` is not possible here: {allowed:?}"));
        }
    }
}

/// Each route has one action, and what belongs to it is right.
fn target(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let actions = [
        ("upstreams", !found.upstreams.is_empty()),
        ("cluster", found.cluster.is_some()),
        ("clusters", !found.clusters.is_empty()),
        ("redirect", found.redirect.is_some()),
        ("respond", found.respond.is_some()),
        ("files", found.files.is_some()),
    ];
    let mut given = actions.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
    match (given.next(), given.next()) {
        (None, _) => {
            let message = "nowhere to go: name a `cluster`, or write \
                           `upstreams = [{ url = \"http://host:port\" }]`, or one of `clusters`, \
                           `redirect`, `respond` and `files`";
            faults.push(&owner.key("upstreams"), message);
            return;
        }
        (Some(_), None) => {}
        (Some(first), Some(second)) => {
            let mut names = vec![format!("`{first}`"), format!("`{second}`")];
            names.extend(given.map(|name| format!("`{name}`")));
            let message = format!("a route has one of {}, not all", names.join(", "));
            faults.push(&owner.key(second), message);
        }
    }
    if !found.upstreams.is_empty() {
        cluster::upstreams(owner, &found.upstreams, &found.load_balancer, faults);
    } else if found.load_balancer != LoadBalancerType::default() {
        let message = "chooses among `upstreams` alone; a cluster has its own";
        faults.push(&owner.key("load_balancer"), message);
    }
    if let Some(name) = &found.cluster
        && !config.clusters.contains_key(name)
    {
        unknown_cluster(&owner.key("cluster"), name, config, faults);
    }
    action::clusters(owner, config, &found.clusters, faults);
    action::answers(owner, found, faults);
}

pub(super) fn unknown_cluster(path: &str, name: &str, config: &GatewayConfig, faults: &mut Faults) {
    let nearest = keys::nearest(name, config.clusters.keys().map(String::as_str));
    let nearest = nearest.map(str::to_owned);
    let message = format!("no cluster `{}`", name.escape_debug());
    faults.add(Fault { nearest, ..Fault::new(path, message) });
}

/// What metrics count under for routes beyond their cap, and for requests that none matched.
const RESERVED_IDS: [&str; 2] = ["_other", "_none"];
