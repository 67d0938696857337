//! The tables of the file, in the order of `docs/configuration.md`.

mod route;
mod condition;
mod action;
mod bounds;
mod observe;
mod middleware;

pub(crate) use action::{
    FILES, REDIRECT, REQUEST_HEADERS, REQUEST_ID, RESPOND, RESPONSE_HEADERS, REWRITE, WEIGHTED,
};
pub(crate) use bounds::{
    CLUSTER_TIMEOUTS, CONNECTION_LIMITS, LIMITS, POOL, ROUTE_TIMEOUTS, RUNTIME, TIMEOUTS,
};
pub(crate) use condition::{
    CONDITION, PATH_POLICY, ROUTE_PATH_POLICY, ROUTE_VERSION, VERSION_GROUP, VERSION_LIFE,
};
pub(crate) use middleware::*;
pub(crate) use observe::{ACCESS_LOG, ADMIN, METRICS};
pub(crate) use route::{CLUSTER, CUSTOM_BALANCER, ROUTE, UPSTREAM};

use super::keys::{Choice, Key, Section};
use super::kind::{Form, Kind};
use super::reload::SECTION as RELOAD;
use crate::limits;

/// Every table, once.
pub(crate) const ALL: &[&Section] = &[
    &ROOT,
    &VARIABLE,
    &LISTENER,
    &ROUTE,
    &CONDITION,
    &ROUTE_VERSION,
    &ROUTE_PATH_POLICY,
    &UPSTREAM,
    &CUSTOM_BALANCER,
    &WEIGHTED,
    &REDIRECT,
    &RESPOND,
    &FILES,
    &REWRITE,
    &REQUEST_HEADERS,
    &RESPONSE_HEADERS,
    &MIDDLEWARES,
    &IP_FILTER,
    &MAINTENANCE,
    &REQUEST_LIMITS,
    &CORS,
    &RATE_LIMIT,
    &AUTH,
    &AUTH_PROVIDER,
    &REQUIRED_CLAIM,
    &API_KEY,
    &API_KEY_ENTRY,
    &BASIC_AUTH,
    &BASIC_USER,
    &FORWARD_AUTH,
    &RBAC,
    &RBAC_RULE,
    &CONCURRENCY_LIMIT,
    &HEADERS,
    &SECURITY_HEADERS,
    &TRANSFORM,
    &TRANSFORM_STEP,
    &CUSTOM,
    &CLUSTER,
    &VERSION_GROUP,
    &VERSION_LIFE,
    &PATH_POLICY,
    &REQUEST_ID,
    &TIMEOUTS,
    &CLUSTER_TIMEOUTS,
    &ROUTE_TIMEOUTS,
    &CONNECTION_LIMITS,
    &LIMITS,
    &POOL,
    &RUNTIME,
    &ADMIN,
    &METRICS,
    &ACCESS_LOG,
    &RELOAD,
];

/// The section of a table by its path, in which lists have no index and `NAME` is any name.
pub(crate) fn at(table: &[String]) -> Option<&'static Section> {
    if table.is_empty() {
        return Some(&ROOT);
    }
    ALL.iter().copied().find(|section| {
        section.title.split(", ").any(|title| {
            let names: Vec<&str> = title.trim_matches(['[', ']']).split('.').collect();
            let is_any = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase());
            let fits = |(name, key): (&&str, &String)| is_any(name) || *name == key;
            names.len() == table.len() && names.iter().zip(table).all(fits)
        })
    })
}

const fn key(name: &'static str, kind: Kind, default: &'static str, text: &'static str) -> Key {
    Key { name, kind, default, text }
}

/// A whole number of one of the ranges of `limits`.
macro_rules! number {
    ($range:expr) => {
        Kind::Number { low: *$range.start() as i64, high: *$range.end() as i64 }
    };
}
use number;

/// A size of one of the ranges of `limits`.
macro_rules! size {
    ($range:expr) => {
        Kind::Size { low: *$range.start() as u64, high: *$range.end() as u64 }
    };
}
use size;

const UNLIMITED: Kind = Kind::OneOf(&["unlimited"]);
const ANY_SIZE: Kind = Kind::Size { low: 0, high: u64::MAX };
const TIMEOUT: Kind = Kind::Either(&[Kind::Duration, Kind::OneOf(&["none"])]);
const COUNT: Kind = Kind::Number { low: 1, high: limits::CONNECTIONS_COUNT_MAX as i64 };

