//! Who may pass: clients with a known key.

use super::super::super::keys::Section;

pub(crate) static API_KEY: Section = Section {
    title: "[routes.api_key], [middlewares.api_key.NAME]",
    text: "Who may pass: clients with a known key.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
