//! Filters by themselves, and that routes name those there are.

mod ip_filter;
mod maintenance;
mod request_limits;
mod cors;
mod rate_limit;
mod auth;
mod api_key;
mod basic_auth;
mod forward_auth;
mod rbac;
mod concurrency_limit;
mod headers;
mod security_headers;
mod transform;
mod custom;

use super::super::{GatewayConfig, Middleware, MiddlewareKind, Route, keys, path};
use super::{Faults, Owner};
use crate::error::Fault;
use crate::limits;

/// Those that routes share.
pub(super) fn named(config: &GatewayConfig, faults: &mut Faults) {
    for (name, middleware) in &config.middlewares {
        let path = format!("middlewares.{name}");
        let kind = name.split_once('.').map_or("", |(kind, _)| kind);
        match middleware.kind() {
            Some(found) if found.name() == kind => one(&path, middleware, faults),
            Some(_) | None => {
                let message = "the name begins with the filter's kind and a point: \
                               `rate_limit.tight`";
                faults.push(&path, message);
            }
        }
    }
}

/// Those of a route.
pub(super) fn of_route(
    owner: Owner<'_>,
    config: &GatewayConfig,
    found: &Route,
    faults: &mut Faults,
) {
    if found.middlewares.len() > limits::FILTERS_COUNT_MAX {
        let message = format!("more than {} filters", limits::FILTERS_COUNT_MAX);
        faults.push(&owner.key("middlewares"), message);
    }
    known_clients(owner, config, found, faults);
    for (index, middleware) in found.middlewares.iter().enumerate() {
        match middleware {
            Middleware::Named(name) => {
                if !config.middlewares.contains_key(name) {
                    let known = config.middlewares.keys().map(String::as_str);
                    let nearest = keys::nearest(name, known).map(str::to_owned);
                    let message = format!("no filter `{}` in `middlewares`", name.escape_debug());
                    let place = path::element(&owner.key("middlewares"), index);
                    faults.add(Fault { nearest, ..Fault::new(place, message) });
                }
            }
            own => {
                let key = own.kind().map_or("middlewares", MiddlewareKind::name);
                one(&owner.key(key), own, faults);
            }
        }
    }
}

/// Rules of access that ask who the client is need a filter in front that finds out: without one
/// they would refuse everybody.
fn known_clients(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let mut is_known = false;
    for (index, middleware) in found.middlewares.iter().enumerate() {
        let (path, middleware) = match middleware {
            Middleware::Named(name) => match config.middlewares.get(name) {
                Some(named) => (path::element(&owner.key("middlewares"), index), named),
                None => continue,
            },
            own => (owner.key("rbac"), own),
        };
        match middleware {
            Middleware::Auth(_)
            | Middleware::ApiKey(_)
            | Middleware::BasicAuth(_)
            | Middleware::ForwardAuth(_)
            | Middleware::Custom(_) => is_known = true,
            Middleware::Rbac(rbac) if !is_known => {
                if let Some(rule) = rbac.rules.iter().find(|rule| rule.asks_who()) {
                    let message = format!(
                        "the rule `{}` asks who the client is, and no filter in front finds out: \
                         `auth`, `api_key`, `basic_auth`, `forward_auth` \
                         and `custom` do",
                        rule.name.escape_debug()
                    );
                    faults.push(&path, message);
                }
            }
            Middleware::IpFilter(_)
            | Middleware::Maintenance(_)
            | Middleware::RequestLimits(_)
            | Middleware::Cors(_)
            | Middleware::RateLimit(_)
            | Middleware::Rbac(_)
            | Middleware::ConcurrencyLimit(_)
            | Middleware::Headers(_)
            | Middleware::SecurityHeaders(_)
            | Middleware::Transform(_)
            | Middleware::Named(_) => {}
        }
    }
}

fn one(path: &str, middleware: &Middleware, faults: &mut Faults) {
    if let Some(kind) = middleware.kind().filter(|kind| !kind.is_built()) {
        let (name, feature) = (kind.name(), kind.feature().unwrap_or_default());
        let message =
            format!("`{name}` needs the feature `{feature}`, which this build was made without");
        return faults.push(path, message);
    }
    match middleware {
        Middleware::IpFilter(found) => ip_filter::check(path, found, faults),
        Middleware::Maintenance(found) => maintenance::check(path, found, faults),
        Middleware::RequestLimits(found) => request_limits::check(path, found, faults),
        Middleware::Cors(found) => cors::check(path, found, faults),
        Middleware::RateLimit(found) => rate_limit::check(path, found, faults),
        Middleware::Auth(found) => auth::check(path, found, faults),
        Middleware::ApiKey(found) => api_key::check(path, found, faults),
        Middleware::BasicAuth(found) => basic_auth::check(path, found, faults),
        Middleware::ForwardAuth(found) => forward_auth::check(path, found, faults),
        Middleware::Rbac(found) => rbac::check(path, found, faults),
        Middleware::ConcurrencyLimit(found) => concurrency_limit::check(path, found, faults),
        Middleware::Headers(found) => headers::check(path, found, faults),
        Middleware::SecurityHeaders(found) => security_headers::check(path, found, faults),
        Middleware::Transform(found) => transform::check(path, found, faults),
        Middleware::Custom(found) => custom::check(path, found, faults),
        Middleware::Named(_) => {}
    }
}
