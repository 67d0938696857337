//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::super::keys::Section;

pub(crate) static CORS: Section = Section {
    title: "[routes.cors], [middlewares.cors.NAME]",
    text: "Which pages of other origins may read the answers (Fetch standard, CORS protocol).",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
