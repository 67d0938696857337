//! Bounds, timeouts and what each worker has.

use super::super::keys::{Key, Section};
use super::super::kind::Kind;
use super::{ANY_SIZE, COUNT, TIMEOUT, UNLIMITED, key, number, size};
use crate::limits;

pub(crate) static TIMEOUTS: Section = Section {
    title: "[timeouts]",
    text: "How long each step may take; `\"none\"` is never. The access log and the metrics name \
           the one that fired.",
    keys: &[
        key(
            "client_header",
            TIMEOUT,
            "\"10s\"",
            "From the first byte of a head to its end; then 408. A new connection has as long for \
             its first byte, and is then closed. Heads are one packet; a slow one holds a \
             connection.",
        ),
        CLIENT_BODY_IDLE,
        key(
            "keep_alive",
            TIMEOUT,
            "[`connection_limits.keep_alive_timeout`]",
            "Between two requests of a connection; then it is closed.",
        ),
        CONNECT,
        FIRST_BYTE,
        UPSTREAM_IDLE,
        TOTAL,
    ],
    choices: &[],
    later: &["client_minimum_rate"],
    meant: &[],
};

/// Routes and clusters come after the head, so two timeouts are the gateway's alone.
const fn overrides(default: &'static str) -> [Key; 6] {
    [
        Key { default, ..CLIENT_BODY_IDLE },
        Key { default, ..CONNECT },
        Key { default, ..FIRST_BYTE },
        Key { default, ..UPSTREAM_IDLE },
        key("idle", TIMEOUT, "[none]", "The short name of `upstream_idle`; one of the two."),
        Key { default, ..TOTAL },
    ]
}

pub(crate) static CLUSTER_TIMEOUTS: Section = Section {
    title: "[clusters.NAME.timeouts]",
    text: "Override the gateway's for one cluster.",
    keys: &overrides("[the gateway's]"),
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static ROUTE_TIMEOUTS: Section = Section {
    title: "[routes.timeouts]",
    text: "Override the cluster's for one route, or the gateway's where the route has `upstreams`.",
    keys: &overrides("[the level above]"),
    choices: &[],
    later: &[],
    meant: &[],
};

const CLIENT_BODY_IDLE: Key = key(
    "client_body_idle",
    TIMEOUT,
    "\"60s\"",
    "Between two reads of a request body; then 408. nginx's `client_body_timeout`.",
);

const CONNECT: Key = key(
    "connect",
    TIMEOUT,
    "[`connection_limits.connection_timeout`]",
    "For a connection to an upstream; then 504.",
);

const FIRST_BYTE: Key = key(
    "first_byte",
    TIMEOUT,
    "\"60s\"",
    "From the sent request to the first byte of the response; then 504. nginx's \
     `proxy_read_timeout`.",
);

const UPSTREAM_IDLE: Key = key(
    "upstream_idle",
    TIMEOUT,
    "\"60s\"",
    "Between two reads of a response body, or two writes of a request body; then the exchange is \
     cut. nginx's `proxy_read_timeout`.",
);

const TOTAL: Key = key(
    "total",
    TIMEOUT,
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
            COUNT,
            "10000",
            "Client connections; one more is answered with 503 and closed. At 2.5 KiB for an idle \
             one, 10,000 are 25 MiB.",
        ),
        key(
            "max_connections_per_upstream",
            COUNT,
            "1024",
            "Connections to one upstream; a request that finds none is answered with 503. 1,024 \
             are 20,000 requests a second at 50 ms each.",
        ),
        key(
            "connection_timeout",
            TIMEOUT,
            "\"10s\"",
            "For a connection to an upstream; `timeouts.connect` says the same. 10 s are three \
             lost SYNs (1 s, 2 s and 4 s apart).",
        ),
        key(
            "keep_alive_timeout",
            TIMEOUT,
            "\"60s\"",
            "Between two requests of a client connection; `timeouts.keep_alive` says the same. 60 \
             s is what load balancers in front use.",
        ),
        key(
            "requests_per_connection",
            Kind::Either(&[Kind::Number { low: 1, high: i64::MAX }, UNLIMITED]),
            "10000",
            "Requests of one client connection before it is closed in order: a busy client then \
             connects anew now and again, which spreads it over the workers.",
        ),
        key(
            "pipelined_requests",
            Kind::Number { low: 0, high: limits::PIPELINED_COUNT_MAX as i64 },
            "10000",
            "Requests that a client may send in a row without waiting for an answer; the answer to \
             the last of them closes the connection.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static LIMITS: Section = Section {
    title: "[limits]",
    text: "Bounds of requests; what is over one is refused with the status named.",
    keys: &[
        key(
            "request_line",
            size!(limits::REQUEST_LINE),
            "\"8KiB\"",
            "A request line; 414. nginx's practical bound.",
        ),
        key(
            "fields",
            number!(limits::FIELDS_COUNT),
            "100",
            "Fields of a head; 431. Envoy's bound.",
        ),
        key(
            "fields_size",
            size!(limits::FIELDS_SIZE),
            "\"32KiB\"",
            "All fields of a head; 431. nginx's 4 x 8 KiB.",
        ),
        key(
            "body",
            Kind::Either(&[ANY_SIZE, UNLIMITED]),
            "\"unlimited\"",
            "A request body; 413. Bodies are streamed, so a large one costs no memory.",
        ),
        key(
            "chunk_extension",
            size!(limits::CHUNK_EXTENSION),
            "\"256B\"",
            "Extensions on one chunk-size line; 400. Nobody sends any.",
        ),
        key(
            "trailers",
            size!(limits::TRAILERS),
            "\"8KiB\"",
            "All trailers of a body; 400. A quarter of a head's.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static POOL: Section = Section {
    title: "[pool]",
    text: "Idle connections to upstreams.",
    keys: &[
        key(
            "idle_connections",
            Kind::Number { low: 0, high: limits::CONNECTIONS_COUNT_MAX as i64 },
            "1024",
            "Idle connections to one upstream of the process, split evenly over its workers; what \
             is beyond it is closed at once, so it should not be below the clients at a time. 0 \
             keeps none.",
        ),
        key(
            "idle_timeout",
            Kind::Duration,
            "\"50s\"",
            "How long one may be idle, up to a tenth shorter for each so that they do not end \
             together. Below the 60 s and 75 s that upstreams usually keep.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static RUNTIME: Section = Section {
    title: "[runtime]",
    text: "Each worker's io_uring. Why the buffers are as they are: `docs/adr/0002-buffers.md`.",
    keys: &[
        key(
            "buffers",
            number!(limits::BUFFERS_COUNT),
            "256",
            "Receive buffers, a power of two; 32 cost up to 30 % on small requests.",
        ),
        key(
            "buffer_size",
            size!(limits::BUFFER_SIZE),
            "\"32KiB\"",
            "A receive buffer; 2 to 4 KiB halve the rate of large bodies.",
        ),
        key(
            "entries",
            number!(limits::ENTRIES_COUNT),
            "1024",
            "Entries of the submission queue, a power of two; more in one turn cost a system call.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};
