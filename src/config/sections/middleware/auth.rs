//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::super::keys::Section;
use super::super::super::kind::{Form, Kind};
use super::super::{key, number, size};
use crate::limits;

/// A text, or where it is read: `{ env = "NAME" }`, `{ file = "/path" }` or
/// `{ credential = "name" }`.
const TEXT_OR_SOURCE: Kind = Kind::Either(&[
    Kind::Text(Form::FILLED),
    Kind::Named { of: &Kind::TEXT, name: Form::PARAMETER },
]);
const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "EdDSA",
];
const PLACE: Form =
    Form { words: "place of a token", pattern: "^(bearer|(header|cookie|query):.+)$" };
const WEB_URL: Form = Form { words: "URL", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://." };
const FILLED: Kind = Kind::Text(Form::FILLED);

pub(crate) static AUTH: Section = Section {
    title: "[routes.auth], [middlewares.auth.NAME]",
    text: "Who may pass: bearers of a JSON Web Token (RFC 7519) that is signed with a known key. \
           `auth = { issuer = \"https://auth.example.com\", audience = \"api\" }` is often enough; \
           `docs/authentication.md` has more. The keys of `jwt_secret`, `public_key` and \
           `jwks_file` are always known; further ones are fetched from `jwks_url`, or by discovery \
           from the issuer, where `oidc_config` is there or `issuer` is without any other key.",
    keys: &[
        key(
            "issuer",
            FILLED,
            "[none]",
            "What `iss` must be, letter by letter. Without any key of your own also where keys are \
             found: `/.well-known/openid-configuration` below it.",
        ),
        key(
            "audience",
            Kind::Either(&[FILLED, Kind::List { of: &FILLED, most: limits::TOKEN_CLAIMS_MAX }]),
            "[]",
            "One of these must be in `aud`. Without any, `aud` is not looked at: then a token that \
             the issuer made for another service passes here too.",
        ),
        key(
            "jwt_secret",
            TEXT_OR_SOURCE,
            "[none]",
            "The shared secret of HMAC-signed tokens, with at least the bytes of the hash (32 for \
             HS256, RFC 7518 section 3.2): \
             `{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`.",
        ),
        key(
            "public_key",
            TEXT_OR_SOURCE,
            "[none]",
            "A public key in PEM, RSA of 2048 bits or more, P-256, P-384 or Ed25519; or where it \
             is read, as a secret is.",
        ),
        key(
            "jwks_file",
            Kind::Text(Form::FILE),
            "[none]",
            "A file with a JWK Set (RFC 7517). It is watched as this file is.",
        ),
        key(
            "jwks_url",
            Kind::Text(WEB_URL),
            "[none]",
            "Where a JWK Set is fetched, and fetched again.",
        ),
        key(
            "oidc_config",
            Kind::Table(&AUTH_PROVIDER),
            "[none]",
            "An OpenID Connect provider whose tokens pass; see below.",
        ),
        key(
            "algorithms",
            Kind::List { of: &Kind::OneOf(ALGORITHMS), most: ALGORITHMS.len() },
            "[]",
            "How a token may be signed. Without any, each key takes one algorithm: of a JWK its \
             `alg`, else `HS256`, `RS256`, `ES256`, `ES384` or `EdDSA` by its kind. A key never \
             takes one that is not of its kind, and `none` is no algorithm.",
        ),
        key(
            "required_claims",
            Kind::List {
                of: &Kind::Either(&[FILLED, Kind::Table(&REQUIRED_CLAIM)]),
                most: limits::TOKEN_CLAIMS_MAX,
            },
            "[]",
            "Claims that a token must have, by name or as a table; else 403.",
        ),
        key(
            "required_scopes",
            Kind::List { of: &FILLED, most: limits::TOKEN_CLAIMS_MAX },
            "[]",
            "Scopes that a token must all have, in `scope` or `scp`; else 403.",
        ),
        key(
            "require_exp",
            Kind::Boolean,
            "true",
            "Refuse a token without `exp`: one that never ends cannot be taken back.",
        ),
        key(
            "leeway",
            Kind::Duration,
            "\"60s\"",
            "By how much clocks may differ, for `exp`, `nbf` and `iat`; at most an hour. 60 s is \
             what most libraries take.",
        ),
        key(
            "token_from",
            Kind::List { of: &Kind::Text(PLACE), most: limits::TOKEN_SOURCES_MAX },
            "[\"bearer\"]",
            "Where the token stands: `bearer` is `Authorization: Bearer`; or `header:NAME`, \
             `cookie:NAME`, `query:NAME`. A request with a token in two places, or twice in one, \
             is refused.",
        ),
        key(
            "claims_to_headers",
            Kind::Named { of: &FILLED, name: Form::FIELD },
            "[none]",
            "Fields for the upstream, each with the claim that it is set from: \
             `{ X-User = \"sub\" }`. What the client says in them is always removed.",
        ),
        key(
            "forward_credentials",
            Kind::Boolean,
            "true",
            "Whether the upstream gets the token too. `false` cannot be with a token of the query.",
        ),
        key(
            "optional",
            Kind::Boolean,
            "false",
            "Let requests without a token pass; a wrong token is refused all the same.",
        ),
        key("realm", FILLED, "\"frys\"", "The `realm` of `WWW-Authenticate`."),
        key(
            "max_token_size",
            size!(limits::TOKEN_SIZE),
            "\"8KiB\"",
            "The longest token. 8 KiB is what a field line or a cookie of most servers may be.",
        ),
        key(
            "cache_tokens",
            number!(limits::TOKEN_CACHE_TOKENS),
            "10_000",
            "Verified tokens that each worker remembers until they expire, so that a signature is \
             checked once; 0 for none.",
        ),
        key(
            "cache_size",
            size!(limits::TOKEN_CACHE_SIZE),
            "\"16MiB\"",
            "What they may take in each worker: 10,000 tokens of usual size.",
        ),
        key(
            "refresh_interval",
            Kind::Duration,
            "[none]",
            "After how long fetched keys are fetched again, from 10 s to a day. Without it, as \
             `Cache-Control: max-age` of the answer says, from a minute to an hour, or else after \
             5 minutes. A token with an unknown key has them fetched at once, every 10 s at most.",
        ),
        key(
            "ca_file",
            Kind::Text(Form::FILE),
            "[none]",
            "Certificates of authorities in PEM by which the server of the keys is known, instead \
             of the system's.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[
        ("secret", "jwt_secret"),
        ("jwks", "jwks_file"),
        ("jwks_uri", "jwks_url"),
        ("aud", "audience"),
        ("iss", "issuer"),
        ("scopes", "required_scopes"),
        ("claims", "required_claims"),
    ],
};

pub(crate) static AUTH_PROVIDER: Section = Section {
    title: "[routes.auth.oidc_config], [middlewares.auth.NAME.oidc_config]",
    text: "An OpenID Connect provider whose tokens pass. The gateway does not log users in.",
    keys: &[
        key("issuer", Kind::Text(WEB_URL), "", "As `issuer` of the filter."),
        key(
            "client_id",
            FILLED,
            "",
            "The gateway's id there: what must be in `aud`, unless `audience` says otherwise.",
        ),
        key(
            "client_secret",
            TEXT_OR_SOURCE,
            "[none]",
            "The gateway's secret there, with which `HS256` tokens are signed (OpenID Connect Core \
             1.0 section 10.1), as long as `jwt_secret` is; needed by no other tokens.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[],
};

pub(crate) static REQUIRED_CLAIM: Section = Section {
    title: "[[routes.auth.required_claims]], [[middlewares.auth.NAME.required_claims]]",
    text: "A claim that a token must have.",
    keys: &[
        key(
            "name",
            FILLED,
            "",
            "Its name; with points a way through objects: `realm_access.roles`.",
        ),
        key(
            "values",
            Kind::List { of: &FILLED, most: limits::TOKEN_CLAIMS_MAX },
            "[]",
            "It must be one of these, or a list with one of them; without any it must be there.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("value", "values"), ("claim", "name")],
};
