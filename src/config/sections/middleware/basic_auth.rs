//! Who may pass: users with a password (RFC 7617).

use super::super::super::keys::{Choice, Section};
use super::super::super::kind::{Form, Kind};
use super::super::key;
use super::api_key::{CLAIMS, OPTIONAL, REALM, ROLES, SECRET};
use crate::limits;

pub(crate) static BASIC_AUTH: Section = Section {
    title: "[routes.basic_auth], [middlewares.basic_auth.NAME]",
    text: "Who may pass: users with a password (RFC 7617). Passwords are checked beside the \
           workers (`docs/basic-auth.md`).",
    keys: &[
        key(
            "users",
            Kind::List { of: &Kind::Table(&BASIC_USER), most: limits::CREDENTIALS_COUNT_MAX },
            "[]",
            "The users.",
        ),
        key(
            "users_file",
            Kind::Text(Form::FILE),
            "[none]",
            "A file with more of them, as `htpasswd -B` writes it: a line each, `name:hash`.",
        ),
        OPTIONAL,
        key(
            "forward_credentials",
            Kind::Boolean,
            "true",
            "Whether the upstream is given the password too.",
        ),
        REALM,
        key(
            "remember",
            Kind::Duration,
            "\"1m\"",
            "How long a worker remembers that a password is right, at most an hour; `\"0s\"` \
             checks every request. A client that asks often costs one check a minute so.",
        ),
    ],
    choices: &[Choice::AtLeastOne(&["users", "users_file"])],
    later: &[],
    meant: &[("file", "users_file"), ("htpasswd", "users_file")],
};

pub(crate) static BASIC_USER: Section = Section {
    title: "[[routes.basic_auth.users]], [[middlewares.basic_auth.NAME.users]]",
    text: "A user.",
    keys: &[
        key("name", Kind::Text(Form::FILLED), "", "As the client sends it, without a colon."),
        key(
            "password_hash",
            SECRET,
            "",
            "The hash of the password, a secret: bcrypt (`$2y$…`, `$2b$…`, `$2a$…`, of cost 14 at \
             most) or `$argon2id$…` (of 128 MiB at most). `frys hash password` prints one.",
        ),
        ROLES,
        CLAIMS,
    ],
    choices: &[],
    later: &[],
    meant: &[("password", "password_hash"), ("hash", "password_hash")],
};
