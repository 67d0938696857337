//! Which client addresses may pass.

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::{Form, Kind};
use super::super::key;
use crate::limits;

const NETWORKS: Kind =
    Kind::List { of: &Kind::Text(Form::NETWORK), most: limits::IP_NETWORKS_COUNT_MAX };

pub(crate) static IP_FILTER: Section = Section {
    title: "[routes.ip_filter], [middlewares.ip_filter.NAME]",
    text: "Which client addresses may pass: none of `deny`, and where there is an `allow`, only \
           its own; others are answered with 403. See `docs/filters.md`.",
    keys: &[
        key("allow", NETWORKS, "[]", "Networks that may pass; none here and in the file: all may."),
        key("deny", NETWORKS, "[]", "Networks that may not, whatever `allow` says."),
        key(
            "allow_file",
            Kind::Text(Form::FILE),
            "[none]",
            "A file with more of `allow`: one network a line, `#` before a remark. Read when the \
             configuration is.",
        ),
        key("deny_file", Kind::Text(Form::FILE), "[none]", "A file with more of `deny`."),
        key(
            "of",
            Kind::OneOf(&["client", "peer"]),
            "\"client\"",
            "Whose address is looked at: the client's, which behind `trusted_proxies` is the one \
             that they tell, or that of the connection itself.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["allow", "deny", "allow_file", "deny_file"])],
    later: &[],
    meant: &[("allowed", "allow"), ("denied", "deny"), ("source_range", "allow")],
};
