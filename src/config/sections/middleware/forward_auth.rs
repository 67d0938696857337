//! Who may pass: asked of another server for each request.

use super::super::super::keys::Section;
use super::super::super::kind::{Form, Kind};
use super::super::{key, number};
use crate::limits;

pub(crate) static FORWARD_AUTH: Section = Section {
    title: "[routes.forward_auth], [middlewares.forward_auth.NAME]",
    text: "Who may pass: asked of another server for each request (`docs/forward-auth.md`).",
    keys: &[
        key(
            "url",
            Kind::Text(SERVER),
            "",
            "Where to ask, with `GET`. 2xx lets the request pass; 401, 403 and redirects are \
             passed on.",
        ),
        key(
            "timeout",
            Kind::Duration,
            "\"1s\"",
            "How long the answer may take, at most a minute. A second, since every request waits \
             for it.",
        ),
        key(
            "request_headers",
            NAMES,
            "[none]",
            "Fields that the server is shown, in place of all but those of one connection and of \
             the body.",
        ),
        key(
            "response_headers",
            NAMES,
            "[]",
            "Fields of its answer that the upstream is given; a client's own of these names never \
             reach it.",
        ),
        key(
            "client_headers",
            NAMES,
            "[]",
            "Fields of its answer that the client is given, whatever it says.",
        ),
        key(
            "user_header",
            Kind::Text(Form::FIELD),
            "[none]",
            "The field of its answer that says who asks, for `rbac`, limits and the log.",
        ),
        key(
            "roles_header",
            Kind::Text(Form::FIELD),
            "[none]",
            "The field of its answer with that one's roles, between commas.",
        ),
        key(
            "on_error",
            Kind::OneOf(&["deny", "pass"]),
            "\"deny\"",
            "What becomes of a request where it does not come to a decision: 503, or the request \
             passes as nobody's.",
        ),
        key(
            "max_requests",
            number!(limits::FORWARD_REQUESTS),
            "256",
            "Questions that may be under way at once; with more it counts as an error. As many \
             connections as a small server has.",
        ),
        key(
            "ca",
            Kind::Text(Form::FILE),
            "[none]",
            "A file with the certificates of authorities, in PEM, that are trusted for `https://` \
             in place of the system's.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("address", "url"), ("headers", "response_headers")],
};

const NAMES: Kind = Kind::List { of: &Kind::Text(Form::FIELD), most: limits::FORWARD_NAMES_MAX };

const SERVER: Form = Form { words: "URL", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://." };
