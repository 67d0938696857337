//! Who may pass: bearers of a JSON Web Token (RFC 7519).

use super::super::super::keys::Section;

pub(crate) static AUTH: Section = Section {
    title: "[routes.auth], [middlewares.auth.NAME]",
    text: "Who may pass: bearers of a JSON Web Token (RFC 7519).",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
