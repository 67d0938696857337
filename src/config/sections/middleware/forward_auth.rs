//! Who may pass: asked of another server for each request.

use super::super::super::keys::Section;

pub(crate) static FORWARD_AUTH: Section = Section {
    title: "[routes.forward_auth], [middlewares.forward_auth.NAME]",
    text: "Who may pass: asked of another server for each request.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
