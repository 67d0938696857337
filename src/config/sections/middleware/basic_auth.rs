//! Who may pass: users with a password (RFC 7617).

use super::super::super::keys::Section;

pub(crate) static BASIC_AUTH: Section = Section {
    title: "[routes.basic_auth], [middlewares.basic_auth.NAME]",
    text: "Who may pass: users with a password (RFC 7617).",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
