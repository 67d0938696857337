//! Filters, in a route and by name.

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

use super::super::node::{Entry, Node, Value};
use super::super::sections;
use super::super::{Middleware, MiddlewareKind, Route, keys};
use super::{Decoder, Fields, values};
use std::collections::BTreeMap;

/// Reads one filter of a kind.
fn one(d: &mut Decoder, kind: MiddlewareKind, node: &Node) -> Option<Middleware> {
    match kind {
        MiddlewareKind::IpFilter => ip_filter::read(d, node),
        MiddlewareKind::Maintenance => maintenance::read(d, node),
        MiddlewareKind::RequestLimits => request_limits::read(d, node),
        MiddlewareKind::Cors => cors::read(d, node),
        MiddlewareKind::RateLimit => rate_limit::read(d, node),
        MiddlewareKind::Auth => auth::read(d, node),
        MiddlewareKind::ApiKey => api_key::read(d, node),
        MiddlewareKind::BasicAuth => basic_auth::read(d, node),
        MiddlewareKind::ForwardAuth => forward_auth::read(d, node),
        MiddlewareKind::Rbac => rbac::read(d, node),
        MiddlewareKind::ConcurrencyLimit => concurrency_limit::read(d, node),
        MiddlewareKind::Headers => headers::read(d, node),
        MiddlewareKind::SecurityHeaders => security_headers::read(d, node),
        MiddlewareKind::Transform => transform::read(d, node),
        MiddlewareKind::Custom => custom::read(d, node),
    }
}

/// The filters that stand in a route, in the order in which they see a request: that of
/// `middlewares` where it is there, else the fixed one.
pub(super) fn of_route(d: &mut Decoder, fields: &Fields<'_>, route: &mut Route) {
    let mut own: Vec<(MiddlewareKind, Middleware)> = Vec::new();
    for kind in INLINE {
        let read = |d: &mut Decoder, node: &Node| Some(one_or_more(d, kind, node));
        let found = fields.read(d, kind.name(), read).unwrap_or_default();
        own.extend(found.into_iter().map(|middleware| (kind, middleware)));
    }
    let order = fields.read(d, "middlewares", values::list(reference));
    let Some(order) = order else {
        own.sort_by_key(|(_, middleware)| middleware.position());
        route.middlewares = own.into_iter().map(|(_, middleware)| middleware).collect();
        return;
    };
    for name in order {
        match MiddlewareKind::of(&name) {
            // The route's own, which it says behind `middlewares`.
            Some(kind) => {
                let before = route.middlewares.len();
                let of_kind = own.extract_if(.., |(own, _)| *own == kind);
                route.middlewares.extend(of_kind.map(|(_, middleware)| middleware));
                if route.middlewares.len() == before {
                    let message =
                        format!("the route has no `{name}` of its own, or it stands here twice");
                    d.within_key("middlewares", |d| {
                        d.fault(fields.place_of("middlewares"), message)
                    });
                }
            }
            None => route.middlewares.push(Middleware::Named(name)),
        }
    }
    if let Some((kind, _)) = own.first() {
        let kind = kind.name();
        let message =
            format!("where there is `middlewares`, it says the whole order: add `\"{kind}\"`");
        d.within_key(kind, |d| d.fault(fields.place_of(kind), message));
    }
}

/// The name of a filter: `rate_limit.tight`, or `rate_limit` for the route's own.
fn reference(d: &mut Decoder, node: &Node) -> Option<String> {
    let name = values::text(d, node)?;
    let kind = name.split_once('.').map_or(name.as_str(), |(kind, _)| kind);
    if MiddlewareKind::of(kind).is_none() {
        let known = MiddlewareKind::ALL.map(MiddlewareKind::name);
        let message = format!("`{}` is no kind of filter", kind.escape_debug());
        d.fault_near(node.place, message, keys::nearest(kind, known));
        return None;
    }
    Some(name)
}

fn one_or_more(d: &mut Decoder, kind: MiddlewareKind, node: &Node) -> Vec<Middleware> {
    match &node.value {
        Value::List(nodes) => nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| d.within_index(index, |d| one(d, kind, node)))
            .collect(),
        _ => one(d, kind, node).into_iter().collect(),
    }
}

/// `[middlewares.KIND.NAME]`
pub(super) fn named(d: &mut Decoder, node: &Node) -> Option<BTreeMap<String, Middleware>> {
    let mut found = BTreeMap::new();
    let fields = Fields::of(d, node, &sections::MIDDLEWARES)?;
    for kind in MiddlewareKind::ALL {
        let read = |d: &mut Decoder, node: &Node| {
            let Some(entries) = node.entries() else {
                d.unexpected(node, "a table of filters by name");
                return None;
            };
            for Entry { key, node, .. } in entries {
                let read = d.within_key(key, |d| one(d, kind, node));
                found.extend(read.map(|read| (format!("{}.{key}", kind.name()), read)));
            }
            Some(())
        };
        let _: Option<()> = fields.read(d, kind.name(), read);
    }
    Some(found)
}

/// Those that can stand in a route.
const INLINE: [MiddlewareKind; 14] = [
    MiddlewareKind::IpFilter,
    MiddlewareKind::Maintenance,
    MiddlewareKind::RequestLimits,
    MiddlewareKind::Cors,
    MiddlewareKind::RateLimit,
    MiddlewareKind::Auth,
    MiddlewareKind::ApiKey,
    MiddlewareKind::BasicAuth,
    MiddlewareKind::ForwardAuth,
    MiddlewareKind::Rbac,
    MiddlewareKind::ConcurrencyLimit,
    MiddlewareKind::SecurityHeaders,
    MiddlewareKind::Transform,
    MiddlewareKind::Custom,
];
