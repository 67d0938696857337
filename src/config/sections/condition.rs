//! What tells routes apart beyond host, path and method; versions and path policies.

use super::super::keys::{Choice, Key, Section};
use super::super::kind::{Form, Kind};
use super::key;
use crate::limits;

/// A condition has one of them.
const SUBJECTS: &[&str] =
    &["header", "query", "cookie", "client_ip", "scheme", "all", "any", "not"];

/// And one of these, where the subject has a value.
const OPERATORS: &[&str] = &[
    "equals",
    "not_equals",
    "contains",
    "prefix",
    "suffix",
    "regex",
    "exists",
    "in",
    "not_in",
    "less_than",
    "at_most",
    "greater_than",
    "at_least",
];

// Statics, since conditions hold conditions.
static CONDITION_KIND: Kind = Kind::Table(&CONDITION);
pub(super) static CONDITIONS: Kind =
    Kind::List { of: &CONDITION_KIND, most: limits::CONDITIONS_COUNT_MAX };
const VALUES: Kind = Kind::List { of: &Kind::TEXT, most: limits::CONDITION_LIST_COUNT_MAX };
const NETWORKS: Kind =
    Kind::List { of: &Kind::Text(Form::NETWORK), most: limits::CONDITION_LIST_COUNT_MAX };

pub(crate) static CONDITION: Section = Section {
    title: "[routes.when]",
    text: "One condition: a subject, and an operator where the subject has a value; or `all`, \
           `any` or `not` of further ones, at most 8 deep. A field, query key or cookie that comes \
           more than once fulfils an operator when any of its values does; `not_equals` and \
           `not_in` are the negations of `equals` and `in`, so they hold also where there is no \
           value. Text is compared with case.",
    keys: &[
        key("header", Kind::Text(Form::FIELD), "[none]", "Subject: a field, by its name."),
        key(
            "query",
            Kind::Text(Form::FILLED),
            "[none]",
            "Subject: a parameter of the query, by its name; both decoded, `+` being a space.",
        ),
        key("cookie", Kind::Text(Form::FIELD), "[none]", "Subject: a cookie, by its name."),
        key(
            "client_ip",
            Kind::Either(&[Kind::Text(Form::NETWORK), NETWORKS]),
            "[none]",
            "The client's address lies in one of these networks. Behind `trusted_proxies` it is \
             the one that they tell.",
        ),
        key(
            "scheme",
            Kind::OneOf(&["http", "https"]),
            "[none]",
            "The scheme of the client's connection.",
        ),
        key("all", CONDITIONS, "[none]", "Every one holds."),
        key("any", CONDITIONS, "[none]", "At least one holds."),
        key("not", CONDITION_KIND, "[none]", "It does not hold."),
        key("equals", Kind::TEXT, "[none]", "Operator: the value is this."),
        key("not_equals", Kind::TEXT, "[none]", "Operator: it is not, or is not there."),
        key("contains", Kind::Text(Form::FILLED), "[none]", "Operator: this stands in it."),
        key("prefix", Kind::Text(Form::FILLED), "[none]", "Operator: it begins with this."),
        key("suffix", Kind::Text(Form::FILLED), "[none]", "Operator: it ends with this."),
        key(
            "regex",
            Kind::Text(Form::REGEX),
            "[none]",
            "Operator: this matches somewhere in it; `^` and `$` bind it to the ends.",
        ),
        key("exists", Kind::Boolean, "[none]", "Operator: it is there, or with `false` it is not."),
        key("in", VALUES, "[none]", "Operator: it is one of these."),
        key("not_in", VALUES, "[none]", "Operator: it is none of these, or is not there."),
        key("less_than", Kind::Decimal, "[none]", "Operator: it is a decimal number below this."),
        key("at_most", Kind::Decimal, "[none]", "Operator: a decimal number and not above this."),
        key("greater_than", Kind::Decimal, "[none]", "Operator: a decimal number above this."),
        key("at_least", Kind::Decimal, "[none]", "Operator: a decimal number and not below this."),
    ],
    choices: &[
        Choice::ExactlyOne(SUBJECTS),
        Choice::With(&["header", "query", "cookie"], OPERATORS),
    ],
    later: &["sni"],
    meant: &[("and", "all"), ("or", "any"), ("path_param", "path_params")],
};

