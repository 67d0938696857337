//! Filters.

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

pub(crate) use api_key::{API_KEY, API_KEY_ENTRY};
pub(crate) use auth::{AUTH, AUTH_PROVIDER, REQUIRED_CLAIM};
pub(crate) use basic_auth::{BASIC_AUTH, BASIC_USER};
pub(crate) use concurrency_limit::CONCURRENCY_LIMIT;
pub(crate) use cors::CORS;
pub(crate) use custom::CUSTOM;
pub(crate) use forward_auth::FORWARD_AUTH;
pub(crate) use headers::HEADERS;
pub(crate) use ip_filter::IP_FILTER;
pub(crate) use maintenance::MAINTENANCE;
pub(crate) use rate_limit::RATE_LIMIT;
pub(crate) use rbac::{RBAC, RBAC_RULE};
pub(crate) use request_limits::REQUEST_LIMITS;
pub(crate) use security_headers::SECURITY_HEADERS;
pub(crate) use transform::{TRANSFORM, TRANSFORM_STEP};

use super::super::keys::Section;
use super::super::kind::{Form, Kind};
use super::key;

pub(crate) static MIDDLEWARES: Section = Section {
    title: "[middlewares]",
    text: "Filters that routes share, by kind and name: `middlewares = [\"rate_limit.tight\"]` in \
           a route names `[middlewares.rate_limit.tight]`.",
    keys: &[
        key(
            "ip_filter",
            Kind::Named { of: &Kind::Table(&IP_FILTER), name: Form::NAME },
            "[none]",
            "Which client addresses may pass.",
        ),
        key(
            "maintenance",
            Kind::Named { of: &Kind::Table(&MAINTENANCE), name: Form::NAME },
            "[none]",
            "An answer in place of the route's own, while something is being mended.",
        ),
        key(
            "request_limits",
            Kind::Named { of: &Kind::Table(&REQUEST_LIMITS), name: Form::NAME },
            "[none]",
            "Bounds on a route's requests, tighter than the gateway's.",
        ),
        key(
            "cors",
            Kind::Named { of: &Kind::Table(&CORS), name: Form::NAME },
            "[none]",
            "Which pages of other origins may read the answers (Fetch standard, CORS protocol).",
        ),
        key(
            "rate_limit",
            Kind::Named { of: &Kind::Table(&RATE_LIMIT), name: Form::NAME },
            "[none]",
            "How many requests of one key pass in a time.",
        ),
        key(
            "auth",
            Kind::Named { of: &Kind::Table(&AUTH), name: Form::NAME },
            "[none]",
            "Who may pass: bearers of a JSON Web Token (RFC 7519).",
        ),
        key(
            "api_key",
            Kind::Named { of: &Kind::Table(&API_KEY), name: Form::NAME },
            "[none]",
            "Who may pass: clients with a known key.",
        ),
        key(
            "basic_auth",
            Kind::Named { of: &Kind::Table(&BASIC_AUTH), name: Form::NAME },
            "[none]",
            "Who may pass: users with a password (RFC 7617).",
        ),
        key(
            "forward_auth",
            Kind::Named { of: &Kind::Table(&FORWARD_AUTH), name: Form::NAME },
            "[none]",
            "Who may pass: asked of another server for each request.",
        ),
        key(
            "rbac",
            Kind::Named { of: &Kind::Table(&RBAC), name: Form::NAME },
            "[none]",
            "What those who are known may do.",
        ),
        key(
            "concurrency_limit",
            Kind::Named { of: &Kind::Table(&CONCURRENCY_LIMIT), name: Form::NAME },
            "[none]",
            "How many requests of one key may be under way at once.",
        ),
        key(
            "headers",
            Kind::Named { of: &Kind::Table(&HEADERS), name: Form::NAME },
            "[none]",
            "Changes of fields, to be named by several routes.",
        ),
        key(
            "security_headers",
            Kind::Named { of: &Kind::Table(&SECURITY_HEADERS), name: Form::NAME },
            "[none]",
            "Fields that tell browsers to be careful.",
        ),
        key(
            "transform",
            Kind::Named { of: &Kind::Table(&TRANSFORM), name: Form::NAME },
            "[none]",
            "Changes of bodies.",
        ),
        key(
            "custom",
            Kind::Named { of: &Kind::Table(&CUSTOM), name: Form::NAME },
            "[none]",
            "A filter of the embedding program.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};
