//! Routes, and the clusters they go to.

use super::super::keys::{Choice, Section};
use super::super::kind::{Form, Kind};
use super::condition::CONDITIONS;
use super::middleware::{
    API_KEY, AUTH, BASIC_AUTH, CONCURRENCY_LIMIT, CORS, CUSTOM, FORWARD_AUTH, IP_FILTER,
    MAINTENANCE, RATE_LIMIT, RBAC, REQUEST_LIMITS, SECURITY_HEADERS, TRANSFORM,
};
use super::{
    ANY_SIZE, CLUSTER_TIMEOUTS, CONDITION, COUNT, FILES, REDIRECT, REQUEST_HEADERS, RESPOND,
    RESPONSE_HEADERS, REWRITE, ROUTE_PATH_POLICY, ROUTE_TIMEOUTS, ROUTE_VERSION, UNLIMITED,
    WEIGHTED, key,
};
use crate::limits;

/// What a route does with a request; it has exactly one of them.
const ACTIONS: &[&str] = &["upstreams", "cluster", "clusters", "redirect", "respond", "files"];

pub(crate) static ROUTE: Section = Section {
    title: "[[routes]]",
    text: "Which requests match, and what becomes of them. A route has a `path` or a `path_regex`, \
           and one of `upstreams`, `cluster`, `clusters`, `redirect`, `respond` and `files`. The \
           most specific route wins, whatever the order: [above](#which-route-wins).",
    keys: &[
        key(
            "id",
            Kind::TEXT,
            "[methods, host and path]",
            "The name in logs and metrics; unique, at most 128 characters. `_other` and `_none` \
             are taken: metrics count under them what has no route of its own.",
        ),
        key(
            "host",
            Kind::Text(Form::FILLED),
            "[any]",
            "`api.example.com`; `*.example.com` for every name below it; `api.*` for one or more \
             labels behind. Without case; a request's port does not count.",
        ),
        key(
            "path",
            Kind::Text(Form::PATH),
            "[none]",
            "`/exact`, `/prefix/*` (the prefix and all below it), `/users/{id}`, `/v{version}/x`, \
             `/a/*/b` (any one segment).",
        ),
        key(
            "path_regex",
            Kind::Text(Form::REGEX),
            "[none]",
            "In place of `path`: a regular expression that the whole path must match. Its named \
             groups, `(?<id>…)`, are parameters.",
        ),
        key(
            "path_params",
            Kind::Named { of: &Kind::Text(Form::REGEX), name: Form::PARAMETER },
            "[none]",
            "For parameters of `path`: a regular expression that the whole of one must match.",
        ),
        key(
            "methods",
            Kind::list(&Kind::Text(Form::METHOD)),
            "[]",
            "Methods that match; none means all.",
        ),
        key(
            "when",
            Kind::Either(&CONDITION_OR_LIST),
            "[]",
            "Further conditions; of a list all must hold; see below.",
        ),
        key(
            "produces",
            Kind::List { of: &Kind::Text(Form::MEDIA_TYPE), most: limits::PRODUCES_COUNT_MAX },
            "[]",
            "Media types that the route answers with: it matches where `Accept` takes one of them. \
             Of routes that differ by it alone the one that `Accept` prefers is taken, and 406 \
             answers where none is.",
        ),
        key(
            "version",
            Kind::Table(&ROUTE_VERSION),
            "[none]",
            "The version of an interface that it serves; see below.",
        ),
        key(
            "priority",
            Kind::Number { low: i32::MIN as i64, high: i32::MAX as i64 },
            "0",
            "Decides between routes that nothing else tells apart: the higher first.",
        ),
        key(
            "path_policy",
            Kind::Table(&ROUTE_PATH_POLICY),
            "[the gateway's]",
            "What becomes of ambiguous paths; see below.",
        ),
        key(
            "upstreams",
            Kind::List { of: &Kind::Table(&super::UPSTREAM), most: limits::ENDPOINTS_COUNT_MAX },
            "[]",
            "Servers that requests are sent to; see below.",
        ),
        key("cluster", Kind::Text(Form::NAME), "[none]", "The name of one of `clusters`."),
        key(
            "clusters",
            Kind::List { of: &Kind::Table(&WEIGHTED), most: limits::WEIGHTED_CLUSTERS_COUNT_MAX },
            "[]",
            "Several of `clusters` that share the requests by weight; see below.",
        ),
        key("redirect", Kind::Table(&REDIRECT), "[none]", "Sends the client elsewhere; see below."),
        key("respond", Kind::Table(&RESPOND), "[none]", "Answers with a fixed text; see below."),
        key("files", Kind::Table(&FILES), "[none]", "Answers with files of a folder; see below."),
        key(
            "load_balancer",
            BALANCER,
            "\"weighted_round_robin\"",
            "How one of `upstreams` is chosen; `\"round_robin\"` is for equal weights. The default \
             looks at weights, because one that is written and not looked at would be a silent \
             mistake. A table names a balancer of the embedding program; see below. \
             `least_loaded`, `ip_hash`, `consistent_hash` and `least_response_time` are not built, \
             and refused.",
        ),
        key(
            "timeouts",
            Kind::Table(&ROUTE_TIMEOUTS),
            "[none]",
            "Override the cluster's and the gateway's; see below.",
        ),
        key(
            "max_body",
            Kind::Either(&[ANY_SIZE, UNLIMITED]),
            "[`limits.body`]",
            "Longest request body; a longer one is answered with 413.",
        ),
        key(
            "rewrite",
            Kind::Table(&REWRITE),
            "[none]",
            "Another path for the upstream, or for `files`; see below.",
        ),
        key(
            "host_rewrite",
            Kind::Text(Form::TEMPLATE),
            "[the client's]",
            "The `Host` for the upstream, a template; `\"$upstream_host\"` is the upstream's own.",
        ),
        key(
            "request_headers",
            Kind::Table(&REQUEST_HEADERS),
            "[none]",
            "Changes of fields on their way to the upstream; see below.",
        ),
        key(
            "response_headers",
            Kind::Table(&RESPONSE_HEADERS),
            "[none]",
            "Changes of fields on their way to the client; see below.",
        ),
        key(
            "middlewares",
            Kind::list(&Kind::Text(Form::FILLED)),
            "[the fixed order]",
            "The route's filters in the order in which they see a request: `\"rate_limit.tight\"` \
             is one of `middlewares`, `\"rate_limit\"` the route's own.",
        ),
        key(
            "ip_filter",
            Kind::Either(&[Kind::Table(&IP_FILTER), Kind::list(&Kind::Table(&IP_FILTER))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "maintenance",
            Kind::Either(&[Kind::Table(&MAINTENANCE), Kind::list(&Kind::Table(&MAINTENANCE))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "request_limits",
            Kind::Either(&[
                Kind::Table(&REQUEST_LIMITS),
                Kind::list(&Kind::Table(&REQUEST_LIMITS)),
            ]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "cors",
            Kind::Either(&[Kind::Table(&CORS), Kind::list(&Kind::Table(&CORS))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "rate_limit",
            Kind::Either(&[Kind::Table(&RATE_LIMIT), Kind::list(&Kind::Table(&RATE_LIMIT))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "auth",
            Kind::Either(&[Kind::Table(&AUTH), Kind::list(&Kind::Table(&AUTH))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "api_key",
            Kind::Either(&[Kind::Table(&API_KEY), Kind::list(&Kind::Table(&API_KEY))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "basic_auth",
            Kind::Either(&[Kind::Table(&BASIC_AUTH), Kind::list(&Kind::Table(&BASIC_AUTH))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "forward_auth",
            Kind::Either(&[Kind::Table(&FORWARD_AUTH), Kind::list(&Kind::Table(&FORWARD_AUTH))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "rbac",
            Kind::Either(&[Kind::Table(&RBAC), Kind::list(&Kind::Table(&RBAC))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "concurrency_limit",
            Kind::Either(&[
                Kind::Table(&CONCURRENCY_LIMIT),
                Kind::list(&Kind::Table(&CONCURRENCY_LIMIT)),
            ]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "security_headers",
            Kind::Either(&[
                Kind::Table(&SECURITY_HEADERS),
                Kind::list(&Kind::Table(&SECURITY_HEADERS)),
            ]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "transform",
            Kind::Either(&[Kind::Table(&TRANSFORM), Kind::list(&Kind::Table(&TRANSFORM))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
        key(
            "custom",
            Kind::Either(&[Kind::Table(&CUSTOM), Kind::list(&Kind::Table(&CUSTOM))]),
            "[none]",
            "A filter of the route's own, or several; see below.",
        ),
    ],
    choices: &[Choice::ExactlyOne(&["path", "path_regex"]), Choice::ExactlyOne(ACTIONS)],
    later: &["cache", "circuit_breaker", "compression", "health_check", "mirror", "retry"],
    meant: &[("conditions", "when"), ("condition", "when"), ("headers", "request_headers")],
};

pub(super) static CONDITION_OR_LIST: [Kind; 2] = [Kind::Table(&CONDITION), CONDITIONS];

/// Those that are built.
const BALANCER: Kind = Kind::Either(&[
    Kind::OneOf(&["weighted_round_robin", "round_robin"]),
    Kind::Table(&CUSTOM_BALANCER),
]);

pub(crate) static CUSTOM_BALANCER: Section = Section {
    title: "[routes.load_balancer], [clusters.NAME.load_balancer]",
    text: "A load balancer of the embedding program (`docs/extending.md`), in place of the name of \
           one of the gateway's: `load_balancer = { custom = \"NAME\" }`. `frys` itself has none.",
    keys: &[
        key(
            "custom",
            Kind::Text(Form::FILLED),
            "",
            "The name under which the program registered it.",
        ),
        key(
            "settings",
            Kind::Free,
            "{}",
            "What it is told; what may stand here is the balancer's to say. Values of keys whose \
             names say that they are secret are shown nowhere.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("name", "custom")],
};

pub(crate) static UPSTREAM: Section = Section {
    title: "[[routes.upstreams]], [[clusters.NAME.upstreams]]",
    text: "One server, or one name of several: a name is resolved again as its records expire.",
    keys: &[
        key(
            "url",
            Kind::Text(Form::URL),
            "",
            "`http://host:port`; without a port 80. `https://` and `http+unix:` are not built, and \
             refused.",
        ),
        key(
            "weight",
            WEIGHT,
            "1",
            "Share of the requests against the other weights; 0 takes the upstream out.",
        ),
    ],
    choices: &[],
    later: &["priority", "tls"],
    meant: &[],
};

pub(super) const WEIGHT: Kind = Kind::Number { low: 0, high: limits::WEIGHT_MAX as i64 };

pub(crate) static CLUSTER: Section = Section {
    title: "[clusters.NAME]",
    text: "A group of upstreams that do the same job, for routes to share. The name is letters, \
           digits, `-` and `_`.",
    keys: &[
        key(
            "upstreams",
            Kind::List { of: &Kind::Table(&UPSTREAM), most: limits::ENDPOINTS_COUNT_MAX },
            "",
            "At least one; see above.",
        ),
        key("load_balancer", BALANCER, "\"weighted_round_robin\"", "As a route's."),
        key(
            "timeouts",
            Kind::Table(&CLUSTER_TIMEOUTS),
            "[none]",
            "Override the gateway's; see below.",
        ),
        key(
            "max_connections",
            COUNT,
            "[`connection_limits.max_connections_per_upstream`]",
            "Connections to one upstream of the process, split evenly over its workers.",
        ),
    ],
    choices: &[],
    later: &["circuit_breaker", "health_check", "outlier_ejection", "retry", "slow_start", "tls"],
    meant: &[],
};
