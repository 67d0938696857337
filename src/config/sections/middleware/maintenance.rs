//! An answer in place of the route's own, while something is being mended.

use super::super::super::keys::Section;

pub(crate) static MAINTENANCE: Section = Section {
    title: "[routes.maintenance], [middlewares.maintenance.NAME]",
    text: "An answer in place of the route's own, while something is being mended.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
