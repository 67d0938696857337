//! Routes: what they match, and which action they have.

use super::super::check::is_token;
use super::super::node::Node;
use super::super::sections;
use super::super::{Method, Route};
use super::{Decoder, Fields, action, cluster, condition, middleware, policy, values, version};

pub(super) fn route(d: &mut Decoder, node: &Node) -> Option<Route> {
    // A route that is no table keeps its place in the list, so that later ones keep their index.
    let mut route = Route::default();
    let Some(fields) = Fields::of(d, node, &sections::ROUTE) else { return Some(route) };
    matched(d, &fields, &mut route);
    done(d, &fields, &mut route);
    middleware::of_route(d, &fields, &mut route);
    Some(route)
}

/// What a request must look like.
fn matched(d: &mut Decoder, fields: &Fields<'_>, route: &mut Route) {
    fields.set(d, "id", &mut route.id, values::text);
    fields.set_some(d, "host", &mut route.host, values::text);
    fields.set(d, "path", &mut route.path, values::text);
    fields.set_some(d, "path_regex", &mut route.path_regex, values::text);
    let regexes = values::named("a table of parameters and their regexes", values::text);
    if let Some(regexes) = fields.read(d, "path_params", regexes) {
        route.path_params = regexes.into_iter().collect();
    }
    fields.set(d, "methods", &mut route.methods, values::list(method));
    fields.set(d, "when", &mut route.conditions, condition::when);
    fields.set(d, "produces", &mut route.produces, values::list(values::text));
    fields.set_some(d, "version", &mut route.version, version::of_route);
    fields.set(d, "priority", &mut route.priority, values::number(i32::MIN..=i32::MAX));
    fields.set(d, "path_policy", &mut route.path_policy, policy::of_route);
}

/// What becomes of it.
fn done(d: &mut Decoder, fields: &Fields<'_>, route: &mut Route) {
    fields.set(d, "upstreams", &mut route.upstreams, cluster::upstreams);
    fields.set_some(d, "cluster", &mut route.cluster, values::text);
    fields.set(d, "clusters", &mut route.clusters, values::list(action::weighted));
    fields.set_some(d, "redirect", &mut route.redirect, action::redirect);
    fields.set_some(d, "respond", &mut route.respond, action::respond);
    fields.set_some(d, "files", &mut route.files, action::files);
    fields.set(d, "load_balancer", &mut route.load_balancer, cluster::load_balancer);
    fields.set(d, "timeouts", &mut route.timeouts, |d, node| {
        let fields = Fields::of(d, node, &sections::ROUTE_TIMEOUTS)?;
        Some(cluster::overrides(d, &fields))
    });
    fields.set_some(d, "max_body", &mut route.max_body, values::size_or_unlimited);
    fields.set_some(d, "rewrite", &mut route.rewrite, action::rewrite);
    fields.set_some(d, "host_rewrite", &mut route.host_rewrite, values::text);
    fields.set(d, "request_headers", &mut route.request_headers, |d, node| {
        action::header_edits(d, node, &sections::REQUEST_HEADERS)
    });
    fields.set(d, "response_headers", &mut route.response_headers, |d, node| {
        action::header_edits(d, node, &sections::RESPONSE_HEADERS)
    });
}

pub(super) fn method(d: &mut Decoder, node: &Node) -> Option<Method> {
    let text = values::text(d, node)?;
    let method = text.parse::<Method>().ok().filter(|_| is_token(&text));
    if method.is_none() {
        d.fault(node.place, format!("{} is no method", node.found()));
    } else if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        // RFC 9110 section 9.1: methods are case-sensitive, so `get` would never match.
        let upper = text.to_ascii_uppercase();
        d.fault(node.place, format!("methods are written in capitals: `\"{upper}\"`"));
        return None;
    }
    method
}
