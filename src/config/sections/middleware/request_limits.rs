//! Bounds on a route's requests, tighter than the gateway's.

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::Kind;
use super::super::{ANY_SIZE, key, number, size};
use crate::limits;

pub(crate) static REQUEST_LIMITS: Section = Section {
    title: "[routes.request_limits], [middlewares.request_limits.NAME]",
    text: "Bounds on a route's requests, tighter than those of `limits`; what is over one is \
           refused with the status named.",
    keys: &[
        key(
            "fields",
            number!(limits::ROUTE_FIELDS_COUNT),
            "[`limits.fields`]",
            "Fields of a head; 431.",
        ),
        key(
            "fields_size",
            size!(limits::ROUTE_FIELDS_SIZE),
            "[`limits.fields_size`]",
            "All fields of a head; 431.",
        ),
        key(
            "url_size",
            size!(limits::URL_SIZE),
            "[`limits.request_line`]",
            "A request target, path and query together; 414.",
        ),
        key(
            "query_size",
            size!(limits::QUERY_SIZE),
            "[`limits.request_line`]",
            "A query without its question mark; 414. `\"0B\"` takes none.",
        ),
        key(
            "body",
            ANY_SIZE,
            "[`limits.body`]",
            "A request body; 413, also of one whose length is not told. `\"0B\"` takes none.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["fields", "fields_size", "url_size", "query_size", "body"])],
    later: &[],
    meant: &[("max_body", "body"), ("target", "url_size"), ("uri_size", "url_size")],
};
