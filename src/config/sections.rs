//! The tables of the file, in the order of `docs/configuration.md`.

use super::keys::{Key, Section};

/// Every table, once.
pub(crate) const ALL: [&Section; 15] = [
    &ROOT,
    &LISTENER,
    &ROUTE,
    &UPSTREAM,
    &CLUSTER,
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
];

const fn key(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    text: &'static str,
) -> Key {
    Key { name, kind, default, text }
}

pub(crate) static ROOT: Section = Section {
    title: "top level",
    text: "What stands before the first table.",
    keys: &[
        key(
            "listen_addr",
            "address",
            "[none]",
            "The short way to write one listener. This or `listeners` is needed.",
        ),
        key("listeners", "list of tables", "[]", "Where the gateway listens; see below."),
        key(
            "workers",
            "`\"auto\"`, number or list of cores",
            "\"auto\"",
            "Threads that serve, each pinned to a core. `\"auto\"` is one for each core that the \
             process may run on; a number takes the first so many of them; a list names cores by \
             the kernel's numbers.",
        ),
        key(
            "drain_timeout",
            "duration",
            "\"30s\"",
            "How long requests in flight may take to finish after SIGTERM. 30 s is within \
             systemd's 90 s and the 30 s that Kubernetes gives.",
        ),
        key(
            "trusted_proxies",
            "list of networks",
            "[]",
            "Whose `Forwarded` and `X-Forwarded-*` fields are believed and added to. Those of \
             others are replaced, so that nobody can claim to be somebody else.",
        ),
        key(
            "metrics_enabled",
            "boolean",
            "true",
            "The short way to switch metrics off. On, since they cost a few stores a request.",
        ),
        key("tracing_enabled", "boolean", "false", "Tracing is not built: only `false` is taken."),
        key("connection_limits", "table", "[its keys']", "Bounds of connections; see below."),
        key("limits", "table", "[its keys']", "Bounds of requests; see below."),
        key("timeouts", "table", "[its keys']", "How long each step may take; see below."),
        key("pool", "table", "[its keys']", "Idle upstream connections; see below."),
        key("runtime", "table", "[its keys']", "Each worker's io_uring; see below."),
        key("admin", "table", "[its keys']", "Health, statistics and metrics; see below."),
        key("metrics", "table", "[its keys']", "How metrics are served; see below."),
        key("access_log", "table", "[none]", "A line for each request; see below."),
        key("clusters", "table of tables", "[none]", "Groups of upstreams by name; see below."),
        key("routes", "list of tables", "", "Which requests go where; at least one; see below."),
    ],
    later: &[
        "auth",
        "cache",
        "circuit_breaker",
        "compression",
        "cors",
        "discovery",
        "etcd",
        "health_check",
        "include",
        "jaeger",
        "load_balancer",
        "middlewares",
        "rate_limit",
        "retry",
        "tls",
        "tls_config",
        "tracing",
    ],
};

pub(crate) static LISTENER: Section = Section {
    title: "[[listeners]]",
    text: "One address to listen on.",
    keys: &[key(
        "address",
        "address",
        "",
        "`ip:port` or `unix:/path`. Every worker has its own socket on a port (`SO_REUSEPORT`). \
         Port 0 lets the kernel choose one.",
    )],
    later: &["http2", "proxy_protocol", "tls"],
};

