//! An answer in place of the route's own, while something is being mended.

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::{Form, Kind};
use super::super::{key, number};
use crate::limits;

pub(crate) static MAINTENANCE: Section = Section {
    title: "[routes.maintenance], [middlewares.maintenance.NAME]",
    text: "An answer in place of the route's own, while something is being mended. `maintenance = \
           {}` is enough.",
    keys: &[
        key(
            "status",
            number!(limits::RESPOND_STATUS),
            "503",
            "503, since clients and search engines then come again.",
        ),
        key(
            "retry_after",
            Kind::Duration,
            "[none]",
            "When clients shall come again, in whole seconds: `Retry-After`.",
        ),
        key("body", Kind::TEXT, "[the gateway's own]", "The body as text, of at most 64 KiB."),
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
            "`Content-Type` of `body` or `body_file`.",
        ),
        key(
            "allow",
            Kind::list(&Kind::Text(Form::NETWORK)),
            "[]",
            "Networks of clients that pass, to see whether it works again.",
        ),
    ],
    choices: &[Choice::AtMostOne(&["body", "body_file"])],
    later: &[],
    meant: &[("code", "status"), ("file", "body_file")],
};
