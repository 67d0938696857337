//! Changes of bodies.

use super::super::super::keys::Section;

pub(crate) static TRANSFORM: Section = Section {
    title: "[routes.transform], [middlewares.transform.NAME]",
    text: "Changes of bodies.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
