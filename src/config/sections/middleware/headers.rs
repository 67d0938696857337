//! Changes of fields, to be named by several routes.

use super::super::super::keys::Section;

pub(crate) static HEADERS: Section = Section {
    title: "[middlewares.headers.NAME]",
    text: "Changes of fields, to be named by several routes.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