pub(crate) static ROUTE: Section = Section {
    title: "[[routes]]",
    text: "Which requests match, and where they go. The most specific route wins, whatever the \
           order: an exact host before a wildcard before none; then, segment by segment, a literal \
           before a parameter before `/*`. Two routes that nothing tells apart are refused.",
    keys: &[
        key(
            "id",
            "string",
            "[methods, host and path]",
            "The name in logs and metrics; unique, at most 128 characters. `_other` and `_none` \
             are taken: metrics count under them what has no route of its own.",
        ),
        key(
            "host",
            "string",
            "[any]",
            "`api.example.com`, or `*.example.com` for every name below it.",
        ),
        key(
            "path",
            "string",
            "",
            "`/exact`, `/prefix/*` (the prefix and all below it), `/users/{id}`, \
             `/v{version}/x`.",
        ),
        key("methods", "list of strings", "[]", "Methods that match; none means all."),
        key(
            "upstreams",
            "list of tables",
            "[]",
            "Where requests go; this or `cluster` is needed; see below.",
        ),
        key("cluster", "string", "[none]", "The name of one of `clusters`."),
        key(
            "load_balancer",
            "string",
            "\"weighted_round_robin\"",
            "How one of `upstreams` is chosen: `\"weighted_round_robin\"`, or `\"round_robin\"` \
             for equal weights. The default looks at weights, because one that is written and not \
             looked at would be a silent mistake. `least_loaded`, `ip_hash`, `consistent_hash`, \
             `least_response_time` and `custom` are not built, and refused.",
        ),
        key("timeouts", "table", "[none]", "Override the cluster's and the gateway's; see below."),
        key(
            "max_body",
            "size or `\"unlimited\"`",
            "[`limits.body`]",
            "Longest request body; a longer one is answered with 413.",
        ),
    ],
    later: &[
        "auth",
        "cache",
        "circuit_breaker",
        "compression",
        "conditions",
        "cors",
        "headers",
        "health_check",
        "middlewares",
        "mirror",
        "path_params",
        "rate_limit",
        "redirect",
        "retry",
        "rewrite",
        "when",
    ],
};

pub(crate) static UPSTREAM: Section = Section {
    title: "[[routes.upstreams]], [[clusters.NAME.upstreams]]",
    text: "One server, or one name of several: a name is resolved again as its records expire.",
    keys: &[
        key(
            "url",
            "URL",
            "",
            "`http://host:port`; without a port 80. `https://` and `http+unix:` are not built, and \
             refused.",
        ),
        key(
            "weight",
            "number",
            "1",
            "Share of the requests against the other weights, 0 to 1,000,000; 0 takes the upstream \
             out.",
        ),
    ],
    later: &["priority", "tls"],
};

pub(crate) static CLUSTER: Section = Section {
    title: "[clusters.NAME]",
    text: "A group of upstreams that do the same job, for routes to share. The name is letters, \
           digits, `-` and `_`.",
    keys: &[
        key("upstreams", "list of tables", "", "At least one; see above."),
        key("load_balancer", "string", "\"weighted_round_robin\"", "As a route's."),
        key("timeouts", "table", "[none]", "Override the gateway's; see below."),
        key(
            "max_connections",
            "number",
            "[`connection_limits.max_connections_per_upstream`]",
            "Connections to one upstream of the process, split evenly over its workers.",
        ),
    ],
    later: &["circuit_breaker", "health_check", "outlier_ejection", "retry", "slow_start", "tls"],
};

pub(crate) static TIMEOUTS: Section = Section {
    title: "[timeouts]",
    text: "How long each step may take; `\"none\"` is never. The access log and the metrics name \
           the one that fired.",
    keys: &[
        key(
            "client_header",
            "duration",
            "\"10s\"",
            "From the first byte of a head to its end; then 408. A new connection has as long for \
             its first byte, and is then closed. Heads are one packet; a slow one holds a \
             connection.",
        ),
        CLIENT_BODY_IDLE,
        key(
            "keep_alive",
            "duration",
            "[`connection_limits.keep_alive_timeout`]",
            "Between two requests of a connection; then it is closed.",
        ),
        CONNECT,
        FIRST_BYTE,
        UPSTREAM_IDLE,
        TOTAL,
    ],
    later: &["client_minimum_rate"],
};

/// Routes and clusters come after the head, so two timeouts are the gateway's alone.
const fn overrides(default: &'static str) -> [Key; 6] {
    [
        Key { default, ..CLIENT_BODY_IDLE },
        Key { default, ..CONNECT },
        Key { default, ..FIRST_BYTE },
        Key { default, ..UPSTREAM_IDLE },
        key("idle", "duration", "[none]", "The short name of `upstream_idle`; one of the two."),
        Key { default, ..TOTAL },
    ]
}

