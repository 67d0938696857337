//! Fields that tell browsers to be careful.

use super::super::super::keys::{Key, Section};
use super::super::super::kind::{Form, Kind};
use super::super::key;

const VALUE: Kind = Kind::Either(&[Kind::Text(Form::FILLED), Kind::OneOf(&["off"])]);

const fn field(name: &'static str, default: &'static str, text: &'static str) -> Key {
    key(name, VALUE, default, text)
}

pub(crate) static SECURITY_HEADERS: Section = Section {
    title: "[routes.security_headers], [middlewares.security_headers.NAME]",
    text: "Fields of the answer that tell browsers to be careful; each replaces the upstream's, \
           and `\"off\"` leaves that as it is. `security_headers = {}` is enough.",
    keys: &[
        field(
            "hsts",
            "\"max-age=31536000\"",
            "`Strict-Transport-Security`, only in answers that go out over TLS, here or at the \
             trusted proxy that says so. A year, without the host's subdomains, of which the \
             gateway knows nothing.",
        ),
        field("content_type_options", "\"nosniff\"", "`X-Content-Type-Options`."),
        field(
            "frame_options",
            "\"SAMEORIGIN\"",
            "`X-Frame-Options`: no page of another site frames this one.",
        ),
        field(
            "referrer_policy",
            "\"strict-origin-when-cross-origin\"",
            "`Referrer-Policy`: what browsers do by themselves, also for old ones.",
        ),
        field(
            "permissions_policy",
            "\"off\"",
            "`Permissions-Policy`. Off: which features a page uses is the page's to know.",
        ),
        field(
            "content_security_policy",
            "\"off\"",
            "`Content-Security-Policy`. Off: one that fits no page breaks every page.",
        ),
        field(
            "cross_origin_opener_policy",
            "\"same-origin-allow-popups\"",
            "`Cross-Origin-Opener-Policy`: as strict as it can be without breaking logins in a \
             window of their own.",
        ),
        field(
            "cross_origin_resource_policy",
            "\"off\"",
            "`Cross-Origin-Resource-Policy`. Off: what other sites embed would be gone.",
        ),
        field(
            "cross_origin_embedder_policy",
            "\"off\"",
            "`Cross-Origin-Embedder-Policy`. Off: what a page embeds would be gone.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[
        ("strict_transport_security", "hsts"),
        ("csp", "content_security_policy"),
        ("x_frame_options", "frame_options"),
        ("x_content_type_options", "content_type_options"),
    ],
};
