//! What the gateway tells of itself.

use super::super::keys::Section;
use super::super::kind::{Form, Kind};
use super::key;
use crate::limits;

pub(crate) static ADMIN: Section = Section {
    title: "[admin]",
    text: "Serves `/health`, `/ready`, `/stats` and metrics. It has no login: keep it on loopback, \
           on a Unix socket, or on a network of your own.",
    keys: &[
        key("enabled", Kind::Boolean, "true", "Whether it listens at all."),
        key(
            "address",
            Kind::Text(Form::ADDRESS),
            "\"127.0.0.1:9901\"",
            "`ip:port` or `unix:/path`.",
        ),
        key(
            "recent_requests",
            Kind::Number { low: 0, high: limits::RECENT_COUNT_MAX as i64 },
            "1024",
            "Requests that ended last and can be asked for (`/requests`, `frys explain --id`, \
             `frys capture`), at 2 KiB each, split evenly over the workers; 0 keeps none. Secret \
             fields (Authorization, Cookie and the like) are never kept.",
        ),
    ],
    choices: &[],
    later: &["auth", "tls"],
    meant: &[],
};

pub(crate) static METRICS: Section = Section {
    title: "[metrics]",
    text: "Metrics, served by the admin.",
    keys: &[
        key("enabled", Kind::Boolean, "true", "Whether they are served."),
        key("path", Kind::Text(Form::PATH), "\"/metrics\"", "Where."),
        key(
            "prometheus_enabled",
            Kind::Boolean,
            "true",
            "Whether that path answers in Prometheus' text format and OpenMetrics, the only \
             formats so far.",
        ),
    ],
    choices: &[],
    later: &["otlp"],
    meant: &[],
};

pub(crate) static ACCESS_LOG: Section = Section {
    title: "[access_log]",
    text: "A line for each request, written beside the workers; lines that cannot be written in \
           time are dropped and counted. Without this table there is no access log.",
    keys: &[
        key(
            "output",
            Kind::Either(&[Kind::OneOf(&["stdout"]), Kind::Text(Form::FILE)]),
            "\"stdout\"",
            "A file is appended to, and opened anew on SIGUSR1.",
        ),
        key(
            "format",
            Kind::Either(&[Kind::OneOf(&["json"]), Kind::Text(Form::TEMPLATE)]),
            "\"json\"",
            "JSON lines, or a text in which `$name` and `${name}` are replaced and `$$` is a `$`. \
             Most names are nginx's, and most are keys of a JSON line too; times are in seconds: \
             `time_iso8601`, `time_local`, `msec`, `remote_addr`, `remote_port`, `remote_user`, \
             `request`, `request_method`, `request_uri`, `server_protocol`, `host`, `status`, \
             `reason`, `errno`, `request_id`, `request_time`, `request_length`, `bytes_sent`, \
             `body_bytes_sent`, `route`, `cluster`, `upstream`, `upstream_addr`, \
             `upstream_status`, `upstream_attempts`, `upstream_connect_time`, \
             `upstream_header_time`, `upstream_response_time`, \
             `http_referer`, `http_user_agent`, `http_x_forwarded_for`, `identity` (who asked, as \
             a filter found out; `remote_user` too), `filter` (the one that refused or answered), \
             `rule` (of `rbac`, that decided), `shadow` (the first limit with `shadow` that would \
             have refused), `worker`, `connection`, `connection_requests`, \
             `generation`.",
        ),
    ],
    choices: &[],
    later: &["sampling"],
    meant: &[],
};