pub(crate) static CLUSTER_TIMEOUTS: Section = Section {
    title: "[clusters.NAME.timeouts]",
    text: "Override the gateway's for one cluster.",
    keys: &overrides("[the gateway's]"),
    later: &[],
};

pub(crate) static ROUTE_TIMEOUTS: Section = Section {
    title: "[routes.timeouts]",
    text: "Override the cluster's for one route, or the gateway's where the route has `upstreams`.",
    keys: &overrides("[the level above]"),
    later: &[],
};

const CLIENT_BODY_IDLE: Key = key(
    "client_body_idle",
    "duration",
    "\"60s\"",
    "Between two reads of a request body; then 408. nginx's `client_body_timeout`.",
);

const CONNECT: Key = key(
    "connect",
    "duration",
    "[`connection_limits.connection_timeout`]",
    "For a connection to an upstream; then 504.",
);

const FIRST_BYTE: Key = key(
    "first_byte",
    "duration",
    "\"60s\"",
    "From the sent request to the first byte of the response; then 504. nginx's \
     `proxy_read_timeout`.",
);

const UPSTREAM_IDLE: Key = key(
    "upstream_idle",
    "duration",
    "\"60s\"",
    "Between two reads of a response body, or two writes of a request body; then the exchange is \
     cut. nginx's `proxy_read_timeout`.",
);

const TOTAL: Key = key(
    "total",
    "duration",
    "\"none\"",
    "From the head of the request to the end of the response; then 504, or the response is cut. \
     Off, since a long download or an event stream is no fault.",
);

pub(crate) static CONNECTION_LIMITS: Section = Section {
    title: "[connection_limits]",
    text: "Bounds of connections. Counts are those of the process, split evenly over its workers.",
    keys: &[
        key(
            "max_connections",
            "number",
            "10000",
            "Client connections; one more is answered with 503 and closed. At 2.5 KiB for an idle \
             one, 10,000 are 25 MiB.",
        ),
        key(
            "max_connections_per_upstream",
            "number",
            "1024",
            "Connections to one upstream; a request that finds none is answered with 503. 1,024 \
             are 20,000 requests a second at 50 ms each.",
        ),
        key(
            "connection_timeout",
            "duration",
            "\"10s\"",
            "For a connection to an upstream; `timeouts.connect` says the same. 10 s are three \
             lost SYNs (1 s, 2 s and 4 s apart).",
        ),
        key(
            "keep_alive_timeout",
            "duration",
            "\"60s\"",
            "Between two requests of a client connection; `timeouts.keep_alive` says the same. 60 \
             s is what load balancers in front use.",
        ),
        key(
            "requests_per_connection",
            "number or `\"unlimited\"`",
            "10000",
            "Requests of one client connection before it is closed in order: a busy client then \
             connects anew now and again, which spreads it over the workers.",
        ),
        key(
            "pipelined_requests",
            "number",
            "10000",
            "Requests that a client may send in a row without waiting for an answer; the answer to \
             the last of them closes the connection.",
        ),
    ],
    later: &[],
};

pub(crate) static LIMITS: Section = Section {
    title: "[limits]",
    text: "Bounds of requests; what is over one is refused with the status named.",
    keys: &[
        key("request_line", "size", "\"8KiB\"", "A request line; 414. nginx's practical bound."),
        key("fields", "number", "100", "Fields of a head; 431. Envoy's bound."),
        key("fields_size", "size", "\"32KiB\"", "All fields of a head; 431. nginx's 4 x 8 KiB."),
        key(
            "body",
            "size or `\"unlimited\"`",
            "\"unlimited\"",
            "A request body; 413. Bodies are streamed, so a large one costs no memory.",
        ),
        key(
            "chunk_extension",
            "size",
            "\"256B\"",
            "Extensions on one chunk-size line; 400. Nobody sends any.",
        ),
        key("trailers", "size", "\"8KiB\"", "All trailers of a body; 400. A quarter of a head's."),
    ],
    later: &[],
};

