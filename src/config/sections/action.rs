//! What a route does with a request, and with its head on the way.

use super::super::keys::{Choice, Key, Section};
use super::super::kind::{Form, Kind};
use super::route::WEIGHT;
use super::{key, number};
use crate::limits;

pub(crate) static WEIGHTED: Section = Section {
    title: "[[routes.clusters]]",
    text: "A cluster and its share of the route's requests, as for a canary.",
    keys: &[
        key("name", Kind::Text(Form::NAME), "", "The name of one of `clusters`."),
        key(
            "weight",
            WEIGHT,
            "1",
            "Share of the requests against the other weights; 0 takes the cluster out.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("cluster", "name")],
};

pub(crate) static REDIRECT: Section = Section {
    title: "[routes.redirect]",
    text: "An answer that sends the client elsewhere.",
    keys: &[
        key("to", Kind::Text(Form::FILLED), "", "The `Location`, a template."),
        key(
            "status",
            number!(limits::REDIRECT_STATUS),
            "302",
            "301, 302, 303, 307 or 308; with 307 and 308 clients keep the method. 302, since \
             clients do not keep it, so that a mistake can be taken back.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("location", "to"), ("url", "to"), ("code", "status")],
};

pub(crate) static RESPOND: Section = Section {
    title: "[routes.respond]",
    text: "An answer that is always the same. Without a body it has none.",
    keys: &[
        key("status", number!(limits::RESPOND_STATUS), "200", "With 204, 205 and 304 no body."),
        key("body", Kind::TEXT, "[none]", "The body as text, of at most 64 KiB."),
        key(
            "body_file",
            Kind::Text(Form::FILE),
            "[none]",
            "A file that is read once, when the configuration is, in place of `body`.",
        ),
        key(
            "content_type",
            Kind::Text(Form::FILLED),
            "\"text/plain; charset=utf-8\"",
            "`Content-Type`, where there is a body.",
        ),
    ],
    choices: &[Choice::AtMostOne(&["body", "body_file"])],
    later: &[],
    meant: &[("code", "status"), ("file", "body_file")],
};

pub(crate) static FILES: Section = Section {
    title: "[routes.files]",
    text: "Answers from the files below a folder: what a trailing `/*` of the route matched is \
           looked for in it, or the whole path where the route has none. Links that lead out of \
           the folder are not followed.",
    keys: &[
        key("root", Kind::Text(Form::FILE), "", "The folder."),
        key(
            "index",
            Kind::List { of: &Kind::Text(Form::FILLED), most: limits::INDEX_FILES_COUNT_MAX },
            "[\"index.html\"]",
            "Files that stand for their folder, the first that is there; none where it is empty.",
        ),
        key(
            "fallback",
            Kind::Text(Form::FILLED),
            "[none]",
            "A file below `root` that is served where there is none, for pages that route \
             themselves.",
        ),
        key(
            "cache_control",
            Kind::Text(Form::FILLED),
            "[none]",
            "`Cache-Control` of what is found.",
        ),
        key(
            "hidden",
            Kind::Boolean,
            "false",
            "Whether names that begin with a dot are served; `.well-known` always is. Off, since \
             `.git` and `.env` are forgotten in folders.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("folder", "root"), ("try_files", "fallback")],
};

pub(crate) static REWRITE: Section = Section {
    title: "[routes.rewrite]",
    text: "Another path for the upstream; the query stays. Either `strip_prefix` and `add_prefix` \
           or one of them, or `path`, or `regex` and `with`.",
    keys: &[
        key(
            "strip_prefix",
            Kind::Text(Form::PATH),
            "[none]",
            "Whole segments that are left out at the front; a path without them stays.",
        ),
        key("add_prefix", Kind::Text(Form::PATH), "[none]", "Put in front of what is left."),
        key(
            "path",
            Kind::Text(Form::FILLED),
            "[none]",
            "The new path, a template, with the route's parameters as variables.",
        ),
        key(
            "regex",
            Kind::Text(Form::REGEX),
            "[none]",
            "Is looked for in the canonical path; a path without a match stays.",
        ),
        key(
            "with",
            Kind::Text(Form::TEMPLATE),
            "[none]",
            "What stands in place of the match: a template in which `$1` to `$9` are the groups.",
        ),
    ],
    choices: &[
        Choice::AtLeastOne(&["strip_prefix", "add_prefix", "path", "regex"]),
        Choice::AtMostOne(&["strip_prefix", "path", "regex"]),
        Choice::AtMostOne(&["add_prefix", "path", "regex"]),
        Choice::With(&["regex"], &["with"]),
    ],
    later: &[],
    meant: &[("prefix", "strip_prefix"), ("replacement", "with")],
};

const SECRET: Kind = Kind::Named { of: &Kind::TEXT, name: Form::PARAMETER };
const VALUES: Kind =
    Kind::Named { of: &Kind::Either(&[Kind::Text(Form::TEMPLATE), SECRET]), name: Form::FIELD };
const EDITS: [Key; 3] = [
    key(
        "set",
        VALUES,
        "[none]",
        "Fields that replace all of their name; values are templates or secrets; see above.",
    ),
    key(
        "append",
        VALUES,
        "[none]",
        "Fields that stand beside others of their name; values are templates or secrets.",
    ),
    key(
        "remove",
        Kind::List { of: &Kind::Text(Form::FIELD), most: limits::FIELD_EDITS_MAX },
        "[]",
        "Names of fields that are left out.",
    ),
];

pub(crate) static REQUEST_HEADERS: Section = Section {
    title: "[routes.request_headers], [middlewares.headers.NAME.request]",
    text: "Changes of the request's fields on their way to the upstream: removed first, then set, \
           then appended. Fields of one connection, lengths and `Host` (that is `host_rewrite`) \
           are the gateway's own.",
    keys: &EDITS,
    choices: &[],
    later: &[],
    meant: &[("add", "append")],
};

pub(crate) static RESPONSE_HEADERS: Section = Section {
    title: "[routes.response_headers], [middlewares.headers.NAME.response]",
    text: "The same for the answer's fields on their way to the client, whoever made the answer.",
    keys: &EDITS,
    choices: &[],
    later: &[],
    meant: &[("add", "append")],
};

pub(crate) static REQUEST_ID: Section = Section {
    title: "[request_id]",
    text: "Gives every request an id, for the upstream and for the log.",
    keys: &[
        key(
            "header",
            Kind::Text(Form::FIELD),
            "\"X-Request-Id\"",
            "The field that the upstream gets it in.",
        ),
        key(
            "trust",
            Kind::Boolean,
            "true",
            "Whether the id that one of `trusted_proxies` sent is kept; those of others never are.",
        ),
        key("respond", Kind::Boolean, "false", "Whether the answer carries it too."),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};
