//! A filter of the embedding program.

use super::super::super::keys::Section;

pub(crate) static CUSTOM: Section = Section {
    title: "[routes.custom], [middlewares.custom.NAME]",
    text: "A filter of the embedding program.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
