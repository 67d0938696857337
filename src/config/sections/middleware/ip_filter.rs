//! Which client addresses may pass.

use super::super::super::keys::Section;

pub(crate) static IP_FILTER: Section = Section {
    title: "[routes.ip_filter], [middlewares.ip_filter.NAME]",
    text: "Which client addresses may pass.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
