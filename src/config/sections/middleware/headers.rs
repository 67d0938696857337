//! Changes of fields, to be named by several routes.

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::Kind;
use super::super::{REQUEST_HEADERS, RESPONSE_HEADERS, key};

pub(crate) static HEADERS: Section = Section {
    title: "[middlewares.headers.NAME]",
    text: "Changes of fields, to be named by several routes. What a route says itself in its \
           `request_headers` and `response_headers` goes before what stands here.",
    keys: &[
        key(
            "request",
            Kind::Table(&REQUEST_HEADERS),
            "[none]",
            "Changes of the request on its way to the upstream, as in `routes.request_headers`.",
        ),
        key(
            "response",
            Kind::Table(&RESPONSE_HEADERS),
            "[none]",
            "Changes of the answer on its way to the client, as in `routes.response_headers`.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["request", "response"])],
    later: &[],
    meant: &[("request_headers", "request"), ("response_headers", "response")],
};
