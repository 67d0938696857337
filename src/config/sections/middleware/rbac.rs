//! What those who are known may do.

use super::super::super::keys::Section;

pub(crate) static RBAC: Section = Section {
    title: "[routes.rbac], [middlewares.rbac.NAME]",
    text: "What those who are known may do.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
