//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::{Form, Kind};
use super::super::key;
use crate::limits;

const ORIGIN: Kind = Kind::Text(Form::ORIGIN);
const REGEX: Kind = Kind::Text(Form::REGEX);
const METHOD: Kind = Kind::Text(Form::METHOD);
const FIELD: Kind = Kind::Text(Form::FIELD);

pub(crate) static CORS: Section = Section {
    title: "[routes.cors], [middlewares.cors.NAME]",
    text: "Which pages of other origins may read the answers (Fetch standard, CORS protocol); \
           preflights are answered here. See `docs/cors.md`.",
    keys: &[
        key(
            "origins",
            Kind::List { of: &ORIGIN, most: limits::CORS_LIST_COUNT_MAX },
            "[]",
            "Origins whose pages may: `https://a.example`, `https://*.b.example` for one or more \
             labels in front, `null` for pages without an origin of their own, or `*` for all.",
        ),
        key(
            "origin_regexes",
            Kind::List { of: &REGEX, most: limits::CORS_REGEXES_COUNT_MAX },
            "[]",
            "Expressions that match all of an origin, in lower case and without the scheme's own \
             port.",
        ),
        key(
            "methods",
            Kind::List { of: &METHOD, most: limits::CORS_LIST_COUNT_MAX },
            "[\"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\"]",
            "Methods that pages may use; `*` is the one that is asked for. The route takes those \
             that it has.",
        ),
        key(
            "headers",
            Kind::List { of: &FIELD, most: limits::CORS_LIST_COUNT_MAX },
            "[\"*\"]",
            "Fields that pages may send beside those that every page may; `*` is those that are \
             asked for. All, since the list of origins says whom to trust.",
        ),
        key(
            "expose_headers",
            Kind::List { of: &FIELD, most: limits::CORS_LIST_COUNT_MAX },
            "[]",
            "Fields of the answer that pages may read beside those that every page may; `*` is all \
             of them, where `credentials` is off.",
        ),
        key(
            "credentials",
            Kind::Boolean,
            "false",
            "Whether pages may send cookies and other credentials; never with `*` as an origin.",
        ),
        key(
            "max_age",
            Kind::Duration,
            "\"10m\"",
            "How long a browser may keep the answer to a preflight, in whole seconds, at most a \
             day. Ten minutes spare most preflights, and a change is seen within that.",
        ),
        key(
            "private_network",
            Kind::Boolean,
            "false",
            "Whether pages of public addresses may ask for this route at a private one, where the \
             browser asks for that.",
        ),
        key(
            "reject",
            Kind::Boolean,
            "false",
            "Whether requests of pages of other origins are refused with 403. Off: they are \
             answered, and the browser keeps the answer from the page.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["origins", "origin_regexes"])],
    later: &[],
    meant: &[
        ("allow_origins", "origins"),
        ("allowed_origins", "origins"),
        ("allow_methods", "methods"),
        ("allow_headers", "headers"),
        ("allowed_headers", "headers"),
        ("exposed_headers", "expose_headers"),
        ("allow_credentials", "credentials"),
    ],
};
