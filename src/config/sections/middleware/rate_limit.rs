//! How many requests of one key pass in a time.

use super::super::super::keys::{Choice, Key, Section};
use super::super::super::kind::{Form, Kind};
use super::super::{key, number, size};
use crate::limits;

pub(super) const LIMIT_KEY: Key = key(
    "key",
    Kind::Either(&[
        Kind::Text(Form::LIMIT_KEY),
        Kind::List { of: &Kind::Text(Form::LIMIT_KEY), most: limits::LIMIT_KEY_PARTS_MAX },
    ]),
    "\"ip\"",
    "What is counted together: `\"ip\"`, the client's address, behind `trusted_proxies` the one \
     that they tell; `\"header:NAME\"`, `\"cookie:NAME\"`, `\"path:NAME\"` or `\"claim:NAME\"`, \
     the value of a field, a cookie, a parameter of the path or a claim; `\"route\"`; \
     `\"global\"`, all requests. A list is a combination of them.",
);

pub(super) const SCOPE: Key = key(
    "scope",
    Kind::OneOf(&["gateway", "worker"]),
    "\"gateway\"",
    "Whether the limit holds for all workers together, or each has its share of it by itself.",
);

pub(super) const SHADOW: Key = key(
    "shadow",
    Kind::Boolean,
    "false",
    "With `true` it refuses nothing, and counts what it would have refused.",
);

pub(super) const IPV6_PREFIX: Key = key(
    "ipv6_prefix",
    number!(limits::LIMIT_IPV6_PREFIX),
    "64",
    "Bits of an IPv6 address that tell clients apart. 64, since that is what one subscriber has.",
);

pub(super) const MISSING: Key = key(
    "missing",
    Kind::OneOf(&["ip", "pass", "refuse"]),
    "\"ip\"",
    "What becomes of a request without the field, cookie or claim that it is counted by, or with \
     several: it is counted by its address, since nobody should escape a limit by leaving a field \
     out; or passes uncounted; or is refused.",
);

pub(super) const MEMORY: Key = key(
    "memory",
    size!(limits::LIMIT_MEMORY),
    "\"16MiB\"",
    "Memory for its counts, whatever clients send; taken as keys come. 16 bytes for each key of a \
     rate limit and 8 of a concurrency limit; twice as much as there are keys at a time is right.",
);

const COST: Kind = number!(limits::LIMIT_COST);

pub(crate) static RATE_LIMIT: Section = Section {
    title: "[routes.rate_limit], [middlewares.rate_limit.NAME]",
    text: "How many requests of one key pass in a time; see \
           [rate-limiting.md](rate-limiting.md). One of `requests_per_second` and `rate` is \
           needed.",
    keys: &[
        key(
            "requests_per_second",
            Kind::Number {
                low: *limits::LIMIT_REQUESTS.start() as i64,
                high: *limits::LIMIT_REQUESTS.end() as i64,
            },
            "[none]",
            "Requests that come back each second.",
        ),
        key(
            "rate",
            Kind::Text(Form::RATE),
            "[none]",
            "The same in another time: `\"5/min\"`; the times are `s`, `min`, `h` and `day`.",
        ),
        key(
            "burst_size",
            Kind::Number { low: 0, high: *limits::LIMIT_BURST.end() as i64 },
            "0",
            "Requests that may come at once. 0 is as many as come back in the rate's time: with \
             `\"5/min\"` five.",
        ),
        LIMIT_KEY,
        SCOPE,
        key("cost", COST, "1", "What a request counts for."),
        key(
            "costs",
            Kind::Named { of: &COST, name: Form::ANY },
            "[none]",
            "What a request of some routes counts for, by their ids, where routes share the limit.",
        ),
        SHADOW,
        key(
            "headers",
            Kind::Boolean,
            "true",
            "Whether answers tell what is left, in `RateLimit-Limit`, `RateLimit-Remaining` and \
             `RateLimit-Reset`. On, so that clients can slow down before they are refused.",
        ),
        IPV6_PREFIX,
        MISSING,
        MEMORY,
    ],
    choices: &[Choice::ExactlyOne(&["requests_per_second", "rate"])],
    later: &["distributed", "redis_url"],
    meant: &[
        ("burst", "burst_size"),
        ("limit", "requests_per_second"),
        ("average", "requests_per_second"),
        ("key_strategy", "key"),
        ("by", "key"),
        ("dry_run", "shadow"),
    ],
};
