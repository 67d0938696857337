//! How many requests of one key may be under way at once.

use super::super::super::keys::Section;
use super::super::super::kind::Kind;
use super::super::key;
use super::rate_limit::{IPV6_PREFIX, LIMIT_KEY, MEMORY, MISSING, SCOPE, SHADOW};
use crate::limits;

pub(crate) static CONCURRENCY_LIMIT: Section = Section {
    title: "[routes.concurrency_limit], [middlewares.concurrency_limit.NAME]",
    text: "How many requests of one key may be under way at once; see \
           [rate-limiting.md](rate-limiting.md).",
    keys: &[
        key(
            "max_requests",
            Kind::Number { low: 1, high: limits::CONCURRENT_REQUESTS_MAX as i64 },
            "",
            "Requests under way, from the filter to the end of the answer.",
        ),
        LIMIT_KEY,
        SCOPE,
        SHADOW,
        IPV6_PREFIX,
        MISSING,
        MEMORY,
    ],
    choices: &[],
    later: &[],
    meant: &[("limit", "max_requests"), ("max", "max_requests"), ("key_strategy", "key")],
};