pub(crate) static POOL: Section = Section {
    title: "[pool]",
    text: "Idle connections to upstreams.",
    keys: &[
        key(
            "idle_connections",
            "number",
            "1024",
            "Idle connections to one upstream of the process, split evenly over its workers; what \
             is beyond it is closed at once, so it should not be below the clients at a time. 0 \
             keeps none.",
        ),
        key(
            "idle_timeout",
            "duration",
            "\"50s\"",
            "How long one may be idle, up to a tenth shorter for each so that they do not end \
             together. Below the 60 s and 75 s that upstreams usually keep.",
        ),
    ],
    later: &[],
};

pub(crate) static RUNTIME: Section = Section {
    title: "[runtime]",
    text: "Each worker's io_uring. Why the buffers are as they are: `docs/adr/0002-buffers.md`.",
    keys: &[
        key(
            "buffers",
            "number",
            "256",
            "Receive buffers, a power of two; 32 cost up to 30 % on small requests.",
        ),
        key(
            "buffer_size",
            "size",
            "\"32KiB\"",
            "A receive buffer; 2 to 4 KiB halve the rate of large bodies.",
        ),
        key(
            "entries",
            "number",
            "1024",
            "Entries of the submission queue, a power of two; more in one turn cost a system call.",
        ),
    ],
    later: &[],
};

pub(crate) static ADMIN: Section = Section {
    title: "[admin]",
    text: "Serves `/health`, `/ready`, `/stats` and metrics. It has no login: keep it on loopback, \
           on a Unix socket, or on a network of your own.",
    keys: &[
        key("enabled", "boolean", "true", "Whether it listens at all."),
        key("address", "address", "\"127.0.0.1:9901\"", "`ip:port` or `unix:/path`."),
    ],
    later: &["auth", "tls"],
};

pub(crate) static METRICS: Section = Section {
    title: "[metrics]",
    text: "Metrics, served by the admin.",
    keys: &[
        key("enabled", "boolean", "true", "Whether they are served."),
        key("path", "string", "\"/metrics\"", "Where."),
        key(
            "prometheus_enabled",
            "boolean",
            "true",
            "Whether that path answers in Prometheus' text format and OpenMetrics, the only \
             formats so far.",
        ),
    ],
    later: &["otlp"],
};

pub(crate) static ACCESS_LOG: Section = Section {
    title: "[access_log]",
    text: "A line for each request, written beside the workers; lines that cannot be written in \
           time are dropped and counted. Without this table there is no access log.",
    keys: &[
        key(
            "output",
            "`\"stdout\"` or path",
            "\"stdout\"",
            "A file is appended to, and opened anew on SIGUSR1.",
        ),
        key(
            "format",
            "`\"json\"` or text",
            "\"json\"",
            "JSON lines, or a text in which `$name` and `${name}` are replaced and `$$` is a `$`. \
             Most names are nginx's, and most are keys of a JSON line too; times are in seconds: \
             `time_iso8601`, `time_local`, `msec`, `remote_addr`, `remote_port`, `remote_user`, \
             `request`, `request_method`, `request_uri`, `server_protocol`, `host`, `status`, \
             `request_id`, `reason`, `request_time`, `request_length`, `bytes_sent`, \
             `body_bytes_sent`, `route`, `cluster`, `upstream`, `upstream_addr`, `upstream_status`, `upstream_attempts`, \
             `upstream_connect_time`, `upstream_header_time`, `upstream_response_time`, \
             `http_referer`, `http_user_agent`, `http_x_forwarded_for`, `worker`, `connection`, \
             `connection_requests`, `generation`.",
        ),
    ],
    later: &["sampling"],
};
