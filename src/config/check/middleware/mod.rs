//! Filters by themselves, and that routes name those there are.

mod credential;
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

use super::super::{GatewayConfig, Middleware, MiddlewareKind, RateLimitKey, Route, keys, path};
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
    let answers_itself =
        found.redirect.is_some() || found.respond.is_some() || found.files.is_some();
    rbac::of_route(owner, config, found, faults);
    if found.middlewares.len() > 1 {
        preflights(owner, config, found, faults);
        twice(owner, found, faults);
    }
    claims(owner, config, found, faults);
    for (index, middleware) in found.middlewares.iter().enumerate() {
        let meant = match middleware {
            Middleware::Named(name) => config.middlewares.get(name).unwrap_or(middleware),
            own => own,
        };
        if answers_itself && meant.kind() == Some(MiddlewareKind::Transform) {
            let message = "bodies are changed on their way to an upstream and from it, and this \
                           route has none";
            let key = if meant == middleware { "transform" } else { "middlewares" };
            faults.push(&owner.key(key), message);
        }
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

/// A shared filter that stands twice would count twice.
fn twice(owner: Owner<'_>, found: &Route, faults: &mut Faults) {
    for (index, middleware) in found.middlewares.iter().enumerate() {
        let is_named = matches!(middleware, Middleware::Named(_));
        if is_named && found.middlewares[..index].contains(middleware) {
            let place = path::element(&owner.key("middlewares"), index);
            faults.push(&place, "the filter is in the list already");
        }
    }
}

/// Limits that count by a claim, where nobody in front finds out whose request it is.
fn claims(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let mut is_known = false;
    for middleware in &found.middlewares {
        let (meant, is_own) = match middleware {
            Middleware::Named(name) => (config.middlewares.get(name), false),
            own => (Some(own), true),
        };
        let Some(meant) = meant else { continue };
        let Some(kind) = meant.kind() else { continue };
        let key = if let Middleware::RateLimit(limit) = meant {
            Some(&limit.key_strategy)
        } else if let Middleware::ConcurrencyLimit(limit) = meant {
            Some(&limit.key_strategy)
        } else {
            None
        };
        if key.is_some_and(RateLimitKey::needs_claims) && !is_known {
            let place = if is_own { kind.name() } else { "middlewares" };
            let message = "nobody in front of it finds out who asks: a limit by a claim stands \
                           behind `auth`, `api_key`, `basic_auth`, `forward_auth` or `custom`";
            faults.push(&owner.key(place), message);
        }
        is_known |= KNOWS.contains(&kind);
    }
}

/// Kinds that find out who asks.
const KNOWS: [MiddlewareKind; 5] = [
    MiddlewareKind::Auth,
    MiddlewareKind::ApiKey,
    MiddlewareKind::BasicAuth,
    MiddlewareKind::ForwardAuth,
    MiddlewareKind::Custom,
];

/// Answers to preflights: one filter gives them.
fn preflights(owner: Owner<'_>, config: &GatewayConfig, found: &Route, faults: &mut Faults) {
    let kinds = found.middlewares.iter().filter_map(|middleware| match middleware {
        Middleware::Named(name) => config.middlewares.get(name)?.kind(),
        own => own.kind(),
    });
    if kinds.filter(|kind| *kind == MiddlewareKind::Cors).count() > 1 {
        faults.push(&owner.key("middlewares"), "one `cors` answers a route's preflights");
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