pub(crate) static ROUTE_VERSION: Section = Section {
    title: "[routes.version]",
    text: "The route matches requests for this version, and those that say none where it is the \
           group's default.",
    keys: &[
        key("group", Kind::Text(Form::NAME), "", "The name of one of `versions`."),
        key("is", Kind::Text(Form::VERSION), "", "One of the group's `known`."),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static VERSION_GROUP: Section = Section {
    title: "[versions.NAME]",
    text: "How requests say which version of an interface they want. The name is letters, digits, \
           `-` and `_`.",
    keys: &[
        key(
            "from",
            Kind::List {
                of: &Kind::OneOf(&["path", "header", "media_type", "query"]),
                most: limits::VERSION_SOURCES_COUNT_MAX,
            },
            "",
            "Where a request says it, in the order in which the places are looked at; the first \
             that is there counts.",
        ),
        key(
            "param",
            Kind::Text(Form::PARAMETER),
            "\"version\"",
            "For `\"path\"`: the parameter of the route's path.",
        ),
        key(
            "header",
            Kind::Text(Form::FIELD),
            "[none]",
            "For `\"header\"`, and needed with it: the field, as in `\"X-Api-Version\"`.",
        ),
        key(
            "media_type_param",
            Kind::Text(Form::FIELD),
            "\"version\"",
            "For `\"media_type\"`: the parameter of a media type of `Accept`, as in \
             `application/json;version=2`.",
        ),
        key(
            "query",
            Kind::Text(Form::FILLED),
            "\"version\"",
            "For `\"query\"`: the parameter of the query.",
        ),
        key(
            "default",
            Kind::Text(Form::VERSION),
            "[none]",
            "The version of requests that say none; without it they match no route of the group.",
        ),
        key(
            "known",
            Kind::Named { of: &Kind::Table(&VERSION_LIFE), name: Form::VERSION },
            "",
            "The versions that there are, by name; see below.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static VERSION_LIFE: Section = Section {
    title: "[versions.NAME.known.VERSION]",
    text: "How long a version lives; an empty table says nothing of it. The name is letters, \
           digits, `.`, `-` and `_`. Dates are days of UTC, from their first second.",
    keys: &[
        key(
            "deprecated",
            Kind::Text(Form::DATE),
            "[none]",
            "Since when it is: answers carry `Deprecation` (RFC 9745).",
        ),
        key(
            "sunset",
            Kind::Text(Form::DATE),
            "[none]",
            "When it ends: answers carry `Sunset` (RFC 8594). Not before `deprecated`.",
        ),
        key(
            "link",
            Kind::Text(Form::FILLED),
            "[none]",
            "Where the reasons are written: `Link` with `rel=\"deprecation\"` and \
             `rel=\"sunset\"`.",
        ),
        key(
            "after_sunset",
            Kind::OneOf(&["serve", "gone"]),
            "\"serve\"",
            "Whether requests are served then, or answered with 410. The date is a promise not to \
             rely on it, not a switch.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

const SLASH: Kind = Kind::OneOf(&["reject", "keep", "decode"]);
const BYTE: Kind = Kind::OneOf(&["reject", "keep"]);
const DOTS: Kind = Kind::OneOf(&["resolve", "reject"]);
const SLASHES: Kind = Kind::OneOf(&["merge", "keep", "reject"]);

const ENCODED_SLASH: Key = key("encoded_slash", SLASH, "\"reject\"", "`%2F`.");
const BACKSLASH: Key = key("backslash", SLASH, "\"reject\"", "`\\` and `%5C`.");
const NUL: Key = key("nul", BYTE, "\"reject\"", "`%00`.");
const DOUBLE_ENCODING: Key =
    key("double_encoding", BYTE, "\"reject\"", "`%25` followed by two hexadecimal digits.");
const DOT_PARAMETER: Key = key(
    "dot_parameter",
    BYTE,
    "\"reject\"",
    "A segment that begins with `.;` or `..;`, also encoded.",
);
const DOT_SEGMENTS: Key = key("dot_segments", DOTS, "\"resolve\"", "`.` and `..` segments.");
const REPEATED_SLASHES: Key = key(
    "repeated_slashes",
    SLASHES,
    "\"merge\"",
    "`//`. With `\"keep\"` it is matched as one and forwarded as it came.",
);

pub(crate) static PATH_POLICY: Section = Section {
    title: "[path_policy]",
    text: "What becomes of paths that upstreams are known to read in more than one way: \
           `\"reject\"` answers 400, `\"keep\"` matches the bytes as data and forwards them as \
           they came, `\"decode\"` matches and forwards a `/` in their place, `\"resolve\"` and \
           `\"merge\"` match and forward the canonical form. The policy of the route that is found \
           counts, so that only a route that says so takes such paths. A malformed `%`, `..` above \
           the root and a path without its first `/` are always refused.",
    keys: &[
        ENCODED_SLASH,
        BACKSLASH,
        NUL,
        DOUBLE_ENCODING,
        DOT_PARAMETER,
        DOT_SEGMENTS,
        REPEATED_SLASHES,
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

const ABOVE: &str = "[the gateway's]";

pub(crate) static ROUTE_PATH_POLICY: Section = Section {
    title: "[routes.path_policy]",
    text: "Overrides the gateway's `path_policy` key by key.",
    keys: &[
        Key { default: ABOVE, ..ENCODED_SLASH },
        Key { default: ABOVE, ..BACKSLASH },
        Key { default: ABOVE, ..NUL },
        Key { default: ABOVE, ..DOUBLE_ENCODING },
        Key { default: ABOVE, ..DOT_PARAMETER },
        Key { default: ABOVE, ..DOT_SEGMENTS },
        Key { default: ABOVE, ..REPEATED_SLASHES },
    ],
    choices: &[],
    later: &[],
    meant: &[],
};
