//! Who may pass: clients with a known key.

use super::super::super::keys::{Choice, Key, Section};
use super::super::super::kind::{Form, Kind};
use super::super::key;
use crate::limits;

pub(crate) static API_KEY: Section = Section {
    title: "[routes.api_key], [middlewares.api_key.NAME]",
    text: "Who may pass: clients with a known key. Its owner's name and roles are the claims of \
           the request (`docs/api-keys.md`).",
    keys: &[
        key(
            "keys",
            Kind::List { of: &Kind::Table(&API_KEY_ENTRY), most: limits::CREDENTIALS_COUNT_MAX },
            "[]",
            "The keys.",
        ),
        key(
            "keys_file",
            Kind::Text(Form::FILE),
            "[none]",
            "A file with more of them, a line each: `name:sha256hex`, with `:role,role` behind it \
             where it has roles. `frys hash key` prints such lines.",
        ),
        key(
            "from",
            Kind::Either(&[
                SOURCE,
                Kind::List { of: &SOURCE, most: limits::CREDENTIAL_SOURCES_MAX },
            ]),
            "\"header:X-Api-Key\"",
            "Where clients put their key, one place or several: `header:NAME`, `bearer`, \
             `query:NAME` or `cookie:NAME`. A request with two keys is refused. The name of the \
             field that is used most.",
        ),
        OPTIONAL,
        key(
            "forward_credentials",
            Kind::Boolean,
            "true",
            "Whether the upstream is given the key too. A key of the query stays there.",
        ),
        REALM,
    ],
    choices: &[Choice::AtLeastOne(&["keys", "keys_file"])],
    later: &[],
    meant: &[("header", "from"), ("file", "keys_file")],
};

pub(crate) static API_KEY_ENTRY: Section = Section {
    title: "[[routes.api_key.keys]], [[middlewares.api_key.NAME.keys]]",
    text: "A key and whose it is.",
    keys: &[
        key("name", Kind::Text(Form::FILLED), "", "Whose it is."),
        key(
            "key",
            SECRET,
            "[none]",
            "The key, a secret of at least 16 bytes; only its hash is kept in memory.",
        ),
        key("sha256", Kind::Text(SHA256), "[none]", "Or its SHA-256, in hexadecimal digits."),
        ROLES,
        CLAIMS,
    ],
    choices: &[Choice::ExactlyOne(&["key", "sha256"])],
    later: &[],
    meant: &[("hash", "sha256"), ("secret", "key")],
};

const SHA256: Form = Form { words: "64 hexadecimal digit", pattern: "^[0-9A-Fa-f]{64}$" };

const SOURCE: Kind =
    Kind::Text(Form { words: "place of a key", pattern: "^(bearer|(header|query|cookie):.+)$" });

/// A secret.
pub(super) const SECRET: Kind =
    Kind::Either(&[Kind::TEXT, Kind::Named { of: &Kind::TEXT, name: Form::PARAMETER }]);

pub(super) const OPTIONAL: Key = key(
    "optional",
    Kind::Boolean,
    "false",
    "Whether a request without any passes, as nobody's; a wrong one is refused all the same.",
);

pub(super) const REALM: Key = key(
    "realm",
    Kind::Text(Form::FILLED),
    "\"restricted\"",
    "What the challenge of an answer 401 names.",
);

pub(super) const ROLES: Key = key(
    "roles",
    Kind::List { of: &Kind::Text(Form::FILLED), most: limits::IDENTITY_ENTRIES_MAX },
    "[]",
    "Roles for `rbac`: the claim `roles`.",
);

pub(super) const CLAIMS: Key = key(
    "claims",
    Kind::Named { of: &Kind::TEXT, name: Form::FILLED },
    "{}",
    "Further claims, by their names.",
);