pub(crate) static ROOT: Section = Section {
    title: "top level",
    text: "What stands before the first table.",
    keys: &[
        key(
            "$schema",
            Kind::TEXT,
            "[none]",
            "Where an editor finds the JSON Schema of this file; the gateway does not read it.",
        ),
        key(
            "include",
            Kind::list(&Kind::Text(Form::FILLED)),
            "[]",
            "Other files, or patterns of them; see above.",
        ),
        key(
            "env",
            Kind::Either(&[
                Kind::list(&Kind::Text(Form::VARIABLE)),
                Kind::Named { of: &Kind::Table(&VARIABLE), name: Form::VARIABLE },
            ]),
            "[]",
            "Variables that `${env.NAME}` may name; see above.",
        ),
        key(
            "listen_addr",
            Kind::Text(Form::ADDRESS),
            "[none]",
            "The short way to write one listener. This or `listeners` is needed.",
        ),
        key(
            "listeners",
            Kind::List { of: &Kind::Table(&LISTENER), most: limits::LISTENERS_COUNT_MAX },
            "[]",
            "Where the gateway listens; see below.",
        ),
        key(
            "workers",
            Kind::Either(&[
                Kind::OneOf(&["auto"]),
                Kind::Number { low: 1, high: limits::WORKERS_COUNT_MAX as i64 },
                Kind::list(&Kind::Number { low: 0, high: limits::CORE_INDEX_MAX as i64 }),
            ]),
            "\"auto\"",
            "Threads that serve, each pinned to a core. `\"auto\"` is one for each core that the \
             process may run on; a number takes the first so many of them; a list names cores by \
             the kernel's numbers.",
        ),
        key(
            "drain_timeout",
            Kind::Duration,
            "\"30s\"",
            "How long requests in flight may take to finish after SIGTERM. 30 s is within \
             systemd's 90 s and the 30 s that Kubernetes gives.",
        ),
        key(
            "trusted_proxies",
            Kind::list(&Kind::Text(Form::NETWORK)),
            "[]",
            "Whose `Forwarded` and `X-Forwarded-*` fields are believed and added to. Those of \
             others are replaced, so that nobody can claim to be somebody else. Where both are \
             there, `X-Forwarded-For` says who the client is.",
        ),
        key(
            "metrics_enabled",
            Kind::Boolean,
            "true",
            "The short way to switch metrics off. On, since they cost a few stores a request.",
        ),
        key(
            "tracing_enabled",
            Kind::Boolean,
            "false",
            "Tracing is not built: only `false` is taken.",
        ),
        table("connection_limits", &CONNECTION_LIMITS, "Bounds of connections; see below."),
        table("limits", &LIMITS, "Bounds of requests; see below."),
        table("timeouts", &TIMEOUTS, "How long each step may take; see below."),
        table("pool", &POOL, "Idle upstream connections; see below."),
        table("runtime", &RUNTIME, "Each worker's io_uring; see below."),
        table("admin", &ADMIN, "Health, statistics and metrics; see below."),
        table("metrics", &METRICS, "How metrics are served; see below."),
        key(
            "access_log",
            Kind::Table(&ACCESS_LOG),
            "[none]",
            "A line for each request; see below.",
        ),
        table("reload", &RELOAD, "New configurations; see below."),
        table("path_policy", &PATH_POLICY, "What becomes of ambiguous paths; see below."),
        key(
            "request_id",
            Kind::Table(&REQUEST_ID),
            "[none]",
            "Gives every request an id; see below. Off, since it costs a field on each request.",
        ),
        key(
            "versions",
            Kind::Named { of: &Kind::Table(&VERSION_GROUP), name: Form::NAME },
            "[none]",
            "Versions of interfaces, by the name of their group; see below.",
        ),
        table("middlewares", &MIDDLEWARES, "Filters that routes share; see below."),
        key(
            "clusters",
            Kind::Named { of: &Kind::Table(&CLUSTER), name: Form::NAME },
            "[none]",
            "Groups of upstreams by name; see below.",
        ),
        key(
            "routes",
            Kind::List { of: &Kind::Table(&ROUTE), most: limits::ROUTES_COUNT_MAX },
            "",
            "Which requests go where; at least one; see below.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["listen_addr", "listeners"])],
    later: &[
        "cache",
        "circuit_breaker",
        "compression",
        "discovery",
        "etcd",
        "health_check",
        "jaeger",
        "load_balancer",
        "retry",
        "tls",
        "tls_config",
        "tracing",
    ],
    meant: &[],
};

/// A table that is there, at its keys' defaults, also where it is not written.
const fn table(name: &'static str, section: &'static Section, text: &'static str) -> Key {
    key(name, Kind::Table(section), "[its keys']", text)
}

pub(crate) static VARIABLE: Section = Section {
    title: "[env.NAME]",
    text: "One variable of the environment that strings of this file may name.",
    keys: &[key(
        "default",
        Kind::TEXT,
        "[none]",
        "What it is where the environment has none; without it that is a fault.",
    )],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static LISTENER: Section = Section {
    title: "[[listeners]]",
    text: "One address to listen on.",
    keys: &[key(
        "address",
        Kind::Text(Form::ADDRESS),
        "",
        "`ip:port` or `unix:/path`. Every worker has its own socket on a port (`SO_REUSEPORT`). \
         Port 0 lets the kernel choose one.",
    )],
    choices: &[],
    later: &["http2", "proxy_protocol", "tls"],
    meant: &[],
};
