//! Fields that tell browsers to be careful.

use super::super::super::keys::Section;

pub(crate) static SECURITY_HEADERS: Section = Section {
    title: "[routes.security_headers], [middlewares.security_headers.NAME]",
    text: "Fields that tell browsers to be careful.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
