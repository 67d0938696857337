//! What those who are known may do.

use super::super::super::keys::Section;
use super::super::super::kind::{Form, Kind};
use super::super::key;
use super::super::route::CONDITION_OR_LIST;
use crate::limits;

const NAMES: Kind = Kind::List { of: &Kind::Text(Form::FILLED), most: limits::RBAC_LIST_COUNT_MAX };
const CLAIM: &[Kind] = &[Kind::TEXT, Kind::Number { low: i64::MIN, high: i64::MAX }, Kind::Boolean];
const CLAIMS: &[Kind] = &[
    Kind::TEXT,
    Kind::Number { low: i64::MIN, high: i64::MAX },
    Kind::Boolean,
    Kind::List { of: &Kind::Either(CLAIM), most: limits::RBAC_LIST_COUNT_MAX },
];

pub(crate) static RBAC: Section = Section {
    title: "[routes.rbac], [middlewares.rbac.NAME]",
    text: "What those may do whom `auth`, `api_key`, `basic_auth`, `forward_auth` or a `custom` \
           filter in front knows. The first rule that denies and matches refuses a request with \
           403; else the first that allows and matches lets it pass; else it is refused. A client \
           that nobody knows is answered with 401 where a rule could let a known one pass \
           (`docs/authorization.md`).",
    keys: &[
        key(
            "rules",
            Kind::List { of: &Kind::Table(&RBAC_RULE), most: limits::RBAC_RULES_COUNT_MAX },
            "",
            "The rules; see below.",
        ),
        key(
            "roles_claim",
            Kind::Text(Form::FILLED),
            "\"roles\"",
            "The claim that has the client's roles: a list of strings, or a string of words. A \
             name with points is also a way through objects: `realm_access.roles`.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("role_claim", "roles_claim")],
};

pub(crate) static RBAC_RULE: Section = Section {
    title: "[[routes.rbac.rules]], [[middlewares.rbac.NAME.rules]]",
    text: "One rule. It matches where everything that it says holds; one that says nothing of \
           roles, scopes, claims and subjects matches also clients that nobody knows.",
    keys: &[
        key("name", Kind::Text(Form::NAME), "", "What the log calls it; no other rule has it."),
        key(
            "effect",
            Kind::OneOf(&["allow", "deny"]),
            "\"allow\"",
            "What becomes of requests that it matches.",
        ),
        key("roles", NAMES, "[]", "The client has one of these roles."),
        key(
            "scopes",
            NAMES,
            "[]",
            "The client has all of these: words of its claim `scope`, or of `scp` where there is \
             none.",
        ),
        key(
            "claims",
            Kind::Named { of: &Kind::Either(CLAIMS), name: Form::FILLED },
            "{}",
            "The client has each of these claims, with this value, or one of these, or with a list \
             that has one of them. Names are read as `roles_claim` is.",
        ),
        key(
            "subjects",
            NAMES,
            "[]",
            "The client is one of these: a token's `sub`, the name of a key or of a user.",
        ),
        key(
            "methods",
            Kind::List { of: &Kind::Text(Form::METHOD), most: limits::RBAC_LIST_COUNT_MAX },
            "[]",
            "The method is one of these; `\"GET\"` stands for HEAD too.",
        ),
        key(
            "paths",
            Kind::List { of: &Kind::Text(Form::PATH), most: limits::RBAC_LIST_COUNT_MAX },
            "[]",
            "The path, as routes see it, matches one of these patterns of routes: `/a/*` is `/a` \
             and all below.",
        ),
        key(
            "when",
            Kind::Either(&CONDITION_OR_LIST),
            "[]",
            "Further conditions, as those of routes; of a list all must hold.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("conditions", "when"), ("role", "roles"), ("scope", "scopes"), ("path", "paths")],
};
