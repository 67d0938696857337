//! Changes of bodies.

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::{Form, Kind};
use super::super::{key, size};
use crate::limits;

pub(crate) static TRANSFORM: Section = Section {
    title: "[routes.transform], [middlewares.transform.NAME]",
    text: "Changes of bodies. A body that it applies to is held whole, changed, and sent on with \
           its new length; every other body goes on as it comes.",
    keys: &[
        key("request", STEPS, "[]", "What is done to the body of a request, step by step."),
        key(
            "response",
            STEPS,
            "[]",
            "What is done to the body of an answer. The upstream is then asked for the whole of \
             it, without a coding.",
        ),
        key(
            "media_types",
            Kind::List {
                of: &Kind::Text(Form::MEDIA_RANGE),
                most: limits::TRANSFORM_MEDIA_TYPES_MAX,
            },
            "[]",
            "The bodies that it applies to: `text/html`, `text/*`, `application/*+json`, `*/*`. \
             Empty for the usual: steps of JSON apply to JSON, the others to text, JSON, XML and \
             JavaScript; not to `text/event-stream`, which has no end to wait for.",
        ),
        key(
            "buffer",
            size!(limits::TRANSFORM_BUFFER),
            "\"1MiB\"",
            "Bytes that a body may have, before each step and behind it: a longer request is \
             refused with 413, a longer answer with 502. 1 MiB, since each is held in memory.",
        ),
        key(
            "on_error",
            Kind::OneOf(&["pass", "refuse"]),
            "\"pass\"",
            "What becomes of a body that cannot be read: one with a `Content-Encoding`, one that \
             is no JSON where a step needs it, a part of an answer (206). `\"pass\"` lets it go on \
             as it is and counts it; `\"refuse\"` answers 400 for a request and 502 for an answer.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["request", "response"])],
    later: &[],
    meant: &[("types", "media_types"), ("max_size", "buffer"), ("steps", "response")],
};

const STEPS: Kind =
    Kind::List { of: &Kind::Table(&TRANSFORM_STEP), most: limits::TRANSFORM_STEPS_MAX };

pub(crate) static TRANSFORM_STEP: Section = Section {
    title: "[[routes.transform.request]], [[routes.transform.response]], \
            [[middlewares.transform.NAME.request]], [[middlewares.transform.NAME.response]]",
    text: "One change of a body. Paths of JSON are names and numbers with points between them, `*` \
           for every member or element: `user.name`, `items.0`, `items.*.id`; `\\` in front of a \
           point, a star or another `\\` takes it as it is.",
    keys: &[
        key(
            "find",
            Kind::Text(Form::FILLED),
            "[none]",
            "A text, byte by byte; every occurrence is replaced.",
        ),
        key(
            "regex",
            Kind::Text(Form::REGEX),
            "[none]",
            "A regular expression over bytes; every match is replaced. It may not match the empty \
             text.",
        ),
        key(
            "with",
            Kind::TEXT,
            "[none]",
            "What stands in its place. Of `regex`, `$1` and `${name}` are groups, `$$` a dollar.",
        ),
        key(
            "json_set",
            Kind::Free,
            "[none]",
            "Values by their paths; objects that are missing on the way are made.",
        ),
        key(
            "json_remove",
            Kind::List { of: &Kind::Text(Form::FILLED), most: limits::JSON_PATHS_MAX },
            "[none]",
            "Paths of members and elements that are taken out.",
        ),
        key(
            "json_rename",
            Kind::Named { of: &Kind::TEXT, name: Form::ANY },
            "[none]",
            "New names of members by their paths. One that has the name already gives way.",
        ),
    ],
    choices: &[
        Choice::ExactlyOne(&["find", "regex", "json_set", "json_remove", "json_rename"]),
        Choice::With(&["find", "regex"], &["with"]),
    ],
    later: &[],
    meant: &[("replace", "with"), ("replacement", "with"), ("set", "json_set")],
};
